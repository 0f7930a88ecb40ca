/** Gzip, RFC 1952. */

import zlib, { type ZlibOptions } from 'node:zlib';
import type { Coding } from './coding.ts';
import { StreamEncoder } from './stream-encoder.ts';
import { windowBits } from './window.ts';

const QUICK_LEVEL = 6;
const BEST_LEVEL = 9;
/** 32 KiB, the most that RFC 1951 knows. */
const MAX_WINDOW = 15;
/** zlib takes 8 for 9 in raw streams only; below 9 nothing is saved. */
const MIN_WINDOW = 9;

function options(level: number, size: number | undefined): ZlibOptions {
  return { level, windowBits: windowBits(size, MIN_WINDOW, MAX_WINDOW) };
}

/** The coding `gzip`, also known as `x-gzip`, RFC 9110 section 8.4.1.3. */
export const gzip: Coding = {
  name: 'gzip',
  encoder: (output, size) =>
    new StreamEncoder(zlib.createGzip({ ...options(QUICK_LEVEL, size), flush: zlib.constants.Z_SYNC_FLUSH }), output),
  best: (body) => zlib.gzipSync(body, { ...options(BEST_LEVEL, body.length), memLevel: 9 }),
  quick: (body) => zlib.gzipSync(body, options(QUICK_LEVEL, body.length)),
  decode: (body, maxOutputLength) => zlib.gunzipSync(body, { maxOutputLength }),
};
