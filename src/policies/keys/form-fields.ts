/**
 * Fields of a form as ZITADEL reads them. Go's `Request.FormValue` and `ParseForm` take the query of the target, a body
 * of application/x-www-form-urlencoded and one of multipart/form-data together: FormValue takes the first value, and
 * the decoder of Login v1 (internal/form/parser.go, github.com/gorilla/schema) the last one, of any case of the name. So
 * all of these are looked at, and where they disagree nobody says which one counts.
 */

import type { Exchange, PeekedBody } from '../../core/exchange.ts';
import { UNREADABLE } from './key-part.ts';
import { isMultipart, multipartFields } from './multipart.ts';

/** Whether the body of a request is such a form. */
function isForm({ head }: Exchange): boolean {
  return /^application\/x-www-form-urlencoded\s*(?:;|$)/i.test(head.contentType);
}

/**
 * The value of a field; undefined where it is not given or empty, UNREADABLE where the body is larger than was looked
 * at, malformed, or says two different things: which of them counts is the server's choice, and must not be the
 * attacker's.
 */
export function formField(
  exchange: Exchange,
  body: PeekedBody | undefined,
  name: string,
): string | undefined | typeof UNREADABLE {
  const wanted = name.toLowerCase();
  const values = new Set<string>();
  const take = (entries: Iterable<readonly [string, string]>): void => {
    for (const [field, value] of entries) if (value !== '' && field.toLowerCase() === wanted) values.add(value);
  };
  const { target } = exchange.raw;
  const mark = target.indexOf('?');
  // The parser of the URL standard: `+` and escapes as in Go; a field that Go would refuse is read all the same.
  if (mark !== -1) take(new URLSearchParams(target.slice(mark + 1)));
  if (body !== undefined && body.bytes.length > 0) {
    const { contentType } = exchange.head;
    if (isForm(exchange)) {
      if (!body.complete) return UNREADABLE;
      take(new URLSearchParams(body.bytes.toString('utf8')));
    } else if (isMultipart(contentType)) {
      const entries = body.complete ? multipartFields(contentType, body.bytes) : UNREADABLE;
      if (entries === UNREADABLE) return UNREADABLE;
      take(entries);
    }
  }
  if (values.size > 1) return UNREADABLE;
  const [value] = values;
  return value;
}
