/** What an unsafe request makes wrong, RFC 9111 section 4.4. */

import { fieldLines } from './field-lines.ts';
import type { AnswerHead } from './freshness.ts';

/** Whose answers may be wrong now. */
export interface Changed {
  readonly method: string;
  readonly scheme: 'http' | 'https';
  /** Host as the origin sees it. */
  readonly host: string;
  /** Raw path and query. */
  readonly target: string;
}

/** Methods that change nothing, RFC 9110 section 9.2.1 and the registry of methods. Unknown ones may change anything. */
const SAFE: ReadonlySet<string> = new Set([
  'GET',
  'HEAD',
  'OPTIONS',
  'PRI',
  'PROPFIND',
  'QUERY',
  'REPORT',
  'SEARCH',
  'TRACE',
]);

/** A URL that is longer names nothing that is stored. */
const MAX_URL = 16_384;

function resolved(text: string, base: string | undefined): URL | undefined {
  if (text.length > MAX_URL) return undefined;
  return URL.parse(text, base) ?? undefined;
}

/**
 * The raw targets (path and query) on the same scheme and host to forget: that of the request, and those of Location and
 * Content-Location where they are of the same origin. Empty for a safe method, and for an answer that is an error.
 */
export function invalidated(request: Changed, head: AnswerHead): readonly string[] {
  if (SAFE.has(request.method) || head.status < 200 || head.status >= 400) return [];
  const targets = new Set([request.target]);
  const base = resolved(request.target, `${request.scheme}://${request.host}`);
  if (base === undefined) return [...targets];
  // What another origin is said to have changed is not believed: anyone could empty anyone's cache.
  const { origin } = new URL(`${request.scheme}://${request.host}`);
  for (const name of ['location', 'content-location']) {
    for (const text of fieldLines(head.fields, name)) {
      const url = resolved(text, base.href);
      if (url?.origin !== origin) continue;
      targets.add(`${url.pathname}${url.search}`);
      // A client may ask for it as it is written; the parser has taken dot segments and the like away.
      if (/^\/[^/\\]/.test(text)) targets.add(text.split('#', 1)[0]!);
    }
  }
  return [...targets];
}
