/** What goes out on one connection: heads at once, bodies as the windows let them, and fairly between streams. */

import type { Duplex } from 'node:stream';
import type { Fields } from '../core/raw.ts';
import type { HpackEncoder } from './hpack/encoder.ts';
import { Outbox } from './outbox.ts';
import { DEFAULT_WINDOW_BYTES, FrameType, MAX_31 } from './protocol.ts';

/** Bodies wait while so much has not been taken by the socket. */
const HIGH_BYTES = 256 * 1024;

/** A stream as the sender sees it. */
export interface Sending {
  readonly id: number;
  /** It stands in the row. */
  queued: boolean;
  /** Bytes can be sent now, as far as the stream's own window goes. */
  readonly sendable: boolean;
  /** Sends one DATA frame of at most so many bytes, and what ends the stream behind the last; gives how many they were. */
  sendOne(room: number): number;
}

/** The sending side of one connection. */
export class Sender {
  readonly outbox: Outbox;
  readonly #encoder: HpackEncoder;
  /** The window that the peer gives to the connection, in bytes. */
  #window = DEFAULT_WINDOW_BYTES;
  /** Streams with something to send, each once: one frame, and to the end of the row. */
  #row: Sending[] = [];
  #sending = false;
  readonly #onFrame: () => void;

  /** `onFirst`: a flush is wanted. `onFrame`: a DATA frame was sent. */
  constructor(socket: Duplex, encoder: HpackEncoder, onFirst: () => void, onFrame: () => void) {
    this.outbox = new Outbox(socket, onFirst);
    this.#encoder = encoder;
    this.#onFrame = onFrame;
  }

  /** The socket takes no bodies for now. */
  get full(): boolean {
    return this.outbox.waiting > HIGH_BYTES;
  }

  /** A header block; `status` undefined for trailers. */
  head(stream: number, status: number | undefined, fields: Fields, ended: boolean): void {
    this.outbox.headers(stream, this.#encoder.encode(status, fields), ended);
  }

  reset(stream: number, code: number): void {
    this.outbox.number(FrameType.RST_STREAM, stream, code);
  }

  /** The stream has something to send. */
  ready(stream: Sending): void {
    if (!stream.queued) {
      stream.queued = true;
      this.#row.push(stream);
    }
    this.send();
  }

  /** Sends what may be sent. */
  send(): void {
    if (this.#sending) return;
    this.#sending = true;
    const row = this.#row;
    while (row.length > 0 && this.#window > 0 && !this.full) {
      const stream = row[0]!;
      if (stream.sendable) {
        this.#window -= stream.sendOne(this.#window);
        this.#onFrame();
      }
      row.shift();
      if (stream.sendable) row.push(stream);
      else stream.queued = false;
    }
    this.#sending = false;
  }

  /** WINDOW_UPDATE for the connection; false where it is above 2^31-1. */
  widen(bytes: number): boolean {
    this.#window += bytes;
    return this.#window <= MAX_31;
  }

  /** Something waits for the socket, not for a window. */
  get pending(): boolean {
    return this.#row.length > 0 && this.#window > 0;
  }
}
