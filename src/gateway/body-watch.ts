/** The watch over a client that owes a body: how long it may send nothing, and how slowly it may send. */

import type { Clock } from '../core/clock.ts';
import { GatewayError } from '../core/errors.ts';
import { Pace, type PaceLimits } from './pace.ts';

/** The watch over one body. Time in which it is not the client's turn is not used up. */
export class BodyWatch {
  readonly #clock: Clock;
  readonly #idleMs: number;
  readonly #pace: Pace | undefined;
  readonly #tooSlow: (error: GatewayError) => void;
  #lastProgress = 0;
  #paused = false;
  #cancel: (() => void) | undefined;

  /**
   * `idleMs`: how long the client may send nothing; 0 for no watch at all. `pace`: how slow it may be. `tooSlow` is called
   * once, with REQUEST_TIMEOUT.
   */
  constructor(clock: Clock, idleMs: number, pace: PaceLimits | undefined, tooSlow: (error: GatewayError) => void) {
    this.#clock = clock;
    this.#idleMs = idleMs;
    this.#pace = pace && new Pace(pace);
    this.#tooSlow = tooSlow;
  }

  /** The client is waited for from now on, until `stop`. */
  start(): void {
    this.resume();
    if (this.#idleMs > 0 && this.#cancel === undefined) this.#wait(this.#idleMs, this.#lastProgress);
  }

  /** So many bytes came. */
  moved(bytes: number): void {
    this.#lastProgress = this.#clock.now();
    this.#pace?.moved(bytes, this.#lastProgress);
  }

  /** It is not the client's turn. The timer goes on: to set it anew each time would cost more than to look in vain. */
  pause(): void {
    this.#paused = true;
    this.#pace?.stop(this.#clock.now());
  }

  /** It is the client's turn again. */
  resume(): void {
    this.#paused = false;
    this.#lastProgress = this.#clock.now();
    this.#pace?.start(this.#lastProgress);
  }

  /** Nobody waits for the body any more. */
  stop(): void {
    if (this.#cancel === undefined) return;
    this.#cancel();
    this.#cancel = undefined;
    this.#pace?.stop(this.#clock.now());
  }

  #wait(idle: number, now: number): void {
    const ms = this.#paused ? idle : Math.max(1, Math.min(idle, this.#pace?.left(now) ?? idle));
    this.#cancel = this.#clock.after(ms, () => this.#look());
  }

  #look(): void {
    const now = this.#clock.now();
    const idle = this.#idleMs - (this.#paused ? 0 : now - this.#lastProgress);
    if (idle <= 0) this.#giveUp('limits.body_idle_ms');
    else if (!this.#paused && (this.#pace?.left(now) ?? idle) <= 0) this.#giveUp('limits.body_min_bytes_per_s');
    else this.#wait(idle, now);
  }

  #giveUp(detail: string): void {
    this.#tooSlow(new GatewayError('REQUEST_TIMEOUT', { detail }));
  }
}
