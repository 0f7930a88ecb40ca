/** Picks the next request of a plan, the same ones in every run with the same seed. */

import { Call } from './call.ts';
import type { PlannedRequest } from './plan.ts';

/** Random numbers from 0 to below 1 that can be had again: mulberry32. */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** In turn where all weights are the same, by chance where they are not. */
export class Picker {
  readonly #requests: readonly PlannedRequest[];
  readonly #random: () => number;
  readonly #prefix: string;
  readonly #sum: number;
  readonly #even: boolean;
  #count = 0;

  constructor(requests: readonly PlannedRequest[], seed: number) {
    this.#requests = requests;
    this.#random = randomNumbers(seed);
    this.#prefix = `${seed.toString(36)}-`;
    this.#sum = requests.reduce((sum, { weight }) => sum + weight, 0);
    this.#even = requests.every(({ weight }) => weight === requests[0]!.weight);
  }

  /** The next call, due at a time. */
  next(due: number): Call {
    const number = this.#count;
    this.#count += 1;
    const request = this.#even ? this.#requests[number % this.#requests.length]! : this.#weighted();
    return new Call(request, due, `${this.#prefix}${number.toString(36)}`);
  }

  /** How long somebody thinks: between half and one and a half of the average. */
  think(ms: number): number {
    return ms * (0.5 + this.#random());
  }

  #weighted(): PlannedRequest {
    let left = this.#random() * this.#sum;
    for (const request of this.#requests) {
      left -= request.weight;
      if (left < 0) return request;
    }
    return this.#requests.at(-1)!;
  }
}
