import type { Endpoint } from '../endpoint.ts';

/** Chooses among endpoints that may be used; never asked with an empty list. */
export interface Balancer {
  pick(endpoints: readonly Endpoint[]): Endpoint;
}
