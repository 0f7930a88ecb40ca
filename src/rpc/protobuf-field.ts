/**
 * Reads one field of a message in the protobuf wire format as a decoder of the whole message would have it: of a field
 * that comes twice the last one counts, and sub-messages that come twice are merged.
 * https://protobuf.dev/programming-guides/encoding/
 */

import type { FieldPath } from './field-path.ts';
import { wireNumber } from './whole-number.ts';

/** The field cannot be told: the bytes are no message, or decoders differ about them. */
export const MALFORMED = Symbol('malformed');

/** Groups within groups are skipped so deep; decoders stop at about 100. */
const DEEPEST = 100;
const HIGHEST_FIELD = 2 ** 29 - 1;
const [VARINT, FIXED64, DELIMITED, GROUP, GROUP_END, FIXED32] = [0, 1, 2, 3, 4, 5];

// A byte order mark is text like any other here: dropped, it would make two texts one.
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The field as text; undefined where it is not set, or is empty or zero, which the wire format need not tell apart. */
export function protobufField(bytes: Uint8Array, path: FieldPath): string | undefined | typeof MALFORMED {
  try {
    return read(new Reader(bytes), path, 0, undefined);
  } catch {
    return MALFORMED;
  }
}

/** `found` is what an earlier part of the same message had. */
function read(reader: Reader, path: FieldPath, depth: number, found: string | undefined): string | undefined {
  const field = path[depth]!;
  let value = found;
  while (!reader.over) {
    const tag = reader.tag();
    const [number, wire] = [tag >>> 3, tag & 7];
    if (number !== field.number) {
      reader.skip(number, wire, 0);
      // The last of a oneof unsets the others, but not in a decoder that has to skip it: its wire type is not looked at.
      if (value !== undefined && field.rivals.some((rival) => rival.number === number)) {
        throw new TypeError('two fields of a oneof');
      }
    } else if (wire !== (field.kind === 'number' ? VARINT : DELIMITED)) {
      throw new TypeError('decoders skip it or refuse the message');
    } else if (field.kind === 'number') {
      const text = wireNumber(reader.varint(), field.whole!);
      value = text === '0' ? undefined : text;
    } else if (field.kind === 'text') {
      value = utf8.decode(reader.bytes()) || undefined;
    } else {
      value = read(new Reader(reader.bytes()), path, depth + 1, value);
    }
  }
  return value;
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

  /** Longer forms of a number than it needs are taken, as decoders do. */
  varint(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#byte();
      if (shift === 63n && byte > 1) break;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw new RangeError('a number of more than 64 bits');
  }

  /** A varint as a number; exact up to 2^53, which is more than any length or tag may be. */
  #small(): number {
    let value = 0;
    for (let place = 1; place < 2 ** 70; place *= 128) {
      const byte = this.#byte();
      if (place === 2 ** 63 && byte > 1) break;
      value += (byte & 0x7f) * place;
      if (byte < 0x80) return value;
    }
    throw new RangeError('a number of more than 64 bits');
  }

  /** Number and wire type of a field. Some decoders drop what is above 32 bits and others do not: it is refused. */
  tag(): number {
    const tag = this.#small();
    if (tag < 8 || tag > HIGHEST_FIELD * 8 + 7) throw new RangeError('no number of a field');
    return tag >>> 0;
  }

  bytes(): Uint8Array {
    const length = this.#small();
    this.#pass(length);
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  /** Passes over a field that is not looked for. */
  skip(number: number, wire: number, depth: number): void {
    if (wire === VARINT) this.#small();
    else if (wire === FIXED64) this.#pass(8);
    else if (wire === DELIMITED) this.bytes();
    else if (wire === FIXED32) this.#pass(4);
    else if (wire === GROUP && depth < DEEPEST) {
      for (;;) {
        const tag = this.tag();
        if ((tag & 7) === GROUP_END) {
          if (tag >>> 3 !== number) throw new RangeError('a group ends that did not begin');
          return;
        }
        this.skip(tag >>> 3, tag & 7, depth + 1);
      }
    } else throw new RangeError(`wire type ${wire}`);
  }

  #byte(): number {
    const byte = this.#bytes[this.#at];
    if (byte === undefined) throw new RangeError('ends within a number');
    this.#at += 1;
    return byte;
  }

  #pass(bytes: number): void {
    if (bytes > this.#bytes.length - this.#at) throw new RangeError('ends within a field');
    this.#at += bytes;
  }
}
