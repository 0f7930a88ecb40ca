/** The list of balancers, and the contract that each keeps. */

import type { Endpoint } from '../endpoint.ts';
import { roundRobin } from './round-robin.ts';

/** Chooses among endpoints that may be used; never asked with an empty list. */
export interface Balancer {
  pick(endpoints: readonly Endpoint[]): Endpoint;
}

export const BALANCERS = { round_robin: roundRobin } satisfies Record<string, () => Balancer>;

export type BalancerName = keyof typeof BALANCERS;
