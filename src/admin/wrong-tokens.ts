import type { Clock } from '../core/clock.ts';

/** What came of taking one: `current` above the maximum says that there was none; `ttl` in milliseconds. */
export interface Taken {
  readonly current: number;
  readonly ttl: number;
}

/** So many addresses are counted apart; those that come when all of these are busy share one count. */
const ADDRESSES = 10_000;
const SHARED = 'others';

/** Counts wrong tokens by address: `max` at once, then one for each part of the window (GCRA). */
export class WrongTokens {
  readonly #clock: Clock;
  /** When the count of an address is empty again, by address; the one counted longest ago comes first. */
  readonly #emptyAt = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Takes one, if there is one. */
  take(address: string, windowMs: number, max: number): Taken {
    const now = this.#clock.now();
    const key = this.#keyOf(address, now);
    const interval = windowMs / max;
    const emptyAt = Math.max(this.#emptyAt.get(key) ?? now, now);
    const used = Math.ceil((emptyAt - now) / interval);
    if (used >= max) return { current: max + 1, ttl: emptyAt - now - (windowMs - interval) };
    // Set anew, so that it goes to the end of the order.
    this.#emptyAt.delete(key);
    this.#emptyAt.set(key, emptyAt + interval);
    return { current: used + 1, ttl: interval };
  }

  /** Gives back what `take` took: the token was right. */
  giveBack(address: string, windowMs: number, max: number): void {
    const key = this.#emptyAt.has(address) ? address : SHARED;
    const emptyAt = this.#emptyAt.get(key);
    if (emptyAt === undefined) return;
    const before = emptyAt - windowMs / max;
    if (before <= this.#clock.now()) this.#emptyAt.delete(key);
    else this.#emptyAt.set(key, before);
  }

  /** How many addresses are remembered. */
  get size(): number {
    return this.#emptyAt.size;
  }

  #keyOf(address: string, now: number): string {
    if (this.#emptyAt.has(address) || this.#emptyAt.size < ADDRESSES) return address;
    for (const [oldest, emptyAt] of this.#emptyAt) {
      if (emptyAt > now) break;
      this.#emptyAt.delete(oldest);
    }
    return this.#emptyAt.size < ADDRESSES ? address : SHARED;
  }
}
