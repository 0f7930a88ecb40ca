/** Integers of HPACK, RFC 7541 section 5.1. */

import { HpackError } from './hpack-error.ts';

/** Where a reader stands in a block. */
export interface Cursor {
  at: number;
}

/** Octets after the prefix: 2^21 and more are no length, index or table size that anybody needs. */
const MOST_OCTETS = 3;

/**
 * The integer that begins at the cursor, which is set behind it. `mask`: the bits of the prefix, all ones. HpackError
 * where the block ends within it or it is absurdly large.
 */
export function readInteger(bytes: Uint8Array, cursor: Cursor, mask: number): number {
  const first = bytes[cursor.at];
  if (first === undefined) throw new HpackError('the block ends before an integer');
  cursor.at += 1;
  const prefix = first & mask;
  return prefix < mask ? prefix : mask + readRest(bytes, cursor);
}

function readRest(bytes: Uint8Array, cursor: Cursor): number {
  let value = 0;
  for (let octets = 0; octets < MOST_OCTETS; octets += 1) {
    const octet = bytes[cursor.at];
    if (octet === undefined) throw new HpackError('the block ends within an integer');
    cursor.at += 1;
    value |= (octet & 0x7f) << (7 * octets);
    if (octet < 0x80) return value;
  }
  throw new HpackError('an integer is too large');
}

/** Octets that writeInteger needs at most: the prefix, and five for 32 bits. */
export const INTEGER_BYTES = 6;

/** Writes an integer below 2^31; `pattern`: the bits above the prefix. Gives the place behind it. */
export function writeInteger(bytes: Uint8Array, at: number, pattern: number, mask: number, value: number): number {
  if (value < mask) {
    bytes[at] = pattern | value;
    return at + 1;
  }
  bytes[at] = pattern | mask;
  let rest = value - mask;
  let next = at + 1;
  for (; rest >= 0x80; rest >>>= 7) {
    bytes[next] = (rest & 0x7f) | 0x80;
    next += 1;
  }
  bytes[next] = rest;
  return next + 1;
}
