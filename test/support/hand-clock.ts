import type { Clock } from '../../src/core/clock.ts';

/** A clock that a test moves by hand. */
export class HandClock implements Clock {
  #now = 0;
  readonly #waiting: { at: number; callback: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  wall(): number {
    return Date.UTC(2026, 0, 1) + this.#now;
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
