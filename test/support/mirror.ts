/** An origin that puts all it is told into an answer that everybody may keep: what poisons a cache, if anything does. */

import type { Asked } from './origin.ts';

/** What the gateway itself says, anew for each request. */
const OURS = new Set(['x-request-id', 'x-forwarded-for', 'x-forwarded-proto']);

/** For a gateway that is attacked from one address: what would end the attack before it has begun. */
export const UNLIMITED = {
  limits: { per_address: { connections_per_s: 0, malformed_per_s: 0, resets_per_s: 0 } },
} as const;

/** What was asked, as the body says it: the target, then every field. */
function mirrored(asked: Asked): string {
  const lines = Object.entries(asked.headers)
    .filter(([name, value]) => !(OURS.has(name) && /^(?:127\.0\.0\.1|https?|[\w-]{36})$/.test(String(value))))
    .map(([name, value]) => `${name}: ${value}`);
  return [`${asked.method} ${asked.target}`, ...lines].join('\n');
}

/** Plays the origin: all in the body, and a part of it in the fields, as links, CORS and traces have it. */
export function mirror(asked: Asked, more: Readonly<Record<string, string>> = {}): void {
  const text = mirrored(asked);
  const { origin, authorization, cookie } = asked.headers;
  const host = asked.headers['x-forwarded-host'] ?? asked.headers.host ?? asked.headers[':authority'];
  asked.answer(
    200,
    {
      'cache-control': 'public, max-age=600, s-maxage=600',
      'content-type': 'text/html',
      link: `<https://${host}/app.css>; rel=preload`,
      'x-told': encodeURIComponent(text).slice(0, 4000),
      ...(origin !== undefined && { 'access-control-allow-origin': origin }),
      ...((authorization ?? cookie) !== undefined && { 'x-who': `${authorization ?? cookie}` }),
      ...more,
    },
    text,
  );
}
