/**
 * Counts here at once, and tells the server what was taken every so often. What comes back is what all replicas took
 * together; the local counts are raised to it.
 *
 * With N replicas, a limit of `burst` and `rate`, and I for the interval and one round trip: until they hear of each
 * other each admits what it has left, so at most (N - 1) x (burst + rate x I) more than the limit pass. It is not
 * forgotten: the level that comes back stands above the burst, and all wait until it is over.
 */

import type { Clock } from '../../core/clock.ts';
import type { LocalTier } from '../local-tier.ts';
import type { Charge } from '../tier.ts';
import type { Connection } from './connection.ts';
import { keyName } from './key-name.ts';
import { ADD } from './script.ts';

/** Keys that are remembered between two exchanges; with more, one is made at once. */
const KEYS = 10_000;
/** Keys of one call: the server does nothing else meanwhile. */
const KEYS_A_CALL = 100;

interface Pending {
  readonly charge: Charge;
  /** What was taken and not told yet; below 0 where more was given back. */
  cost: number;
}

/** The exchange of one thread. */
export class Delta {
  readonly #local: LocalTier;
  readonly #connection: Connection;
  readonly #clock: Clock;
  readonly #intervalMs: number;
  readonly #prefix: string;
  #pending = new Map<string, Pending>();
  #cancel: (() => void) | undefined;
  #dropped = 0;

  constructor(local: LocalTier, connection: Connection, clock: Clock, intervalMs: number, prefix: string) {
    this.#local = local;
    this.#connection = connection;
    this.#clock = clock;
    this.#intervalMs = intervalMs;
    this.#prefix = prefix;
  }

  /** Keys whose counts could not be told: the server was down while there were too many. They hold here all the same. */
  get dropped(): number {
    return this.#dropped;
  }

  /** So many were taken of a charge's key, or given back. */
  add(charge: Charge, cost: number): void {
    const found = this.#pending.get(charge.key);
    if (found !== undefined) {
      found.cost += cost;
      return;
    }
    if (this.#pending.size >= KEYS) {
      void this.exchange();
      if (this.#pending.size >= KEYS) {
        this.#dropped += 1;
        return;
      }
    }
    this.#pending.set(charge.key, { charge, cost });
    this.#plan();
  }

  /** Tells the server now, or, while it is down, later. Never rejects. */
  async exchange(): Promise<void> {
    if (this.#pending.size === 0) return;
    if (!this.#connection.up) {
      this.#plan();
      return;
    }
    const told = [...this.#pending.values()];
    this.#pending = new Map();
    const calls: Promise<void>[] = [];
    for (let from = 0; from < told.length; from += KEYS_A_CALL) {
      calls.push(this.#tell(told.slice(from, from + KEYS_A_CALL)));
    }
    await Promise.all(calls);
  }

  close(): void {
    this.#cancel?.();
  }

  #plan(): void {
    this.#cancel ??= this.#clock.after(this.#intervalMs, () => {
      this.#cancel = undefined;
      void this.exchange();
    });
  }

  async #tell(told: readonly Pending[]): Promise<void> {
    const keys = told.map(({ charge }) => `${this.#prefix}:${keyName(charge.key)}`);
    const args = told.flatMap(({ charge: { limit }, cost }) =>
      [limit.rate.requests, limit.rate.periodMs, limit.rate.burst, cost].map(String),
    );
    try {
      const levels = await this.#connection.run(ADD, keys, args);
      told.forEach(({ charge }, index) => {
        const { requests, periodMs } = charge.limit.rate;
        // What was taken since is not in the answer.
        const since = Math.max(0, this.#pending.get(charge.key)?.cost ?? 0) * periodMs;
        const level = Number(levels[index]);
        if (level > 0) this.#local.raise(charge, (level + since) / requests);
      });
    } catch (error) {
      // It may have been counted, or not: counting it again could refuse too much, so it is left.
      this.#connection.failed(error instanceof Error ? error.message : String(error));
    }
  }
}
