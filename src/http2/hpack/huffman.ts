/** The Huffman code of HPACK, RFC 7541 section 5.2 and appendix B. */

import { HpackError } from './hpack-error.ts';

/** Bits of the code of each octet. The code is canonical: shorter codes first, then by octet, so the lengths say it all. */
// biome-ignore format: sixteen in a row.
const LENGTHS = Uint8Array.of(
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28,
  28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
  6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6,
  5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
  13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
  7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
  15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5,
  6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
  20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
  24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
  22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,
  21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
  26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
  19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
  20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
  26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
);
const LONGEST = 30;
/** End of string: the last code, thirty ones. It must never come whole. */
const EOS = 256;

/** The code of each octet, in its low bits. */
const CODES = new Uint32Array(256);
/** Per length: the first code, and where its symbols begin in SYMBOLS. */
const FIRST = new Uint32Array(LONGEST + 2);
const OFFSET = new Uint16Array(LONGEST + 2);
/** All symbols in the order of their codes. */
const SYMBOLS = Uint16Array.from([
  ...Array.from(LENGTHS, (_, octet) => octet).sort((a, b) => LENGTHS[a]! - LENGTHS[b]! || a - b),
  EOS,
]);

/** So many bits are looked up at once: every octet that is usual in a header has a code that short. */
const LOOK = 10;
/** By the next LOOK bits: octet * 16 + length of its code; 0 where the code is longer. */
const BY_BITS = new Uint16Array(1 << LOOK);

for (let length = 1, code = 0, placed = 0; length <= LONGEST + 1; length += 1, code *= 2) {
  FIRST[length] = code;
  OFFSET[length] = placed;
  for (; placed < 256 && LENGTHS[SYMBOLS[placed]!] === length; placed += 1, code += 1) {
    const octet = SYMBOLS[placed]!;
    CODES[octet] = code;
    if (length > LOOK) continue;
    const spare = LOOK - length;
    BY_BITS.fill((octet << 4) | length, code << spare, (code + 1) << spare);
  }
  if (length === LONGEST) placed += 1;
}

/** Decoded text is collected here; one block is read at a time. */
const scratch = Buffer.allocUnsafeSlow(4096);

/**
 * The text of `bytes` from `at` to `end`, as latin1. HpackError where it has EOS, ends within a code, or is padded by
 * more than seven bits or by others than ones.
 */
export function decodeHuffman(bytes: Uint8Array, at: number, end: number): string {
  // The shortest code has five bits.
  const most = Math.ceil(((end - at) * 8) / 5);
  // A large one is dropped again.
  const out = most <= scratch.length ? scratch : Buffer.allocUnsafeSlow(most);
  let length = 0;
  let next = at;
  /** The low `count` bits of `bits` are read and not yet decoded. */
  let bits = 0;
  let count = 0;
  for (;;) {
    while (count < LOOK && next < end) {
      bits = (bits << 8) | bytes[next]!;
      next += 1;
      count += 8;
    }
    if (count < LOOK) break;
    const found = BY_BITS[(bits >>> (count - LOOK)) & ((1 << LOOK) - 1)]!;
    if (found !== 0) {
      out[length] = found >>> 4;
      count -= found & 15;
    } else {
      const position = next * 8 - count;
      const long = longCode(bytes, position, end * 8);
      out[length] = long >>> 5;
      const behind = position + (long & 31);
      next = (behind + 7) >>> 3;
      count = next * 8 - behind;
      bits = bytes[next - 1]!;
    }
    length += 1;
  }
  // The last few bits, filled up with ones: a code that does not need them, or padding.
  for (;;) {
    const ones = (1 << (LOOK - count)) - 1;
    const found = BY_BITS[((bits << (LOOK - count)) | ones) & ((1 << LOOK) - 1)]!;
    if (found === 0 || (found & 15) > count) break;
    out[length] = found >>> 4;
    length += 1;
    count -= found & 15;
  }
  const padding = (1 << count) - 1;
  if (count > 7 || (bits & padding) !== padding) throw new HpackError('Huffman padding is wrong');
  return out.toString('latin1', 0, length);
}

/** The octet (times 32) and the length of a code above LOOK bits; bit by bit, in time linear in its length. */
function longCode(bytes: Uint8Array, position: number, end: number): number {
  let code = 0;
  for (let length = 1; length <= LONGEST && position + length <= end; length += 1) {
    const bit = position + length - 1;
    code = (code << 1) | ((bytes[bit >>> 3]! >>> (7 - (bit & 7))) & 1);
    const nth = code - FIRST[length]!;
    if (nth >= OFFSET[length + 1]! - OFFSET[length]!) continue;
    const symbol = SYMBOLS[OFFSET[length]! + nth]!;
    if (symbol === EOS) throw new HpackError('a Huffman string has EOS');
    return (symbol << 5) | length;
  }
  throw new HpackError('Huffman padding is wrong');
}

/** Bytes that a text takes in Huffman code; -1 where it is not latin1. */
export function huffmanBytes(text: string): number {
  let bits = 0;
  let all = 0;
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    all |= code;
    bits += LENGTHS[code & 0xff]!;
  }
  return all > 0xff ? -1 : (bits + 7) >>> 3;
}

/** Writes a latin1 text in Huffman code; gives the place behind it. */
export function writeHuffman(bytes: Uint8Array, at: number, text: string): number {
  let next = at;
  /** Fewer than eight bits wait in `bits`. */
  let bits = 0;
  let count = 0;
  for (let i = 0; i < text.length; i += 1) {
    const octet = text.charCodeAt(i) & 0xff;
    let code = CODES[octet]!;
    let length = LENGTHS[octet]!;
    if (length > 24) {
      // Thirty bits and seven that wait are too many for one number.
      bits = (bits << 8) | (code >>> (length - 8));
      length -= 8;
      code &= (1 << length) - 1;
      bytes[next] = bits >>> count;
      next += 1;
    }
    bits = (bits << length) | code;
    count += length;
    while (count >= 8) {
      count -= 8;
      bytes[next] = bits >>> count;
      next += 1;
    }
    bits &= 0xff;
  }
  if (count > 0) {
    bytes[next] = (bits << (8 - count)) | (0xff >>> count);
    next += 1;
  }
  return next;
}
