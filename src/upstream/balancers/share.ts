import type { BalancerContext, Candidate } from './balancer.ts';

/** What a new endpoint begins with: none at all would tell nobody that it works. */
const LEAST = 0.1;

/** The weight of an endpoint now: after it came it grows from a tenth to the whole, evenly over the slow start. */
export function shareOf({ weight, usableSince }: Candidate, now: number, slowStartMs: number): number {
  const age = now - usableSince;
  return age >= slowStartMs ? weight : weight * Math.max(LEAST, age / slowStartMs);
}

/**
 * Two different endpoints, the first by its share of all, the second by its share of the rest; the same one twice where
 * there is only one.
 */
export function twoOf<T extends Candidate>(endpoints: readonly T[], context: BalancerContext): readonly [T, T] {
  const first = drawn(endpoints, undefined, context);
  return [first, endpoints.length === 1 ? first : drawn(endpoints, first, context)];
}

function drawn<T extends Candidate>(
  endpoints: readonly T[],
  except: T | undefined,
  { now, random, slowStartMs }: BalancerContext,
): T {
  const at = now();
  let total = 0;
  for (const one of endpoints) if (one !== except) total += shareOf(one, at, slowStartMs);
  let left = random() * total;
  let last: T | undefined;
  for (const one of endpoints) {
    if (one === except) continue;
    last = one;
    left -= shareOf(one, at, slowStartMs);
    if (left < 0) break;
  }
  return last!;
}
