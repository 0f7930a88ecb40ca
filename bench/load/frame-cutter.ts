/** Cuts what a server sends into frames, RFC 9113 section 4.1. */

import { DEFAULT_FRAME_BYTES, HEAD_BYTES } from '../../src/http2/protocol.ts';

/** Is told each whole frame: its payload is `bytes` from `start` to `end`. */
export type OnFrame = (type: number, flags: number, stream: number, bytes: Buffer, start: number, end: number) => void;

/** The reading side of a client's connection. Throws where a frame is larger than a server may send. */
export class FrameCutter {
  readonly #onFrame: OnFrame;
  #rest: Buffer | undefined;

  constructor(onFrame: OnFrame) {
    this.#onFrame = onFrame;
  }

  /** Takes the next bytes of the connection. */
  take(chunk: Buffer): void {
    const bytes = this.#rest === undefined ? chunk : Buffer.concat([this.#rest, chunk]);
    this.#rest = undefined;
    let at = 0;
    while (bytes.length - at >= HEAD_BYTES) {
      const size = (bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!;
      if (size > DEFAULT_FRAME_BYTES) throw new Error(`a frame of ${size} bytes`);
      const start = at + HEAD_BYTES;
      if (start + size > bytes.length) break;
      const stream = bytes.readUInt32BE(at + 5) & 0x7fffffff;
      this.#onFrame(bytes[at + 3]!, bytes[at + 4]!, stream, bytes, start, start + size);
      at = start + size;
    }
    if (at < bytes.length) this.#rest = at === 0 ? bytes : bytes.subarray(at);
  }
}
