/** A message of Protocol Buffers written by the numbers of its fields: a scenario needs no definitions. */

/** By field number: text, a whole number, a message, or several of them. */
export type ProtoFields = { readonly [number: string]: ProtoValue };
type ProtoValue = string | number | boolean | ProtoFields | readonly ProtoValue[];

const VARINT = 0;
const LENGTH_DELIMITED = 2;

/** The bytes of a message; https://protobuf.dev/programming-guides/encoding/. Numbers are int32, int64, uint or enum. */
export function protoMessage(fields: ProtoFields): Buffer {
  const parts: Buffer[] = [];
  for (const [number, value] of Object.entries(fields)) {
    for (const one of Array.isArray(value) ? value : [value]) parts.push(field(Number(number), one as ProtoValue));
  }
  return Buffer.concat(parts);
}

function field(number: number, value: ProtoValue): Buffer {
  if (typeof value === 'number' || typeof value === 'boolean') {
    return Buffer.concat([varint((number << 3) | VARINT), varint(Number(value))]);
  }
  const bytes = typeof value === 'string' ? Buffer.from(value) : protoMessage(value as ProtoFields);
  return Buffer.concat([varint((number << 3) | LENGTH_DELIMITED), varint(bytes.length), bytes]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let left = BigInt.asUintN(64, BigInt(value));
  while (left > 0x7fn) {
    bytes.push(Number(left & 0x7fn) | 0x80);
    left >>= 7n;
  }
  bytes.push(Number(left));
  return Buffer.from(bytes);
}

/** A message with the prefix of gRPC: not compressed, its length. */
export function lengthPrefixed(message: Buffer): Buffer {
  const bytes = Buffer.alloc(5 + message.length);
  bytes.writeUInt32BE(message.length, 1);
  message.copy(bytes, 5);
  return bytes;
}
