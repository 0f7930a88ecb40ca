/** What one connection has to say: frames, put together so that a turn of the event loop costs one write. */

import type { Duplex } from 'node:stream';
import { DEFAULT_FRAME_BYTES, Flag, FrameType, HEAD_BYTES } from './protocol.ts';

/** Pieces of a body up to this are copied behind their frame's head; larger ones go out as they are. */
const COPIED_BYTES = 4096;
const FIRST_SLAB_BYTES = 4096;
const LARGEST_SLAB_BYTES = 16_384;

/** The frames of one connection on their way out. Nothing is sent before `flush`. */
export class Outbox {
  readonly #socket: Duplex;
  readonly #onFirst: () => void;
  #slab: Buffer = Buffer.allocUnsafe(FIRST_SLAB_BYTES);
  /** What is written to the slab but not in `#pieces`: from here to there. */
  #from = 0;
  #at = 0;
  /** What goes out before it. */
  #pieces: Uint8Array[] = [];
  #bytes = 0;
  #said = 0;

  /** `onFirst`: something is here to be flushed, where nothing was. */
  constructor(socket: Duplex, onFirst: () => void) {
    this.#socket = socket;
    this.#onFirst = onFirst;
  }

  /** Bytes that the peer's side has not taken, here and in the socket. */
  get waiting(): number {
    return this.#bytes + this.#socket.writableLength;
  }

  /** How many frames were put in so far. */
  get said(): number {
    return this.#said;
  }

  /** What a client says before all frames. */
  preface(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#copy(bytes);
    this.#bytes += bytes.length;
  }

  /** Header block of a stream; in several frames where it is large. `ended`: END_STREAM. */
  headers(stream: number, block: Uint8Array, ended: boolean): void {
    const flags = ended ? Flag.END_STREAM : 0;
    const { length } = block;
    if (length <= DEFAULT_FRAME_BYTES) {
      this.#head(FrameType.HEADERS, flags | Flag.END_HEADERS, stream, length, length);
      this.#copy(block);
      return;
    }
    for (let at = 0; at < length; at += DEFAULT_FRAME_BYTES) {
      const piece = block.subarray(at, at + DEFAULT_FRAME_BYTES);
      const last = at + piece.length === length ? Flag.END_HEADERS : 0;
      const type = at === 0 ? FrameType.HEADERS : FrameType.CONTINUATION;
      this.#head(type, (at === 0 ? flags : 0) | last, stream, piece.length, piece.length);
      this.#copy(piece);
    }
  }

  /** One DATA frame; the piece must not change any more. */
  data(stream: number, piece: Uint8Array, ended: boolean): void {
    const { length } = piece;
    const flags = ended ? Flag.END_STREAM : 0;
    if (length <= COPIED_BYTES) {
      this.#head(FrameType.DATA, flags, stream, length, length);
      if (length > 0) this.#copy(piece);
      return;
    }
    this.#head(FrameType.DATA, flags, stream, length, 0);
    this.#seal();
    this.#pieces.push(piece);
    this.#bytes += length;
  }

  /** A frame of another type. */
  control(type: number, flags: number, stream: number, payload: Uint8Array): void {
    this.#head(type, flags, stream, payload.length, payload.length);
    this.#copy(payload);
  }

  /** A frame whose payload is one number of 32 bits: RST_STREAM, WINDOW_UPDATE. */
  number(type: number, stream: number, value: number): void {
    this.#head(type, 0, stream, 4, 4);
    this.#uint32(value);
  }

  /** GOAWAY: the last stream that was looked at, and why. */
  goaway(last: number, code: number): void {
    this.#head(FrameType.GOAWAY, 0, 0, 8, 8);
    this.#uint32(last);
    this.#uint32(code);
  }

  /** Hands everything to the socket; false where it asks to hold on. */
  flush(): boolean {
    if (this.#bytes === 0) return true;
    const socket = this.#socket;
    this.#bytes = 0;
    const last = this.#slab.subarray(this.#from, this.#at);
    this.#from = this.#at;
    if (this.#pieces.length === 0) return socket.write(last);
    const pieces = this.#pieces;
    this.#pieces = [];
    socket.cork();
    let more = true;
    for (const piece of pieces) more = socket.write(piece);
    if (last.length > 0) more = socket.write(last);
    socket.uncork();
    return more;
  }

  /** The head of a frame; `room`: so many bytes more will be copied behind it. */
  #head(type: number, flags: number, stream: number, length: number, room: number): void {
    this.#said += 1;
    this.#reserve(HEAD_BYTES + room);
    const slab = this.#slab;
    let at = this.#at;
    slab[at++] = length >>> 16;
    slab[at++] = length >>> 8;
    slab[at++] = length;
    slab[at++] = type;
    slab[at++] = flags;
    this.#at = at;
    this.#uint32(stream);
    this.#bytes += HEAD_BYTES + room;
  }

  #uint32(value: number): void {
    const slab = this.#slab;
    const at = this.#at;
    slab[at] = value >>> 24;
    slab[at + 1] = value >>> 16;
    slab[at + 2] = value >>> 8;
    slab[at + 3] = value;
    this.#at = at + 4;
  }

  #copy(bytes: Uint8Array): void {
    this.#slab.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  /** Makes room in the slab, and asks for a flush where this is the first of a turn. */
  #reserve(bytes: number): void {
    if (this.#bytes === 0) {
      // What the socket has taken whole nobody reads any more: the slab begins anew.
      if (this.#socket.writableLength === 0) {
        this.#from = 0;
        this.#at = 0;
      }
      this.#onFirst();
    }
    if (this.#at + bytes <= this.#slab.length) return;
    this.#seal();
    const size = Math.min(LARGEST_SLAB_BYTES, 2 * this.#slab.length);
    this.#slab = Buffer.allocUnsafe(Math.max(size, bytes));
    this.#from = 0;
    this.#at = 0;
  }

  /** What is in the slab goes out before what comes next. */
  #seal(): void {
    if (this.#at > this.#from) this.#pieces.push(this.#slab.subarray(this.#from, this.#at));
    this.#from = this.#at;
  }
}
