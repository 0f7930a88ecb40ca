/** A named group of endpoints. */

import { GatewayError } from '../core/errors.ts';
import type { Events } from '../core/events.ts';
import type { Balancer } from './balancers/balancer.ts';
import { BALANCERS, type BalancerName } from './balancers/index.ts';
import { Endpoint } from './endpoint.ts';
import type { PoolSettings } from './pool.ts';

export interface UpstreamOptions {
  readonly name: string;
  readonly endpoints: readonly string[];
  readonly balancer: BalancerName;
  readonly pool: PoolSettings;
}

/** One upstream of the config. */
export class Upstream {
  readonly name: string;
  readonly protocol: PoolSettings['protocol'];
  readonly endpoints: readonly Endpoint[];
  readonly #balancer: Balancer;

  constructor(options: UpstreamOptions, events: Events) {
    this.name = options.name;
    this.protocol = options.pool.protocol;
    this.endpoints = options.endpoints.map((name) => new Endpoint(name, options.name, options.pool, events));
    this.#balancer = BALANCERS[options.balancer]();
  }

  /** The scheme of requests to it, as `:scheme` says it. */
  get scheme(): 'http' | 'https' {
    return this.protocol === 'h2c' || this.protocol === 'http/1.1' ? 'http' : 'https';
  }

  /** The endpoint for the next attempt; another one than those tried, where there is one. */
  pick(tried: readonly Endpoint[] = []): Endpoint {
    if (this.endpoints.length === 0) throw new GatewayError('NO_ENDPOINT', { detail: `upstream ${this.name}` });
    if (tried.length === 0) return this.#balancer.pick(this.endpoints);
    const others = this.endpoints.filter((endpoint) => !tried.includes(endpoint));
    return this.#balancer.pick(others.length > 0 ? others : this.endpoints);
  }

  drain(): void {
    for (const endpoint of this.endpoints) endpoint.drain();
  }

  destroy(): void {
    for (const endpoint of this.endpoints) endpoint.destroy();
  }
}
