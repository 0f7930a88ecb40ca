/** Whether a caller shows what it gets as a page. */

import type { RequestHead } from '../core/exchange.ts';
import { listMembers } from '../core/headers.ts';
import { isPreflight } from './cors.ts';
import { mediaType } from './media-type.ts';

/** Destinations that end in a browsing context, https://fetch.spec.whatwg.org/#concept-request-destination */
const SHOWN: ReadonlySet<string> = new Set(['document', 'iframe', 'frame', 'embed', 'object', 'fencedframe']);

/**
 * Whether the request wants a page, on a route that has pages. `Sec-Fetch-Dest` decides where a browser sends it:
 * scripts, styles, images and `fetch` get no page. Without it `Accept` decides: HTML that is named, or that a wildcard
 * allows while JSON is not named (`application/json, text/plain, *\/*` is a script), or no `Accept` at all. A preflight
 * is never shown.
 */
export function wantsPage(head: RequestHead): boolean {
  if (isPreflight(head)) return false;
  const destination = head.headers['sec-fetch-dest'];
  if (typeof destination === 'string') return SHOWN.has(destination);
  const { accept } = head.headers;
  if (typeof accept !== 'string') return true;
  let wildcard = false;
  let json = false;
  for (const member of listMembers(accept)) {
    if (/;\s*q=0(?:\.0*)?\s*(?:;|$)/i.test(member)) continue;
    const type = mediaType(member);
    if (type === 'text/html' || type === 'application/xhtml+xml') return true;
    if (type === 'application/json' || type.endsWith('+json')) json = true;
    if (type === '*/*' || type === 'text/*') wildcard = true;
  }
  return wildcard && !json;
}
