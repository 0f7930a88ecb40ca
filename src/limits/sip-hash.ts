/**
 * HalfSipHash-2-4 with 64 bits of output: a keyed hash on 32-bit words, made for tables that attackers fill
 * (Aumasson and Bernstein, "SipHash: a fast short-input PRF", and the reference C code of HalfSipHash).
 */

/** Two secret words; whoever does not know them cannot choose keys that collide. */
export type HashKey = readonly [number, number];

/** What the hash of a text is written to: two 32-bit words. */
export interface Hash {
  hi: number;
  lo: number;
}

/** Longer texts are encoded: there the encoder is the faster one. */
const SHORT = 256;

const utf8 = new TextEncoder();
let bytes = new Uint8Array(1024);

/** Hashes the UTF-8 form of a text; the result is valid until the next call with the same `out`. */
export function sipHash(key: HashKey, text: string, out: Hash): Hash {
  // Nearly all keys are short and ASCII, whose codes are their UTF-8 form: no encoder, and no pass over a copy.
  if (text.length <= SHORT && hashAscii(key, text, out)) return out;
  if (text.length * 3 > bytes.length) bytes = new Uint8Array(text.length * 3);
  return hash(key, bytes, utf8.encodeInto(text, bytes).written, out);
}

/** Hashes bytes. */
export function sipHashBytes(key: HashKey, input: Uint8Array, out: Hash): Hash {
  return hash(key, input, input.length, out);
}

/** Hashes a text of ASCII; false where it turns out to be none, and then `out` is not written. */
function hashAscii(key: HashKey, text: string, out: Hash): boolean {
  let v0 = key[0] | 0;
  let v1 = (key[1] ^ 0xee) | 0; // 64 bits of output
  let v2 = (0x6c796765 ^ key[0]) | 0;
  let v3 = (0x74656462 ^ key[1]) | 0;
  const { length } = text;
  const whole = length & ~3;
  let all = 0;
  // Two rounds a word, written out: as a loop they cost a quarter more.
  for (let at = 0; at <= whole; at += 4) {
    let word: number;
    if (at < whole) {
      const a = text.charCodeAt(at);
      const b = text.charCodeAt(at + 1);
      const c = text.charCodeAt(at + 2);
      const d = text.charCodeAt(at + 3);
      all |= a | b | c | d;
      word = a | (b << 8) | (c << 16) | (d << 24);
    } else {
      word = length << 24;
      for (let i = length - 1; i >= whole; i -= 1) {
        const code = text.charCodeAt(i);
        all |= code;
        word |= code << (8 * (i - whole));
      }
    }
    v3 ^= word;

    v0 = (v0 + v1) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);

    v0 = (v0 + v1) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);

    v0 ^= word;
  }
  if (all > 0x7f) return false;
  for (let half = 0; half < 2; half += 1) {
    if (half === 0) v2 ^= 0xee;
    else v1 ^= 0xdd;
    for (let round = 0; round < 4; round += 1) {
      v0 = (v0 + v1) | 0;
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
      v0 = (v0 << 16) | (v0 >>> 16);
      v2 = (v2 + v3) | 0;
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
      v0 = (v0 + v3) | 0;
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
      v2 = (v2 + v1) | 0;
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
      v2 = (v2 << 16) | (v2 >>> 16);
    }
    if (half === 0) out.lo = v1 ^ v3;
    else out.hi = v1 ^ v3;
  }
  return true;
}

function hash(key: HashKey, input: Uint8Array, length: number, out: Hash): Hash {
  let v0 = key[0] | 0;
  let v1 = (key[1] ^ 0xee) | 0; // 64 bits of output
  let v2 = (0x6c796765 ^ key[0]) | 0;
  let v3 = (0x74656462 ^ key[1]) | 0;

  const whole = length & ~3;
  // Two rounds a word, the last word being the rest and the length; then twice four rounds that make the output.
  for (let at = 0; at <= whole + 8; at += 4) {
    const finals = at - whole; // 4 and 8: the two halves of the output
    let word = 0;
    if (finals < 0) {
      word = input[at]! | (input[at + 1]! << 8) | (input[at + 2]! << 16) | (input[at + 3]! << 24);
    } else if (finals === 0) {
      word = length << 24;
      for (let i = length - 1; i >= whole; i -= 1) word |= input[i]! << (8 * (i - whole));
    } else if (finals === 4) {
      v2 ^= 0xee;
    } else {
      out.lo = v1 ^ v3;
      v1 ^= 0xdd;
    }
    v3 ^= word;
    for (let round = finals > 0 ? 4 : 2; round > 0; round -= 1) {
      v0 = (v0 + v1) | 0;
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
      v0 = (v0 << 16) | (v0 >>> 16);
      v2 = (v2 + v3) | 0;
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
      v0 = (v0 + v3) | 0;
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
      v2 = (v2 + v1) | 0;
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
      v2 = (v2 << 16) | (v2 >>> 16);
    }
    v0 ^= word;
  }
  out.hi = v1 ^ v3;
  return out;
}
