/** What operators are told of an upstream. */

import type { Clock } from '../core/clock.ts';
import type { Endpoint } from './endpoint.ts';
import type { Upstream } from './upstream.ts';

/** How an endpoint is, in a word: `ejected` says more than what its checks say. */
export type EndpointState = 'unknown' | 'healthy' | 'unhealthy' | 'ejected';

/** One upstream as /upstreams shows it. Times are ISO 8601, latencies milliseconds. */
export function upstreamStatus(upstream: Upstream, clock: Clock) {
  const usable = new Set(upstream.usable);
  return {
    name: upstream.name,
    protocol: upstream.protocol,
    balancer: upstream.balancer,
    panic: upstream.panic,
    endpoints: upstream.endpoints.map((endpoint) => endpointStatus(endpoint, usable.has(endpoint), clock)),
  };
}

/** How endpoints are, for metrics; from what operators are told. */
export function* endpointHealth(upstreams: readonly ReturnType<typeof upstreamStatus>[]) {
  for (const { name: upstream, endpoints } of upstreams) {
    for (const { name: endpoint, state, in_flight: inFlight, pending } of endpoints)
      yield { upstream, endpoint, healthy: state !== 'unhealthy' && state !== 'ejected', inFlight, pending };
  }
}

function endpointStatus(endpoint: Endpoint, used: boolean, clock: Clock) {
  const { standing, lastError } = endpoint;
  const state: EndpointState = standing.ejected ? 'ejected' : standing.checked;
  const latency = endpoint.latencyMs(clock.now());
  return {
    name: endpoint.name,
    weight: endpoint.weight,
    state,
    /** It gets requests; in a panic the others do too. */
    used,
    reason: state === 'unhealthy' || state === 'ejected' ? standing.reason : undefined,
    since: new Date(standing.since).toISOString(),
    ejected_until: standing.ejected ? new Date(standing.ejectedUntilWall).toISOString() : undefined,
    reachable: endpoint.reachable,
    in_flight: endpoint.inFlight,
    /** Those that wait for a session or for room. */
    pending: endpoint.pending,
    latency_ms: latency === undefined ? undefined : Math.round(latency * 10) / 10,
    sessions: endpoint.sessions,
    streams: endpoint.streams,
    last_error: lastError,
  };
}
