/** What a 103 (Early Hints, RFC 8297) says before a page: the scripts and styles of the page that came last. */

import type { Exchange } from '../../core/exchange.ts';
import { getField } from '../../core/headers.ts';
import type { PageFile } from './page.ts';

/** Nobody loads more at once, and a head stays small: links, and characters of all of them. */
const MOST_LINKS = 10;
const MOST_TEXT = 2048;

/** The value of one Link field; undefined where there is nothing to load. */
export function earlyHints(files: readonly PageFile[]): string | undefined {
  let text = '';
  for (const { target, as, module } of files.slice(0, MOST_LINKS)) {
    const link = `<${target}>; rel=${module ? 'modulepreload' : 'preload'}; as=${as}`;
    if (text.length + link.length + 2 > MOST_TEXT) break;
    text += text === '' ? link : `, ${link}`;
  }
  return text === '' ? undefined : text;
}

/**
 * Sends the 103 to a browser that opens a page, which Sec-Fetch-Mode tells (https://www.w3.org/TR/fetch-metadata/).
 * Nobody else does anything with hints, and some clients take the first head that comes for the last one. Does nothing
 * without hints, and on HTTP/1.1.
 */
export function hint({ raw, downstream }: Exchange, hints: string | undefined): void {
  if (hints !== undefined && getField(raw.fields, 'sec-fetch-mode') === 'navigate') {
    downstream.inform(103, ['link', hints]);
  }
}
