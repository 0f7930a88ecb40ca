import type { Clock } from '../core/clock.ts';

/** Watches for the time in which nothing moves. One timer, which looks again when it finds that something did. */
export class IdleWatch {
  readonly #clock: Clock;
  readonly #ms: number;
  readonly #onIdle: () => void;
  #last: number;
  #cancel: (() => void) | undefined;

  /** `onIdle` is called once, when nothing has moved for `ms` milliseconds. */
  constructor(clock: Clock, ms: number, onIdle: () => void) {
    this.#clock = clock;
    this.#ms = ms;
    this.#onIdle = onIdle;
    this.#last = clock.now();
    this.#wait(ms);
  }

  moved(): void {
    this.#last = this.#clock.now();
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #wait(ms: number): void {
    this.#cancel = this.#clock.after(ms, () => {
      const left = this.#last + this.#ms - this.#clock.now();
      if (left > 0) this.#wait(left);
      else this.#onIdle();
    });
  }
}
