/** The head of an answer as HTTP/2 spells it: whether it is well-formed, RFC 9113 sections 8.2 and 8.3.2. */

import type { Fields } from '../../core/raw.ts';
import { goodName, goodValue } from '../../http2/field-rules.ts';

const STATUS = /^[1-9][0-9]{2}$/;
const DIGITS = /^[0-9]{1,15}$/;

/** What a head says of the message. */
export interface AnswerHead {
  readonly status: number;
  readonly contentLength: string | undefined;
}

/**
 * Reads a head, `:status` first. Values lose the blanks at their ends in place: they are none of the value (RFC 9110
 * section 5.5), and some servers send them. Undefined where it is malformed.
 */
export function readAnswerHead(fields: Fields): AnswerHead | undefined {
  if (fields[0] !== ':status' || !STATUS.test(fields[1]!)) return undefined;
  let contentLength: string | undefined;
  for (let i = 2; i < fields.length; i += 2) {
    if (!goodField(fields, i)) return undefined;
    if (fields[i] !== 'content-length') continue;
    const value = fields[i + 1]!;
    if (!DIGITS.test(value) || (contentLength !== undefined && contentLength !== value)) return undefined;
    contentLength = value;
  }
  return { status: Number(fields[1]), contentLength };
}

/** Whether a list is one of trailers; without blanks as well. */
export function goodAnswerTrailers(fields: Fields): boolean {
  for (let i = 0; i < fields.length; i += 2) if (!goodField(fields, i)) return false;
  return true;
}

function goodField(fields: Fields, at: number): boolean {
  // A pseudo-header is no good name either.
  if (!goodName(fields[at]!)) return false;
  const value = fields[at + 1]!;
  if (goodValue(value)) return true;
  const bare = value.replace(/^[\t ]+|[\t ]+$/g, '');
  fields[at + 1] = bare;
  return goodValue(bare);
}
