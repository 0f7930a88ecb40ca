/** The streams of one connection, open and lately closed, RFC 9113 section 5.1. */

import type { FrameMessage } from './message.ts';

/** So many streams that were reset here are remembered: what their peer sent meanwhile is no fault of it. */
const REMEMBERED = 1000;

/** Streams by their id. */
export class Streams<S extends FrameMessage = FrameMessage> {
  readonly #open = new Map<number, S>();
  readonly #severed = new Set<number>();
  readonly #strict: boolean;
  /** The highest id that a request had. */
  last = 0;
  /** The highest that was looked at: behind the last GOAWAY none is, and no later one may name a higher. */
  lastTaken = 0;

  /** `strict`: frames for a stream that is closed are a fault, where it was not severed lately. */
  constructor(strict: boolean) {
    this.#strict = strict;
  }

  get size(): number {
    return this.#open.size;
  }

  get(id: number): S | undefined {
    return this.#open.get(id);
  }

  add(stream: S): void {
    this.#open.set(stream.id, stream);
  }

  /** The stream is closed. */
  remove({ id, severed }: S): void {
    this.#open.delete(id);
    if (severed) this.sever(id);
  }

  /** A stream was refused, or reset before its end was heard. */
  sever(id: number): void {
    if (!this.#strict) return;
    this.#severed.add(id);
    if (this.#severed.size <= REMEMBERED) return;
    for (const oldest of this.#severed) {
      this.#severed.delete(oldest);
      return;
    }
  }

  /** What still comes for it is no fault. */
  severed(id: number): boolean {
    return !this.#strict || this.#severed.has(id);
  }

  /** No request had this id, or none can have. */
  idle(id: number): boolean {
    return id > this.last || id % 2 === 0;
  }

  all(): S[] {
    return [...this.#open.values()];
  }
}
