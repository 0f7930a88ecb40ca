/**
 * The store of @fastify/rate-limit 11.2.0, which takes all limits of a request in one call. The plugin's own store has
 * fixed windows, shares no count between routes, and forgets keys that are being refused when enough others come.
 */

import type { Charge, Outcome, Tier } from '../../limits/tier.ts';

/** What the plugin is asked with in place of a request; it hands it to the store as the key. */
export interface Ask {
  readonly charges: readonly Charge[];
  /** Set when the store has answered. */
  outcome: Outcome | undefined;
  /** The plugin looks for a group here; there is none. */
  readonly routeOptions: { readonly config: object };
}

type Answered = (error: null, taken: { current: number; ttl: number }) => void;

/** How the plugin knows that too much was asked: more than `MAX` in a window that nobody uses. */
const MAX = 1;

/** Options of the plugin for a whole application; no hook of its own, which would run once a request and no more. */
export function pluginOptions(tier: Tier): object {
  class Store {
    incr(ask: Ask, answered: Answered): void {
      tier.take(ask.charges, (outcome) => {
        ask.outcome = outcome;
        const { refused, taken } = outcome;
        answered(
          null,
          refused === undefined ? { current: 0, ttl: 0 } : { current: MAX + 1, ttl: taken[refused]!.retryAfterMs },
        );
      });
    }
    child(): Store {
      return this;
    }
  }
  return { global: false, max: MAX, timeWindow: 1000, keyGenerator: (ask: Ask) => ask, store: Store };
}

/** What the plugin is asked with. */
export function askFor(charges: readonly Charge[]): Ask {
  return { charges, outcome: undefined, routeOptions: NO_ROUTE_OPTIONS };
}

const NO_ROUTE_OPTIONS = { config: {} };
