/**
 * A body on its way from the origin to the store and to everybody who waits for it. While it is kept it comes at the
 * origin's pace, and a slow reader delays nobody; one that outgrows the limit is not stored and comes at the pace of its
 * slowest reader.
 */

import { createHash, type Hash } from 'node:crypto';
import type { Fields, Sink } from '../core/raw.ts';
import { ResetCode } from '../core/raw.ts';

/** How much of a body that is not kept may wait for its slowest reader, in bytes. */
const WINDOW = 256 * 1024;

/** What a fill tells of itself. */
export interface FillOwner {
  /** After a `push` that returned false: more may come. */
  onDrain(): void;
  /** A body that is not kept has no reader any more: nobody wants the rest. */
  onAbandoned(): void;
  /** The body outgrew the limit: it will not be stored. */
  onTooLarge(): void;
}

/** A body that was kept, whole. */
export interface WholeBody {
  readonly bytes: Uint8Array;
  /** SHA-256, base64url. */
  readonly digest: string;
}

/** One body. */
export class Fill {
  readonly #owner: FillOwner;
  #maxBytes: number;
  /** What has come and somebody may still need; all of it while it is kept. */
  #chunks: Uint8Array[] = [];
  /** The number of the first of them. */
  #first = 0;
  /** Bytes of them. */
  #held = 0;
  #hash: Hash | undefined;
  #full = false;
  #end: { readonly trailers: Fields | undefined } | undefined;
  #failed: number | undefined;
  readonly #readers = new Set<FillReader>();

  /** `maxBytes`: how much is kept at most; 0 keeps nothing. */
  constructor(maxBytes: number, owner: FillOwner) {
    this.#maxBytes = maxBytes;
    this.#owner = owner;
    if (maxBytes > 0) this.#hash = createHash('sha256');
  }

  /** All of it is kept so far. */
  get kept(): boolean {
    return this.#hash !== undefined;
  }

  /** Nobody reads it. */
  get unread(): boolean {
    return this.#readers.size === 0;
  }

  /** It will not be stored: who reads it decides its pace from now on. */
  pass(): void {
    this.#hash = undefined;
    this.#maxBytes = 0;
    this.#trim();
  }

  /** A piece of the body; false asks to hold on until `onDrain`. */
  push(chunk: Uint8Array): boolean {
    this.#chunks.push(chunk);
    this.#held += chunk.length;
    if (this.#hash !== undefined) {
      if (this.#held > this.#maxBytes) {
        this.pass();
        this.#owner.onTooLarge();
        if (this.#readers.size === 0) this.#owner.onAbandoned();
      } else this.#hash.update(chunk);
    }
    this.#wake();
    if (this.kept || this.#held <= WINDOW) return true;
    this.#full = true;
    return false;
  }

  /** The body is complete. The whole of it where it was kept. */
  end(trailers: Fields | undefined): WholeBody | undefined {
    const whole =
      this.#hash === undefined
        ? undefined
        : { bytes: Buffer.concat(this.#chunks, this.#held), digest: this.#hash.digest('base64url') };
    this.#end = { trailers };
    this.#wake();
    return whole;
  }

  /** The body is cut: what was read of it is never shown as complete. */
  fail(code: number = ResetCode.INTERNAL_ERROR): void {
    this.#failed = code;
    this.#hash = undefined;
    this.#wake();
    this.#chunks = [];
  }

  /** A reader that begins at the beginning. Only while everything is there: kept, or nothing read yet. */
  reader(): FillReader {
    const reader = new FillReader(this);
    this.#readers.add(reader);
    return reader;
  }

  /** For readers: the chunk with this number, or what there is instead. */
  chunk(index: number): Uint8Array | undefined {
    return this.#chunks[index - this.#first];
  }

  /** For readers: how the body ended, once there are no more chunks. */
  get ended(): { readonly trailers: Fields | undefined } | undefined {
    return this.#end;
  }

  get failedWith(): number | undefined {
    return this.#failed;
  }

  /** For readers: one has gone, done or not. */
  left(reader: FillReader): void {
    if (!this.#readers.delete(reader)) return;
    if (this.#end !== undefined || this.#failed !== undefined) return;
    if (!this.kept && this.#readers.size === 0) this.#owner.onAbandoned();
    else this.trimmed();
  }

  /** For readers: one has gone on. */
  trimmed(): void {
    if (this.kept) return;
    this.#trim();
    if (!this.#full || this.#held > WINDOW / 2) return;
    this.#full = false;
    this.#owner.onDrain();
  }

  #wake(): void {
    for (const reader of this.#readers) reader.pump();
  }

  #trim(): void {
    let slowest = this.#first + this.#chunks.length;
    for (const reader of this.#readers) slowest = Math.min(slowest, reader.next);
    const drop = slowest - this.#first;
    if (drop === 0) return;
    for (const chunk of this.#chunks.splice(0, drop)) this.#held -= chunk.length;
    this.#first = slowest;
  }
}

/** One who reads a fill, at a pace of its own. */
export class FillReader {
  /** The number of the next chunk. */
  next = 0;
  readonly #fill: Fill;
  #sink: Sink | undefined;
  #full = false;
  #pumping = false;

  constructor(fill: Fill) {
    this.#fill = fill;
  }

  start(sink: Sink): void {
    this.#sink = sink;
    this.pump();
  }

  drained(): void {
    this.#full = false;
    this.pump();
  }

  stop(): void {
    this.#sink = undefined;
    this.#fill.left(this);
  }

  /** Writes what there is. */
  pump(): void {
    if (this.#pumping || this.#sink === undefined) return;
    this.#pumping = true;
    const { failedWith } = this.#fill;
    let moved = false;
    while (!this.#full && this.#sink !== undefined && failedWith === undefined) {
      const chunk = this.#fill.chunk(this.next);
      if (chunk === undefined) break;
      this.next += 1;
      moved = true;
      this.#full = !this.#sink.write(chunk);
    }
    this.#pumping = false;
    const sink: Sink | undefined = this.#sink;
    if (sink === undefined) return;
    if (failedWith !== undefined) {
      this.stop();
      sink.reset(failedWith);
    } else if (this.#fill.ended !== undefined && this.#fill.chunk(this.next) === undefined) {
      const { trailers } = this.#fill.ended;
      this.stop();
      sink.end(trailers);
    } else if (moved) this.#fill.trimmed();
  }
}
