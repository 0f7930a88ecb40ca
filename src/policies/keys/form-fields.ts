/** Fields of a form body, application/x-www-form-urlencoded, as Go's `Request.FormValue` reads them. */

import type { Exchange, PeekedBody } from '../../core/exchange.ts';
import { UNREADABLE } from './key-part.ts';

/** Whether the body of a request is such a form. */
export function isForm({ head }: Exchange): boolean {
  return /^application\/x-www-form-urlencoded\s*(?:;|$)/i.test(head.contentType);
}

/**
 * The value of a field; undefined where the body has none, UNREADABLE where the body is larger than was looked at or says
 * two different things: which of them counts is the server's choice, and must not be the attacker's.
 */
export function formField(exchange: Exchange, body: PeekedBody, name: string): string | undefined | typeof UNREADABLE {
  if (!isForm(exchange)) return undefined;
  if (!body.complete) return UNREADABLE;
  // The parser of the URL standard: `+` and escapes as in Go; a field that Go would refuse is read all the same.
  const values = new URLSearchParams(body.bytes.toString('utf8')).getAll(name);
  if (values.length === 0) return undefined;
  return values.every((value) => value === values[0]) ? values[0] : UNREADABLE;
}
