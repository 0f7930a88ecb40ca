/**
 * How many requests one upstream may work at: many while answers take as long as usual, fewer as soon as they do not.
 * After Gradient2 of Netflix's concurrency-limits, with three differences. A latency is compared with what is usual for
 * its route, so that more logins (a second each) and fewer lookups (milliseconds) are no overload. What is usual is not
 * learned from an overload. And the limit falls only when answers are slow while many are in flight: it stands high in
 * quiet times, and a burst meets no limit that was never needed.
 */

import type { Clock } from '../../core/clock.ts';
import { RANKS, type Rank } from './priority.ts';
import { UsualLatency } from './usual-latency.ts';

/** Between what a limit moves, in requests, and what it takes for slow. */
export interface AdaptiveLimitSettings {
  /** It never falls below, and starts at the highest. */
  readonly minLimit: number;
  readonly maxLimit: number;
  /** So many times the usual latency, in the mean of a window, is too slow. */
  readonly slowFactor: number;
}

/** Up to which share of the limit, over all requests in flight, a priority gets a place; by rank. */
const SHARES = [1, 0.9, 0.8, 0.6] as const;
/** This share of the limit each priority has for itself: no flood of logins shuts everybody else out. */
const RESERVED = 0.05;
/** Requests that are still being sent take this share at most: slow senders must not shut others out. */
const SENDING = 0.25;
/** The shortest and the longest window, in milliseconds, and how few samples say nothing. */
const MIN_WINDOW_MS = 500;
const MAX_WINDOW_MS = 5000;
const MIN_SAMPLES = 10;
/** The limit falls by no more in a window. */
const MAX_FALL = 0.8;
/** More drops than this share of the answers are as bad as slow ones. */
const DROP_SHARE = 0.1;
/** A limit this many times what is in flight has nothing to say: it falls to here at once. */
const HEADROOM = 4;

/** The limit of one upstream in one thread. No timer, nothing that grows but by route. */
export class AdaptiveLimit {
  readonly #settings: AdaptiveLimitSettings;
  readonly #clock: Clock;
  readonly #usual = new Map<string, UsualLatency>();
  readonly #byRank = new Int32Array(RANKS);
  #limit: number;
  #working = 0;
  #sending = 0;
  /** The last window was slow, or somebody was refused in it. */
  #pressed = false;
  #windowStart: number;
  #windowMs = MIN_WINDOW_MS;
  #samples = 0;
  #ratios = 0;
  #latencies = 0;
  #drops = 0;
  #peak = 0;
  #refused = 0;

  constructor(settings: AdaptiveLimitSettings, clock: Clock) {
    this.#settings = settings;
    this.#clock = clock;
    this.#limit = settings.maxLimit;
    this.#windowStart = clock.now();
  }

  get limit(): number {
    return Math.floor(this.#limit);
  }

  /** Requests that wait for the head of their answer. */
  get inFlight(): number {
    return this.#working + this.#sending;
  }

  /** What is usual for a route; the same for the same name. */
  usual(route: string): UsualLatency {
    let usual = this.#usual.get(route);
    if (usual === undefined) {
      usual = new UsualLatency();
      this.#usual.set(route, usual);
    }
    return usual;
  }

  /** Whether a request of this rank gets a place; takes none. */
  admits(rank: Rank): boolean {
    const load = this.#load();
    if (load < this.#limit * SHARES[rank]! || this.#byRank[rank]! < Math.max(1, this.#limit * RESERVED)) return true;
    this.#refused += 1;
    return false;
  }

  /** Takes a place. `sent`: all of the request is here. */
  enter(rank: Rank, sent: boolean): void {
    this.#byRank[rank]! += 1;
    if (sent) this.#working += 1;
    else this.#sending += 1;
    this.#seePeak();
  }

  /** The rest of a request that was still being sent is here. */
  sent(): void {
    this.#sending -= 1;
    this.#working += 1;
    this.#seePeak();
  }

  /** Gives a place back. */
  leave(rank: Rank, sent: boolean): void {
    this.#byRank[rank]! -= 1;
    if (sent) this.#working -= 1;
    else this.#sending -= 1;
  }

  /** An answer took so long from when all of its request was sent, in milliseconds. */
  answered(usual: UsualLatency, latencyMs: number): void {
    this.#see(usual, latencyMs);
    usual.learn(latencyMs, this.#clock.now(), this.#pressed);
    this.#turn();
  }

  /** There was no answer until now, and nobody waits any more: it would have taken longer still. */
  gaveUp(usual: UsualLatency, waitedMs: number): void {
    if (usual.ms === undefined || waitedMs <= usual.ms) return;
    this.#see(usual, waitedMs);
    this.#turn();
  }

  /** The upstream itself said that it cannot, or said nothing in time. */
  dropped(): void {
    this.#drops += 1;
    this.#turn();
  }

  #load(): number {
    return this.#working + Math.min(this.#sending, this.#limit * SENDING);
  }

  #seePeak(): void {
    const load = this.#load();
    if (load > this.#peak) this.#peak = load;
  }

  #see(usual: UsualLatency, latencyMs: number): void {
    this.#samples += 1;
    this.#ratios += usual.ratio(latencyMs);
    this.#latencies += latencyMs;
  }

  /** Ends the window where its time is over, and sets the limit for the next one. */
  #turn(): void {
    const now = this.#clock.now();
    const seen = this.#samples + this.#drops;
    if (seen < MIN_SAMPLES || now - this.#windowStart < this.#windowMs) return;
    const { minLimit, maxLimit, slowFactor } = this.#settings;
    const slow = this.#samples === 0 ? 0 : this.#ratios / this.#samples / slowFactor;
    const dropping = this.#drops > seen * DROP_SHARE;
    // With few in flight it is slow for another reason, and a limit would only do harm.
    const crowded = this.#peak >= minLimit * SHARES[RANKS - 1]!;
    if (slow > 1 || dropping) {
      const fall = Math.max(MAX_FALL, dropping ? MAX_FALL : 1 / slow);
      if (crowded) this.#limit = Math.max(minLimit, Math.min(this.#limit, this.#peak * HEADROOM) * fall);
    } else {
      this.#limit = Math.min(maxLimit, this.#limit + Math.sqrt(this.#limit));
    }
    this.#pressed = slow > 1 || dropping || this.#refused > 0;
    // What was sent under the old limit should not decide a second time.
    const mean = this.#samples === 0 ? 0 : this.#latencies / this.#samples;
    this.#windowMs = Math.min(MAX_WINDOW_MS, Math.max(MIN_WINDOW_MS, mean));
    this.#windowStart = now;
    this.#samples = 0;
    this.#ratios = 0;
    this.#latencies = 0;
    this.#drops = 0;
    this.#refused = 0;
    this.#peak = this.#load();
  }
}
