/** What the cache has done, in all and by route. */

/** hit: answered fresh, or validated; stale: answered although it was stale; miss: the origin had to answer. */
export type Outcome = 'hit' | 'stale' | 'miss';

/** Counts of outcomes. */
export interface Counts {
  hit: number;
  stale: number;
  miss: number;
}

/** Routes come from the config; reloads may rename them without end. */
const MOST_ROUTES = 1000;

/** Counts of outcomes by route, and the routes that were seen. */
export class Tally {
  readonly #byRoute = new Map<string, Counts>();

  count(route: string, outcome: Outcome): void {
    const counts = this.#of(route);
    if (counts !== undefined) counts[outcome] += 1;
  }

  /** In all. */
  total(): Counts {
    const sum = { hit: 0, stale: 0, miss: 0 };
    for (const { hit, stale, miss } of this.#byRoute.values()) {
      sum.hit += hit;
      sum.stale += stale;
      sum.miss += miss;
    }
    return sum;
  }

  routes(): IterableIterator<[string, Counts]> {
    return this.#byRoute.entries();
  }

  #of(route: string): Counts | undefined {
    const known = this.#byRoute.get(route);
    if (known !== undefined || this.#byRoute.size >= MOST_ROUTES) return known;
    const made = { hit: 0, stale: 0, miss: 0 };
    this.#byRoute.set(route, made);
    return made;
  }
}

/** Which part of the requests the cache answered, from 0 to 1; undefined before the first one. */
export function hitRatio({ hit, stale, miss }: Counts): number | undefined {
  const all = hit + stale + miss;
  return all === 0 ? undefined : (hit + stale) / all;
}
