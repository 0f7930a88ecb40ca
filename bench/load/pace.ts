/** When the calls of an open loop are due: at a constant or a ramping rate, whatever the answers do. */

import type { Rate } from './plan.ts';

/** A schedule. Times are milliseconds since its begin: warm-up at the first rate, then from there to the last. */
export class Pace {
  readonly #perMs: number;
  readonly #warmUpMs: number;
  readonly #warmUpCalls: number;
  /** How much faster each millisecond is than the one before. */
  readonly #growth: number;

  constructor({ from, to }: Rate, warmUpMs: number, durationMs: number) {
    this.#perMs = from / 1000;
    this.#warmUpMs = warmUpMs;
    this.#warmUpCalls = this.#perMs * warmUpMs;
    this.#growth = (to - from) / 1000 / durationMs;
  }

  /** When call `number`, from 0, is due. */
  due(number: number): number {
    const beyond = number - this.#warmUpCalls;
    if (beyond <= 0) return number / this.#perMs;
    // beyond = perMs·t + growth·t²/2; a rate that falls ends where it would be none.
    const root = this.#perMs ** 2 + 2 * this.#growth * beyond;
    if (root < 0) return Number.POSITIVE_INFINITY;
    // The root of the equation in the form that is exact for a growth near none, too.
    return this.#warmUpMs + (2 * beyond) / (this.#perMs + Math.sqrt(root));
  }
}
