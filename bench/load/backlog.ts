/** Calls of an open loop that are due and have found no room on a connection: the oldest goes first. */

import type { Call } from './call.ts';

/** More calls are never kept; some 50 MB. A server that is so far behind is not measured any better by more of them. */
export const MOST_WAITING = 250_000;
/** Those that are gone are dropped from memory when they are so many and half of all. */
const DROPPED_AT = 1024;

/** The queue. What has left it is not kept in memory, however long it never gets empty. */
export class Backlog {
  #calls: Call[] = [];
  #gone = 0;

  /** How many wait. */
  get size(): number {
    return this.#calls.length - this.#gone;
  }

  /** How many are in memory: what waits, and less than as many again or 1024 that are gone. */
  get kept(): number {
    return this.#calls.length;
  }

  get oldest(): Call | undefined {
    return this.#calls[this.#gone];
  }

  /** False: it is full, and the call is not in it. */
  add(call: Call): boolean {
    if (this.size >= MOST_WAITING) return false;
    this.#calls.push(call);
    return true;
  }

  /** Takes the oldest. */
  take(): Call | undefined {
    const call = this.oldest;
    if (call === undefined) return undefined;
    this.#gone += 1;
    if (this.#gone === this.#calls.length || (this.#gone >= DROPPED_AT && this.#gone * 2 >= this.#calls.length)) {
      this.#calls = this.#calls.slice(this.#gone);
      this.#gone = 0;
    }
    return call;
  }
}
