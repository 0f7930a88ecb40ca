import type { Balancer, BalancerContext, Candidate } from './balancer.ts';
import { shareOf, twoOf } from './share.ts';

/** Of an endpoint that has not answered yet and is being asked: one request tells enough. */
const UNTRIED_MS = 1e6;

/**
 * Of two drawn by weight, the one whose next answer is expected first: latency times what is in flight. The latency
 * rises with the first slow answer and falls slowly.
 */
export function peakEwma(context: BalancerContext): Balancer {
  const { now, slowStartMs } = context;
  const cost = (one: Candidate, at: number): number => {
    const latency = one.latencyMs(at) ?? (one.inFlight > 0 ? UNTRIED_MS : 0);
    return (latency * (one.inFlight + 1)) / shareOf(one, at, slowStartMs);
  };
  return {
    pick(endpoints) {
      const [one, other] = twoOf(endpoints, context);
      const at = now();
      return cost(other, at) < cost(one, at) ? other : one;
    },
  };
}
