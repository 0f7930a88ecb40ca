/** The list of balancers, by the name that the config has for them. */

import type { Balancer, BalancerContext } from './balancer.ts';
import { leastRequests } from './least-requests.ts';
import { peakEwma } from './peak-ewma.ts';
import { ringHash } from './ring-hash.ts';
import { roundRobin } from './round-robin.ts';

/** All balancers, by their names. */
export const BALANCERS = {
  least_requests: leastRequests,
  round_robin: roundRobin,
  peak_ewma: peakEwma,
  ring_hash: ringHash,
} satisfies Record<string, (context: BalancerContext) => Balancer>;

/** The name of a balancer. */
export type BalancerName = keyof typeof BALANCERS;
