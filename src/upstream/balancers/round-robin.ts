import type { Balancer, BalancerContext, Candidate } from './balancer.ts';
import { shareOf } from './share.ts';

/**
 * One after the other, each as often as its weight says, and the heavy ones not several times in a row: the smooth
 * weighted round robin of nginx. What each has coming is kept per endpoint, so that a list with one fewer does not begin
 * anew.
 */
export function roundRobin({ now, slowStartMs }: BalancerContext): Balancer {
  const due = new WeakMap<Candidate, number>();
  return {
    pick(endpoints) {
      const at = now();
      let total = 0;
      let best = endpoints[0]!;
      let most = Number.NEGATIVE_INFINITY;
      for (const endpoint of endpoints) {
        const share = shareOf(endpoint, at, slowStartMs);
        total += share;
        const mine = (due.get(endpoint) ?? 0) + share;
        due.set(endpoint, mine);
        if (mine <= most) continue;
        most = mine;
        best = endpoint;
      }
      due.set(best, most - total);
      return best;
    },
  };
}
