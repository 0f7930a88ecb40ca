import type { Clock } from '../core/clock.ts';

/** After a loss within this time of its beginning a worker is in a crash loop, in milliseconds. */
const SOUND_MS = 60_000;
const FIRST_MS = 1000;
const LONGEST_MS = 30_000;

/** When a worker that was lost begins again: at once after a sound life, else later each time. */
export class RestartPace {
  readonly #clock: Clock;
  #begunAt: number;
  #delayMs = 0;
  #restarts = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#begunAt = clock.now();
  }

  /** How often it has begun again. */
  get restarts(): number {
    return this.#restarts;
  }

  /** It has begun again. */
  begun(): void {
    this.#restarts += 1;
    this.#begunAt = this.#clock.now();
  }

  /** It was lost, or could not begin; gives how long to wait, in milliseconds. */
  afterLoss(): number {
    const sound = this.#clock.now() - this.#begunAt >= SOUND_MS;
    this.#begunAt = this.#clock.now();
    this.#delayMs = sound ? 0 : Math.min(LONGEST_MS, Math.max(FIRST_MS, this.#delayMs * 2));
    return this.#delayMs;
  }
}
