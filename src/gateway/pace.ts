/**
 * The pace of one side of an exchange: how much longer it may take. It begins with a grace time; every byte gives time
 * at the minimum rate, and only time in which the client is waited for is used up. A client that has sent much may pause,
 * up to `mostMs`; one that trickles has used up its grace soon (R.U.D.Y., slow read).
 */

import type { Config } from '../config/schema.ts';
import type { Exchange } from '../core/exchange.ts';

/** How slow a client may be. */
export interface PaceLimits {
  /** 0 for no minimum. */
  readonly bytesPerS: number;
  readonly graceMs: number;
  /** The most time that can be saved up, in milliseconds. */
  readonly mostMs: number;
}

/** The pace of request bodies, as the config says it. */
export function bodyPace(limits: Config['limits']): PaceLimits {
  return { bytesPerS: limits.body_min_bytes_per_s, graceMs: limits.min_rate_grace_ms, mostMs: limits.body_idle_ms };
}

/** The pace of readers, as the config says it. */
export function writePace(limits: Config['limits']): PaceLimits {
  return { bytesPerS: limits.write_min_bytes_per_s, graceMs: limits.min_rate_grace_ms, mostMs: limits.write_idle_ms };
}

/** Milliseconds of one clock, handed in. */
export class Pace {
  readonly #limits: PaceLimits;
  #left: number;
  #since: number | undefined;

  constructor(limits: PaceLimits) {
    this.#limits = limits;
    this.#left = limits.graceMs;
  }

  /** The client is waited for from now on. */
  start(now: number): void {
    this.#since ??= now;
  }

  /** It is not its turn any more. */
  stop(now: number): void {
    if (this.#since !== undefined) this.#left -= now - this.#since;
    this.#since = undefined;
  }

  /** So many bytes went their way. */
  moved(bytes: number, now: number): void {
    const { bytesPerS, graceMs, mostMs } = this.#limits;
    if (bytesPerS === 0) return;
    if (this.#since !== undefined) {
      this.#left -= now - this.#since;
      this.#since = now;
    }
    this.#left = Math.min(Math.max(graceMs, mostMs), this.#left + (bytes * 1000) / bytesPerS);
  }

  /** How much longer the client may be waited for, in milliseconds; not above 0 when it was too slow. */
  left(now: number): number {
    if (this.#limits.bytesPerS === 0) return Number.POSITIVE_INFINITY;
    return this.#since === undefined ? this.#left : this.#left - (now - this.#since);
  }
}

/** Whether the request's body is a stream of messages, which has no pace of its own. */
export function mayBeQuiet({ dialect, head }: Pick<Exchange, 'dialect' | 'head'>): boolean {
  return dialect.name === 'grpc' || (dialect.name === 'connect' && head.contentType.startsWith('application/connect'));
}
