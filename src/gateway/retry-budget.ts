/**
 * How many requests to one upstream may be sent again: a share of those that are active, and a few a second in any case.
 * Without it an upstream that begins to fail would get its load times the attempts, and stay down.
 */

import type { Clock } from '../core/clock.ts';

/** How far requests are remembered: those that began within it, or wait for their answer still, are active. */
const WINDOW_S = 10;

/** How many retries an upstream may get. */
export interface RetryBudgetSettings {
  /** Retries for a hundred active requests. */
  readonly sharePercent: number;
  /** Retries a second that are free, also where nothing else happens. */
  readonly minPerS: number;
}

/** The retries of one upstream. Milliseconds of one clock; no timer. */
export class RetryBudget {
  readonly #settings: RetryBudgetSettings;
  readonly #clock: Clock;
  /** By second, the last ones. */
  readonly #requests = new Float64Array(WINDOW_S);
  readonly #retries = new Float64Array(WINDOW_S);
  #second: number;
  #waiting = 0;

  constructor(settings: RetryBudgetSettings, clock: Clock) {
    this.#settings = settings;
    this.#clock = clock;
    this.#second = this.#now();
  }

  /** A request begins to wait for its answer. */
  begin(): void {
    this.#turn();
    this.#requests[this.#second % WINDOW_S]! += 1;
    this.#waiting += 1;
  }

  /** It has one, or will have none. */
  over(): void {
    this.#waiting -= 1;
  }

  /** Takes one retry out; false where there is none. */
  take(): boolean {
    const { allowed } = this;
    if (sum(this.#retries) + 1 > allowed) return false;
    this.#retries[this.#second % WINDOW_S]! += 1;
    return true;
  }

  /** How many retries there may be in the window that ends now. */
  get allowed(): number {
    this.#turn();
    const { sharePercent, minPerS } = this.#settings;
    const active = Math.max(sum(this.#requests), this.#waiting);
    return minPerS * WINDOW_S + (active * sharePercent) / 100;
  }

  #now(): number {
    return Math.floor(this.#clock.now() / 1000);
  }

  /** Forgets what is too long ago. */
  #turn(): void {
    const now = this.#now();
    for (let left = Math.min(now - this.#second, WINDOW_S); left > 0; left -= 1) {
      const slot = (now - left + 1) % WINDOW_S;
      this.#requests[slot] = 0;
      this.#retries[slot] = 0;
    }
    this.#second = now;
  }
}

function sum(counts: Float64Array): number {
  let all = 0;
  for (const count of counts) all += count;
  return all;
}
