/** Cuts what a peer sends into frames, RFC 9113 section 4.1. */

import { addPiece } from '../core/pieces.ts';
import { ConnectionError, DEFAULT_FRAME_BYTES, Flag, FrameType, HEAD_BYTES, PREFACE } from './protocol.ts';

/**
 * Is told each frame once it is whole: its payload is `bytes` from `start` to `end`, valid during the call only. DATA
 * without padding is told as it comes, as frames of their own with PART, and the last without: who sends slowly shows that
 * he sends.
 */
export type OnFrame = (type: number, flags: number, stream: number, bytes: Buffer, start: number, end: number) => void;

/** The reading side of one connection. ConnectionError where no frame can be read any more. */
export class FrameReader {
  readonly #onFrame: OnFrame;
  /** The preface is here, or none is to come. */
  #begun: boolean;
  /** The beginning of a frame whose rest has not come; in pieces, so that a slow sender costs no copy for each. */
  #pieces: Uint8Array[] = [];
  #held = 0;
  /** Bytes that must be here before anything can be read on. */
  #needed: number;
  #stopped = false;
  /** The DATA frame that was told in part, and how many of its bytes are to come. */
  #data = { flags: 0, stream: 0, left: 0 };

  /** `preface`: what a client says first is to come. */
  constructor(preface: boolean, onFrame: OnFrame) {
    this.#begun = !preface;
    this.#needed = preface ? PREFACE.length : HEAD_BYTES;
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
      addPiece(this.#pieces, chunk);
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
    if (this.#data.left > 0) at = this.#tellPart(bytes, 0);
    while (!this.#stopped && length - at >= HEAD_BYTES) {
      const size = (bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!;
      if (size > DEFAULT_FRAME_BYTES) {
        throw new ConnectionError('FRAME_SIZE_ERROR', 'a frame is larger than SETTINGS_MAX_FRAME_SIZE');
      }
      const start = at + HEAD_BYTES;
      const end = start + size;
      const type = bytes[at + 3]!;
      const flags = bytes[at + 4]!;
      const stream = ((bytes[at + 5]! & 0x7f) << 24) | (bytes[at + 6]! << 16) | (bytes[at + 7]! << 8) | bytes[at + 8]!;
      if (end > length) {
        const inParts = type === FrameType.DATA && (flags & Flag.PADDED) === 0;
        if (!inParts || start === length) {
          this.#keep(bytes, at, HEAD_BYTES + (inParts ? 1 : size));
          return;
        }
        this.#data = { flags, stream, left: size };
        this.#tellPart(bytes, start);
        return;
      }
      this.#onFrame(type, flags, stream, bytes, start, end);
      at = end;
    }
    if (!this.#stopped && at < length) this.#keep(bytes, at, HEAD_BYTES);
  }

  /** Tells what there is of a DATA frame; gives the place behind it. */
  #tellPart(bytes: Buffer, start: number): number {
    const data = this.#data;
    const end = Math.min(bytes.length, start + data.left);
    data.left -= end - start;
    const flags = data.left === 0 ? data.flags : (data.flags & ~Flag.END_STREAM) | Flag.PART;
    this.#onFrame(FrameType.DATA, flags, data.stream, bytes, start, end);
    return end;
  }

  #keep(bytes: Buffer, from: number, needed: number): void {
    this.#pieces.push(from === 0 ? bytes : bytes.subarray(from));
    this.#held = bytes.length - from;
    this.#needed = needed;
  }
}
