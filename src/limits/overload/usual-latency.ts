/** How much the usual latency follows one sample at most. */
const MAX_WEIGHT = 0.1;
/** So many samples make a first mean. */
const FIRST_SAMPLES = 10;
/** How long it takes to learn another latency, in milliseconds: while there is room, and while there is none. */
const CALM_MS = 60_000;
const PRESSED_MS = 3_600_000;
/** Added to both sides of a comparison: 1 ms that became 4 is no overload. */
const NOISE_MS = 5;
/** One answer speaks for no more than this: the slowest of a route says little of the others. */
const MAX_RATIO = 10;

/**
 * How long the answers of one route take when all is well: a mean over time. Up and down weigh the same, or the mean of a
 * route with fast and slow calls would never look usual. While the upstream is pressed hardly anything is learned: else
 * an overload that lasts would become what is usual. Milliseconds.
 */
export class UsualLatency {
  #ms = 0;
  #samples = 0;
  #last = 0;

  /** Undefined until there were enough answers. */
  get ms(): number | undefined {
    return this.#samples < FIRST_SAMPLES ? undefined : this.#ms;
  }

  /** How many times the usual it is; 1 while nobody knows. */
  ratio(latencyMs: number): number {
    if (this.#samples < FIRST_SAMPLES) return 1;
    return Math.min(MAX_RATIO, (latencyMs + NOISE_MS) / (this.#ms + NOISE_MS));
  }

  learn(latencyMs: number, now: number, pressed: boolean): void {
    if (this.#samples < FIRST_SAMPLES) {
      this.#samples += 1;
      this.#ms += (latencyMs - this.#ms) / this.#samples;
    } else {
      const weight = Math.min(MAX_WEIGHT, (now - this.#last) / (pressed ? PRESSED_MS : CALM_MS));
      this.#ms += (latencyMs - this.#ms) * weight;
    }
    this.#last = now;
  }
}
