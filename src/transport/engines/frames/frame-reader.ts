/** Cuts what a client sends into frames, RFC 9113 section 4.1. */

import { ConnectionError, DEFAULT_FRAME_BYTES, HEAD_BYTES, PREFACE } from './protocol.ts';

/**
 * Is told each frame once it is whole: its payload is `bytes` from `start` to `end`, valid during the call only.
 */
export type OnFrame = (type: number, flags: number, stream: number, bytes: Buffer, start: number, end: number) => void;

/** The reading side of one connection. ConnectionError where no frame can be read any more. */
export class FrameReader {
  readonly #onFrame: OnFrame;
  #begun = false;
  /** The beginning of a frame whose rest has not come; in pieces, so that a slow sender costs no copy for each. */
  #pieces: Buffer[] = [];
  #held = 0;
  /** Bytes that must be here before anything can be read on. */
  #needed = PREFACE.length;
  #stopped = false;

  constructor(onFrame: OnFrame) {
    this.#onFrame = onFrame;
  }

  /** Nothing more is told; also in the middle of a chunk. */
  stop(): void {
    this.#stopped = true;
    this.#pieces = [];
  }

  /** Takes the next bytes of the connection. */
  take(chunk: Buffer): void {
    if (this.#stopped) return;
    let bytes = chunk;
    if (this.#held > 0) {
      this.#pieces.push(chunk);
      this.#held += chunk.length;
      if (this.#begun && this.#held < this.#needed) return;
      bytes = Buffer.concat(this.#pieces, this.#held);
      this.#pieces = [];
      this.#held = 0;
    }
    let at = 0;
    const { length } = bytes;
    if (!this.#begun) {
      // Whoever speaks another protocol is told at the first byte that shows it.
      const compared = Math.min(length, PREFACE.length);
      if (bytes.compare(PREFACE, 0, compared, 0, compared) !== 0) {
        throw new ConnectionError('PROTOCOL_ERROR', 'the client does not begin with the preface of HTTP/2');
      }
      if (length < PREFACE.length) {
        this.#keep(bytes, 0, PREFACE.length);
        return;
      }
      this.#begun = true;
      at = PREFACE.length;
    }
    while (length - at >= HEAD_BYTES) {
      const size = (bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!;
      if (size > DEFAULT_FRAME_BYTES) {
        throw new ConnectionError('FRAME_SIZE_ERROR', 'a frame is larger than SETTINGS_MAX_FRAME_SIZE');
      }
      const start = at + HEAD_BYTES;
      const end = start + size;
      if (end > length) {
        this.#keep(bytes, at, HEAD_BYTES + size);
        return;
      }
      const stream = ((bytes[at + 5]! & 0x7f) << 24) | (bytes[at + 6]! << 16) | (bytes[at + 7]! << 8) | bytes[at + 8]!;
      this.#onFrame(bytes[at + 3]!, bytes[at + 4]!, stream, bytes, start, end);
      if (this.#stopped) return;
      at = end;
    }
    if (at < length) this.#keep(bytes, at, HEAD_BYTES);
  }

  #keep(bytes: Buffer, from: number, needed: number): void {
    this.#pieces.push(from === 0 ? bytes : bytes.subarray(from));
    this.#held = bytes.length - from;
    this.#needed = needed;
  }
}
