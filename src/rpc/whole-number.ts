/** Whole numbers as text: one number has one text, however it was written, so that spelling gives no second key. */

import type { WholeNumber } from './message-type.ts';

/** The text of a varint, as a decoder of the field has the number: what is above its bits is dropped. */
export function wireNumber(varint: bigint, { bits, signed }: WholeNumber): string {
  return (signed ? BigInt.asIntN(bits, varint) : BigInt.asUintN(bits, varint)).toString();
}

/**
 * The text of a number in JSON, in a query or a path: a number, its digits, or the name of an enum's value; undefined
 * where it is none of the field's. Forms such as "1e3" are not read: protojson takes them, no client writes them.
 */
export function writtenNumber(value: number | string, { bits, signed, names }: WholeNumber): string | undefined {
  if (typeof value === 'number') {
    // Beyond that the digits that were written are lost.
    if (!Number.isSafeInteger(value)) return undefined;
  } else if (names?.has(value) === true) return String(names.get(value));
  else if (!/^(?:0|-?[1-9]\d{0,19})$/.test(value)) return undefined;
  const number = BigInt(value);
  const fits = signed ? BigInt.asIntN(bits, number) : BigInt.asUintN(bits, number);
  return fits === number ? number.toString() : undefined;
}
