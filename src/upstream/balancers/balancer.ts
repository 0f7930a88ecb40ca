/** What a balancer is, and what it looks at. */

/** What a balancer knows of an endpoint. */
export interface Candidate {
  readonly name: string;
  /** Its share beside the others. */
  readonly weight: number;
  /** Requests that were sent and are not over, those too that wait for a session. */
  readonly inFlight: number;
  /** How long answers take, in milliseconds; undefined before the first one. */
  latencyMs(now: number): number | undefined;
  /** Since when it is used, monotonic. */
  readonly usableSince: number;
}

/** What a balancer is told of a request. */
export interface BalancerQuestion {
  /** What requests have in common that should go to one endpoint; only some balancers look. */
  readonly hash?: string | undefined;
}

/** What balancers are made with. */
export interface BalancerContext {
  /** Monotonic milliseconds. */
  now(): number;
  /** From 0 to below 1. */
  random(): number;
  /** How long an endpoint gets less than its share after it came; 0 for none. */
  readonly slowStartMs: number;
}

/** Chooses among endpoints that may be used; never asked with an empty list. */
export interface Balancer {
  pick<T extends Candidate>(endpoints: readonly T[], question?: BalancerQuestion): T;
}
