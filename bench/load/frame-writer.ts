/** Writes frames to a connection, all that is said in one turn at once. */

import type { Socket } from 'node:net';
import { FrameType, HEAD_BYTES } from '../../src/http2/protocol.ts';

/** The writing side of a client's connection. */
export class FrameWriter {
  readonly #socket: Socket;
  #frames: Uint8Array[] = [];
  #flushing = false;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  frame(type: number, flags: number, id: number, payload: Uint8Array): void {
    const bytes = Buffer.allocUnsafe(HEAD_BYTES + payload.length);
    bytes.set(payload, HEAD_BYTES);
    this.headed(type, flags, id, bytes);
  }

  /** A frame whose payload stands in `bytes` already, behind room for its head. */
  headed(type: number, flags: number, id: number, bytes: Buffer): void {
    bytes.writeUIntBE(bytes.length - HEAD_BYTES, 0, 3);
    bytes[3] = type;
    bytes[4] = flags;
    bytes.writeUInt32BE(id, 5);
    this.raw(bytes);
  }

  grant(id: number, size: number): void {
    this.frame(FrameType.WINDOW_UPDATE, 0, id, number(size));
  }

  reset(id: number, code: number): void {
    this.frame(FrameType.RST_STREAM, 0, id, number(code));
  }

  /** One write a turn: a system call for each frame would be most of the cost. */
  raw(bytes: Uint8Array): void {
    this.#frames.push(bytes);
    if (this.#flushing) return;
    this.#flushing = true;
    queueMicrotask(() => {
      this.#flushing = false;
      const frames = this.#frames;
      this.#frames = [];
      if (!this.#socket.destroyed) this.#socket.write(frames.length === 1 ? frames[0]! : Buffer.concat(frames));
    });
  }
}

function number(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
