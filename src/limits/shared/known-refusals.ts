/** What the server refused lately, so that a blocked key costs no round trip: for each key one in a second, not more. */

import type { Taken } from '../limiter.ts';
import type { Charge } from '../tier.ts';

/** Keys that are known at once; a flood of others costs round trips, and lets nothing through. */
const KEYS = 10_000;
/** No longer than this, because another replica may give back. */
const LONGEST_MS = 1000;

interface Refusal {
  readonly taken: Taken;
  readonly cost: number;
  readonly at: number;
  readonly until: number;
}

/** The memory of one thread. */
export class KnownRefusals {
  readonly #byKey = new Map<string, Refusal>();

  /** The refusal that still holds, as it is now. Keys that can be banned are always asked for: refusals count there. */
  find({ limit, enforce }: Charge, name: string, now: number): Taken | undefined {
    if (!enforce || limit.ban !== undefined) return undefined;
    const refusal = this.#byKey.get(name);
    // Another cost would have another wait.
    if (refusal === undefined || limit.cost !== refusal.cost) return undefined;
    if (refusal.until <= now) {
      this.#byKey.delete(name);
      return undefined;
    }
    const { taken, at } = refusal;
    const since = now - at;
    return { ...taken, retryAfterMs: taken.retryAfterMs - since, resetMs: Math.max(0, taken.resetMs - since) };
  }

  /** The server refused; `sentAt` is before it did, so that this never outlives the truth. */
  add({ limit }: Charge, name: string, taken: Taken, sentAt: number): void {
    this.#byKey.delete(name);
    if (this.#byKey.size >= KEYS) this.#byKey.delete(this.#byKey.keys().next().value!);
    const until = sentAt + Math.min(taken.retryAfterMs, LONGEST_MS);
    this.#byKey.set(name, { taken, cost: limit.cost, at: sentAt, until });
  }

  /** What was taken of the key has been given back, or its ban lifted. */
  forget(name: string): void {
    this.#byKey.delete(name);
  }
}
