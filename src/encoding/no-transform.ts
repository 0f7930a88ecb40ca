import type { RequestHead } from '../core/exchange.ts';

/** The directive in a value of Cache-Control, RFC 9111 sections 5.2.1.6 and 5.2.2.6: bodies stay as they are. */
export const NO_TRANSFORM = /(?:^|[,\s])no-transform\s*(?:,|$)/i;

/** Whether a client wants the body as it is. */
export function asksNoTransform({ headers }: Pick<RequestHead, 'headers'>): boolean {
  const wish = headers['cache-control'];
  return wish !== undefined && NO_TRANSFORM.test(String(wish));
}
