/**
 * What a peer may do beside requests. None of it is counted by the budgets of the config: a working client stays so far
 * below that there is nothing to configure.
 */

import { ConnectionError } from './protocol.ts';

/** What a peer may still do of one kind. */
export interface Allowance {
  /** ConnectionError where it is used up. */
  take(): void;
}

/** The kinds that reading frames knows. */
export interface Allowances {
  /** PING and SETTINGS, which are answered. */
  readonly control: Allowance;
  /** What is ignored. */
  readonly ignored: Allowance;
  readonly windows: Allowance;
  /** DATA without a byte. */
  readonly empty: Allowance;
}

/** A bucket that fills by what is done and leaks at a steady rate; the clock is looked at only where it is full. */
class Bucket implements Allowance {
  readonly #reason: string;
  readonly #burst: number;
  readonly #perS: number;
  #level = 0;
  #at = performance.now();

  constructor(reason: string, burst: number, perS: number) {
    this.#reason = reason;
    this.#burst = burst;
    this.#perS = perS;
  }

  /** ConnectionError where it is used up. */
  take(cost = 1): void {
    this.#level += cost;
    if (this.#level <= this.#burst) return;
    const now = performance.now();
    this.#level = Math.max(cost, this.#level - ((now - this.#at) * this.#perS) / 1000);
    this.#at = now;
    if (this.#level > this.#burst) throw new ConnectionError('ENHANCE_YOUR_CALM', this.#reason);
  }

  /** More may be done, because of something else that was. */
  give(amount: number): void {
    this.#level = Math.max(0, this.#level - amount);
  }
}

/** The allowances of a client. */
export class Floods implements Allowances {
  /**
   * PING and SETTINGS, which are answered: CVE-2019-9512, CVE-2019-9515. gRPC clients measure their windows by a PING for
   * DATA that came, one after the other: on a short way that is thousands a second.
   */
  readonly control = new Bucket('PING or SETTINGS come too fast', 1000, 100);
  /** PRIORITY and unknown types, which are ignored; also what comes for streams that are over. CVE-2019-9513. */
  readonly ignored = new Bucket('frames that say nothing come too fast', 1000, 100);
  readonly windows = new Bucket('WINDOW_UPDATE comes too fast', 1000, 100);
  /** DATA without a byte: CVE-2019-9518. */
  readonly empty = new Bucket('empty DATA frames come too fast', 100, 10);
  /** Streams above the concurrency that the client did not know of yet. */
  readonly refused = new Bucket('too many streams were refused', 100, 10);
  /** Resets of the peer, and those that it made us send: CVE-2023-44487, CVE-2025-8671. */
  readonly resets: Bucket;

  /** `maxConcurrentStreams`: so many may end by deadlines of one second. */
  constructor(maxConcurrentStreams: number) {
    this.resets = new Bucket('streams reset too fast', 1000, Math.max(33, maxConcurrentStreams));
  }

  /** A request has come: it may be spoken about. */
  request(): void {
    this.ignored.give(10);
    this.windows.give(10);
  }

  /** DATA was sent: its window may be given back, in as many steps as small buffers need, and its way measured. */
  sent(frames: number): void {
    this.windows.give(10 * frames);
    this.control.give(frames);
  }
}
