/** The list of balancers, by the name that the config has for them. */

import type { Balancer } from './balancer.ts';
import { roundRobin } from './round-robin.ts';

export const BALANCERS = { round_robin: roundRobin } satisfies Record<string, () => Balancer>;

export type BalancerName = keyof typeof BALANCERS;
