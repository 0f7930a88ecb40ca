import type { Clock } from '../../src/core/clock.ts';

/** A clock that a test moves by hand. */
export class HandClock implements Clock {
  #now = 0;
  readonly #begin: number;
  readonly #waiting: { at: number; callback: () => void }[] = [];

  /** `begin` is what the wall says at first; a gateway with certificates wants `Date.now()`, as theirs is the machine's. */
  constructor(begin = Date.UTC(2026, 0, 1)) {
    this.#begin = begin;
  }

  now(): number {
    return this.#now;
  }

  wall(): number {
    return this.#begin + this.#now;
  }

  after(ms: number, callback: () => void): () => void {
    const entry = { at: this.#now + ms, callback };
    this.#waiting.push(entry);
    return () => {
      const index = this.#waiting.indexOf(entry);
      if (index >= 0) this.#waiting.splice(index, 1);
    };
  }

  /** Lets so much time pass, and calls what is due. */
  pass(ms: number): void {
    this.#now += ms;
    for (const entry of this.#waiting.filter(({ at }) => at <= this.#now)) {
      this.#waiting.splice(this.#waiting.indexOf(entry), 1);
      entry.callback();
    }
  }
}
