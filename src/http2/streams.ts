/** The streams of one connection, open and lately closed, RFC 9113 section 5.1. */

import type { FrameStream } from './stream.ts';

/** So many streams that were reset here are remembered: what their client sent meanwhile is no fault of it. */
const REMEMBERED = 1000;

/** Streams by their id. */
export class Streams {
  readonly #open = new Map<number, FrameStream>();
  readonly #severed = new Set<number>();
  /** The highest id that a request came with. */
  last = 0;
  /** The highest that was looked at: behind the last GOAWAY none is, and no later one may name a higher. */
  lastTaken = 0;

  get size(): number {
    return this.#open.size;
  }

  get(id: number): FrameStream | undefined {
    return this.#open.get(id);
  }

  add(stream: FrameStream): void {
    this.#open.set(stream.id, stream);
  }

  /** The stream is closed. */
  remove({ id, severed }: FrameStream): void {
    this.#open.delete(id);
    if (severed) this.sever(id);
  }

  /** A stream was refused, or reset before its end was heard. */
  sever(id: number): void {
    this.#severed.add(id);
    if (this.#severed.size <= REMEMBERED) return;
    for (const oldest of this.#severed) {
      this.#severed.delete(oldest);
      return;
    }
  }

  severed(id: number): boolean {
    return this.#severed.has(id);
  }

  /** No client's request had this id, or none can have. */
  idle(id: number): boolean {
    return id > this.last || id % 2 === 0;
  }

  all(): FrameStream[] {
    return [...this.#open.values()];
  }
}
