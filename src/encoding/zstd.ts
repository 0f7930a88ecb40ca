/** Zstandard, RFC 8878, with the window that RFC 9659 allows as a content coding. */

import zlib, { type ZstdOptions } from 'node:zlib';
import type { Coding } from './coding.ts';
import { StreamEncoder } from './stream-encoder.ts';
import { windowBits } from './window.ts';

const QUICK_LEVEL = 3;
/** 256 KiB: an encoder then takes about 1.4 MiB, and 2.2 MiB with the 2 MiB window of level 3. */
const QUICK_WINDOW = 18;
const BEST_LEVEL = 19;
/** 8 MiB: decoders of browsers refuse more, RFC 9659 section 3. */
const BEST_WINDOW = 23;
const MIN_WINDOW = 10;

const { ZSTD_c_compressionLevel, ZSTD_c_windowLog, ZSTD_c_checksumFlag, ZSTD_e_flush } = zlib.constants;

function options(level: number, maxWindow: number, size: number | undefined): ZstdOptions {
  return {
    params: {
      [ZSTD_c_compressionLevel]: level,
      [ZSTD_c_windowLog]: windowBits(size, MIN_WINDOW, maxWindow),
      [ZSTD_c_checksumFlag]: 0,
    },
  };
}

/** The coding `zstd`. */
export const zstd: Coding = {
  name: 'zstd',
  encoder: (output, size) =>
    new StreamEncoder(
      zlib.createZstdCompress({ ...options(QUICK_LEVEL, QUICK_WINDOW, size), flush: ZSTD_e_flush }),
      output,
    ),
  best: (body) =>
    zlib.zstdCompressSync(body, { ...options(BEST_LEVEL, BEST_WINDOW, body.length), pledgedSrcSize: body.length }),
  quick: (body) =>
    zlib.zstdCompressSync(body, { ...options(QUICK_LEVEL, QUICK_WINDOW, body.length), pledgedSrcSize: body.length }),
  decode: (body, maxOutputLength) => zlib.zstdDecompressSync(body, { maxOutputLength }),
};
