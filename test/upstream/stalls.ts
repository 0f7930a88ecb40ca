/** Endpoints for tests of balancers: nothing behind them, and what is known of them is what the test says. */

import type { Candidate } from '../../src/upstream/balancers/balancer.ts';
import { Chance } from '../support/chance.ts';

/** An endpoint that counts how often it was picked. */
export class Stall implements Candidate {
  readonly name: string;
  weight: number;
  inFlight = 0;
  usableSince = Number.NEGATIVE_INFINITY;
  latency: number | undefined;
  picked = 0;

  constructor(name: string, weight = 1) {
    this.name = name;
    this.weight = weight;
  }

  latencyMs(): number | undefined {
    return this.latency;
  }
}

/** One for each name. */
export function stalls(names: readonly string[], weights: readonly number[] = []): Stall[] {
  return names.map((name, index) => new Stall(name, weights[index]));
}

/** Numbers from 0 to below 1, the same in each run. */
export function seeded(seed = 20_260_101): () => number {
  const chance = new Chance(seed);
  return () => chance.below(2 ** 32) / 2 ** 32;
}
