import type { CodingName } from '../coding.ts';
import { brotliParams, levelFor, zstdParams } from './levels.ts';
import { rest } from './rest.ts';

/** The flag of Node that has `node:zlib/iter`, the only synchronous coder that takes a body piece by piece. */
export const PIECES_FLAG = '--experimental-stream-iter';

/** Brotli at its best works on so much for a tenth of a second, and where it ends a block for half a second. */
const PIECE_BYTES = 65_536;

/** Codes a whole body, synchronously, but in JavaScript between its pieces. */
export type PieceCoder = (coding: CodingName, body: Uint8Array) => Uint8Array;

/**
 * The coder, where this Node has one. A thread ends between two pieces, where one long call of zlib would hold up the
 * end of the whole process until it is over: seconds, for a large body.
 */
export async function pieceCoder(): Promise<PieceCoder | undefined> {
  try {
    const zlib = await import('node:zlib/iter');
    const { bytesSync, pullSync } = await import('node:stream/iter');
    const transform = (coding: CodingName, bytes: number) => {
      if (coding === 'br') return zlib.compressBrotliSync({ params: brotliParams(bytes) });
      if (coding === 'zstd') return zlib.compressZstdSync({ params: zstdParams(bytes), pledgedSrcSize: bytes });
      return zlib.compressGzipSync({ level: levelFor('gzip', bytes), memLevel: 9 });
    };
    return (coding, body) => bytesSync(pullSync(pieces(body), transform(coding, body.byteLength)));
  } catch {
    return undefined;
  }
}

function* pieces(body: Uint8Array): Generator<Uint8Array[]> {
  for (let at = 0; at < body.byteLength; at += PIECE_BYTES) {
    const begun = performance.now();
    yield [body.subarray(at, at + PIECE_BYTES)];
    rest(performance.now() - begun);
  }
}
