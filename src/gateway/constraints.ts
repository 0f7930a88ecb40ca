/** Listener, host and dialect as constraints of the router. */

import { hostOf } from '../core/path.ts';
import type { RawRequest } from '../core/raw.ts';
import { dialectOf } from '../dialects/index.ts';
import { headOf } from './exchange.ts';

/** Finds what belongs to a host: its own name, else the nearest wildcard above it. */
export class HostMap<T> {
  readonly #exact = new Map<string, T>();
  readonly #wildcards = new Map<string, T>();

  set(pattern: string, value: T): void {
    if (pattern.startsWith('*.')) this.#wildcards.set(pattern.slice(1).toLowerCase(), value);
    else this.#exact.set(pattern.toLowerCase(), value);
  }

  get(host: string): T | undefined {
    const exact = this.#exact.get(host);
    if (exact !== undefined || this.#wildcards.size === 0) return exact;
    for (let dot = host.indexOf('.'); dot !== -1; dot = host.indexOf('.', dot + 1)) {
      const found = this.#wildcards.get(host.slice(dot));
      if (found !== undefined) return found;
    }
    return undefined;
  }
}

/** The strategies, as find-my-way wants them; the route says `constraints: { hosts: 'a.example', dialect: 'grpc' }`. */
export const ROUTE_CONSTRAINTS = {
  listener: {
    name: 'listener',
    mustMatchWhenDerived: false,
    storage: () => new Map<string, unknown>(),
    deriveConstraint: (request: RawRequest) => request.connection.listener,
    validate() {},
  },
  hosts: {
    name: 'hosts',
    mustMatchWhenDerived: false,
    storage: () => new HostMap<unknown>(),
    deriveConstraint: (request: RawRequest) => hostOf(request.authority),
    validate() {},
  },
  dialect: {
    name: 'dialect',
    mustMatchWhenDerived: false,
    storage: () => new Map<string, unknown>(),
    deriveConstraint: (request: RawRequest) => dialectOf(headOf(request)).name,
    validate() {},
  },
};
