import type { Candidate } from './balancer.ts';
import { hashOf } from './hash.ts';

/** Points of an endpoint of average weight: with 160 the shares of equal endpoints differ by about a tenth. */
const POINTS = 160;
const MAX_POINTS_PER_ENDPOINT = 1600;

/** Endpoints as points on a circle of 32 bits. An endpoint's points depend on its name and its weight alone. */
export class Ring<T extends Candidate> {
  readonly #points: readonly { readonly at: number; readonly endpoint: T }[];
  readonly #weights: ReadonlyMap<T, number>;

  constructor(endpoints: readonly T[]) {
    const average = endpoints.reduce((sum, { weight }) => sum + weight, 0) / endpoints.length;
    this.#weights = new Map(endpoints.map((endpoint) => [endpoint, endpoint.weight]));
    this.#points = endpoints
      .flatMap((endpoint) => {
        const count = Math.max(1, Math.min(MAX_POINTS_PER_ENDPOINT, Math.round((POINTS * endpoint.weight) / average)));
        return Array.from({ length: count }, (_, index) => ({ at: hashOf(`${endpoint.name} ${index}`), endpoint }));
      })
      .sort((a, b) => a.at - b.at || (a.endpoint.name < b.endpoint.name ? -1 : 1));
  }

  /** It was made with all of these, as heavy as they are. */
  knows(endpoints: readonly T[]): boolean {
    return endpoints.every((endpoint) => this.#weights.get(endpoint) === endpoint.weight);
  }

  /** The first endpoint from a place on that fits; undefined where none does. */
  from(place: number, fits: (endpoint: T) => boolean): T | undefined {
    const points = this.#points;
    let low = 0;
    let high = points.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (points[middle]!.at < place) low = middle + 1;
      else high = middle;
    }
    for (let step = 0; step < points.length; step += 1) {
      const { endpoint } = points[(low + step) % points.length]!;
      if (fits(endpoint)) return endpoint;
    }
    return undefined;
  }
}
