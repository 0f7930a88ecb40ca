/** The page that a person sees when the gateway says no. */

import { createHash } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { RefusalContext } from '../core/exchange.ts';
import { retryAfter } from './retry.ts';

const STYLE = `:root{color-scheme:light dark}
body{margin:0;min-height:100vh;display:grid;place-items:center;font:1rem/1.5 system-ui,sans-serif}
main{max-width:32rem;padding:2rem}
h1{font-size:1.5rem;margin:0 0 1rem}
small{opacity:.75;overflow-wrap:anywhere}`;

/** The fields that go with the page: nothing but its own style may load, nothing may frame it or learn where it was. */
export const PAGE_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': `default-src 'none'; style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  'referrer-policy': 'no-referrer',
  'x-frame-options': 'DENY',
  'x-robots-tag': 'none',
};

/** The page of a refusal: what happened, what to do, the request id. No script, no file from elsewhere, no redirect. */
export function page({ error, requestId }: RefusalContext): string {
  const title = `${error.row.http} ${STATUS_CODES[error.row.http] ?? 'Request Failed'}`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>${escapeHtml(title)}</h1>
<p>${escapeHtml(error.message)}</p>
${advice(error)}<p><small>Request id: <code>${escapeHtml(requestId)}</code></small></p>
</main>
</body>
</html>
`;
}

function advice(error: RefusalContext['error']): string {
  const wait = retryAfter(error);
  if (wait !== undefined && wait !== '0')
    return `<p>Please try again in ${wait} second${wait === '1' ? '' : 's'}.</p>\n`;
  return error.row.retriable ? '<p>Please try again.</p>\n' : '';
}

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** Text as it may stand in an element or a quoted attribute. */
function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character]!);
}
