import type { Balancer, BalancerContext, Candidate } from './balancer.ts';
import { hashOf } from './hash.ts';
import { leastRequests } from './least-requests.ts';
import { Ring } from './ring.ts';

/** How far above its share of what is in flight an endpoint may be; consistent hashing with bounded loads. */
const BOUND = 1.25;
/** So many at once are no load for anybody: one browser does not lose its endpoint by asking for several things. */
const ALWAYS = 16;

/**
 * Requests with the same hash go to the same endpoint, as long as it is used and has not much more to do than the
 * others: clients choose headers and cookies, and must not be able to send everything to one. Those without a hash go
 * where least is in flight. When an endpoint goes, only what it had moves. Slow start does not hold here: it would move
 * clients twice.
 */
export function ringHash(context: BalancerContext): Balancer {
  const unhashed = leastRequests(context);
  let ring: Ring<Candidate> | undefined;
  return {
    pick(endpoints, { hash } = {}) {
      if (hash === undefined || endpoints.length === 1) return unhashed.pick(endpoints);
      // Those that are left out for a while stay in the ring, and are passed over.
      if (ring === undefined || !ring.knows(endpoints)) ring = new Ring(endpoints);
      let inFlight = 1;
      let weight = 0;
      for (const endpoint of endpoints) {
        inFlight += endpoint.inFlight;
        weight += endpoint.weight;
      }
      const has = new Set<Candidate>(endpoints);
      const found = ring.from(
        hashOf(hash),
        (one) => has.has(one) && one.inFlight < Math.max(ALWAYS, (BOUND * inFlight * one.weight) / weight),
      );
      return (found as (typeof endpoints)[number] | undefined) ?? unhashed.pick(endpoints);
    },
  };
}
