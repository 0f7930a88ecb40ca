import type { Balancer, BalancerContext } from './balancer.ts';
import { shareOf, twoOf } from './share.ts';

/**
 * Of two drawn by weight, the one with fewer requests in flight for its weight; the first drawn where they are equal, so
 * that weights hold while nothing is going on. Two and not all: whoever looks at all sends everything to the same one
 * that has just become free, as all workers and replicas do at that moment.
 */
export function leastRequests(context: BalancerContext): Balancer {
  const { now, slowStartMs } = context;
  return {
    pick(endpoints) {
      const [one, other] = twoOf(endpoints, context);
      const at = now();
      const load = one.inFlight / shareOf(one, at, slowStartMs);
      return other.inFlight / shareOf(other, at, slowStartMs) < load ? other : one;
    },
  };
}
