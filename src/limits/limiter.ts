/** The contract of a limiter, and what it says. Times are milliseconds of one monotonic clock, handed in. */

/** A rate: so many in a period, and so many at once after a pause. Whole numbers. */
export interface Rate {
  readonly requests: number;
  readonly periodMs: number;
  /** At most this many at once. */
  readonly burst: number;
}

/** What came of taking. */
export interface Taken {
  readonly allowed: boolean;
  /** How many more of cost 1 would be let through now. */
  readonly remaining: number;
  /** How long until this cost would be let through; 0 where it was. */
  readonly retryAfterMs: number;
  /** How long until nothing is remembered any more. */
  readonly resetMs: number;
}

/** Counts by key. */
export interface Limiter {
  /** Takes `cost` of a key, or nothing when there is not enough. */
  take(key: string, rate: Rate, cost: number, now: number): Taken;
  /** The same without taking. */
  peek(key: string, rate: Rate, cost: number, now: number): Taken;
  /** Gives back what was taken and is not to count. */
  giveBack(key: string, rate: Rate, cost: number, now: number): void;
  /** Others took of the key too: at least so much is to be over before it is empty, in milliseconds. */
  raise(key: string, rate: Rate, leftMs: number, now: number): void;
  /** Forgets a key. */
  forget(key: string): void;
}
