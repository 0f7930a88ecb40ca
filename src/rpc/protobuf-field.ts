/**
 * Reads one field of a message in the protobuf wire format as a decoder of the whole message would have it: of a field
 * that comes twice the last one counts, and sub-messages that come twice are merged.
 * https://protobuf.dev/programming-guides/encoding/
 */

import type { FieldPath } from './field-path.ts';

/** The bytes are no message. */
export const MALFORMED = Symbol('malformed');

/** Groups within groups are skipped so deep; decoders stop at about 100. */
const DEEPEST = 100;

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** The field as text; undefined where it is not set, which for a number or text is the same as zero or empty. */
export function protobufField(bytes: Uint8Array, path: FieldPath): string | undefined | typeof MALFORMED {
  try {
    return read(new Reader(bytes), path, 0);
  } catch {
    return MALFORMED;
  }
}

function read(reader: Reader, path: FieldPath, depth: number): string | undefined {
  const field = path[depth]!;
  let found: string | undefined;
  while (!reader.over) {
    const tag = reader.uint32();
    const [number, wire] = [tag >>> 3, tag & 7];
    if (number === 0) throw new RangeError('field 0');
    if (number !== field.number) reader.skip(number, wire, 0);
    else if (field.kind === 'number' && wire === 0) found = reader.varint().toString();
    else if (field.kind === 'number' || wire !== 2) throw new TypeError(`wire type ${wire}`);
    else if (field.kind === 'text') found = utf8.decode(reader.bytes());
    else found = read(new Reader(reader.bytes()), path, depth + 1) ?? found;
  }
  return found;
}

/** A cursor over bytes; throws where they end too early. */
class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get over(): boolean {
    return this.#at >= this.#bytes.length;
  }

  varint(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#bytes[this.#at];
      if (byte === undefined) throw new RangeError('ends within a number');
      this.#at += 1;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asIntN(64, value);
    }
    throw new RangeError('a number of more than ten bytes');
  }

  uint32(): number {
    return Number(BigInt.asUintN(32, this.varint()));
  }

  bytes(): Uint8Array {
    const length = this.uint32();
    if (length > this.#bytes.length - this.#at) throw new RangeError('ends within a field');
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  /** Passes over a field that is not looked for. */
  skip(number: number, wire: number, depth: number): void {
    if (wire === 0) this.varint();
    else if (wire === 1) this.#pass(8);
    else if (wire === 2) this.bytes();
    else if (wire === 5) this.#pass(4);
    else if (wire === 3 && depth < DEEPEST) {
      for (;;) {
        const tag = this.uint32();
        if ((tag & 7) === 4) {
          if (tag >>> 3 !== number) throw new RangeError('a group ends that did not begin');
          return;
        }
        this.skip(tag >>> 3, tag & 7, depth + 1);
      }
    } else throw new RangeError(`wire type ${wire}`);
  }

  #pass(bytes: number): void {
    if (bytes > this.#bytes.length - this.#at) throw new RangeError('ends within a field');
    this.#at += bytes;
  }
}
