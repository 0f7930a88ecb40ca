/** How long a connection may be quiet, and how it goes. */

import type { Pulse } from '../../../http2/incoming.ts';
import type { SessionEnd } from '../../session-end.ts';

const NO_REQUEST: SessionEnd = { reason: 'no request', limit: 'limits.header_timeout_ms' };
const SLOW_HEADER: SessionEnd = { reason: 'a header block took too long', limit: 'limits.header_timeout_ms' };
const NO_ACK: SessionEnd = { reason: 'SETTINGS were not acknowledged', code: 'SETTINGS_TIMEOUT' };
/** How long the ACK of SETTINGS may take, in milliseconds: on a bad line a whole window of a body may lie before it. */
const SETTINGS_MS = 60_000;
const IDLE: SessionEnd = { reason: 'idle', limit: 'limits.idle_timeout_ms' };

/** How long a connection may be quiet, in milliseconds, and who hears that it was. */
export interface LifetimeOptions {
  readonly headerTimeoutMs: number;
  readonly idleTimeoutMs: number;
  /** The time is up. */
  ended(end: SessionEnd): void;
}

/**
 * The clock of one connection. While streams are open it stands still; a timer that is running then is left alone and
 * looks again when it fires, so that a request costs no timer.
 */
export class Lifetime implements Pulse {
  readonly #options: LifetimeOptions;
  /** Milliseconds of `performance.now()` since when nothing was open; undefined while something is. */
  #quietSince: number | undefined;
  #begun = false;
  #timer: NodeJS.Timeout | undefined;
  #header: NodeJS.Timeout | undefined;
  readonly #settings: NodeJS.Timeout;

  constructor(options: LifetimeOptions) {
    this.#options = options;
    this.#timer = setTimeout(() => options.ended(NO_REQUEST), options.headerTimeoutMs).unref();
    this.#settings = setTimeout(() => options.ended(NO_ACK), SETTINGS_MS).unref();
  }

  /** The peer has acknowledged our SETTINGS. */
  acknowledged(): void {
    clearTimeout(this.#settings);
  }

  /** A stream was opened. */
  busy(): void {
    if (!this.#begun) {
      this.#begun = true;
      clearTimeout(this.#timer);
      this.#timer = undefined;
    }
    this.#quietSince = undefined;
  }

  /** Nothing is open any more, or a connection without streams has shown that it lives. */
  quiet(): void {
    if (!this.#begun) {
      // A PING before the first request is life, too.
      this.#begun = true;
      clearTimeout(this.#timer);
      this.#timer = undefined;
    }
    this.#quietSince = performance.now();
    if (this.#timer === undefined) this.#arm(this.#options.idleTimeoutMs);
  }

  /** A header block has begun and is not complete: nothing else can come before it is. */
  blockBegun(): void {
    this.#header = setTimeout(() => this.#options.ended(SLOW_HEADER), this.#options.headerTimeoutMs).unref();
  }

  blockEnded(): void {
    clearTimeout(this.#header);
  }

  stop(): void {
    clearTimeout(this.#timer);
    clearTimeout(this.#header);
    clearTimeout(this.#settings);
  }

  #arm(ms: number): void {
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (this.#quietSince === undefined) return;
      const left = this.#options.idleTimeoutMs - (performance.now() - this.#quietSince);
      if (left > 0) this.#arm(Math.ceil(left));
      else this.#options.ended(IDLE);
    }, ms).unref();
  }
}
