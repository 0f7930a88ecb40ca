/** How long what was observed long ago still counts: after this time it has lost two thirds of its weight. */
const DECAY_MS = 10_000;

/**
 * Peak-EWMA of an endpoint's latency: a slower answer counts at once and in full, faster ones bring it down step by
 * step, and without answers it fades, so that an endpoint that was slow once is tried again.
 */
export class Latency {
  #ms = 0;
  #at = 0;
  #known = false;

  /** An answer's head came after `ms`; `now` is monotonic time. */
  observe(ms: number, now: number): void {
    const faded = this.#known ? this.at(now)! : 0;
    const share = this.#known ? Math.exp((this.#at - now) / DECAY_MS) : 0;
    this.#ms = ms > faded ? ms : this.#ms * share + ms * (1 - share);
    this.#at = now;
    this.#known = true;
  }

  /** What it counts as now, in milliseconds; undefined before the first answer. */
  at(now: number): number | undefined {
    return this.#known ? this.#ms * Math.exp((this.#at - now) / DECAY_MS) : undefined;
  }
}
