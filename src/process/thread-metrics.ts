/** What the metrics of a thread are made from, beside events. */

import type { MetricsOptions } from '../telemetry/metrics.ts';
import { endpointHealth } from '../upstream/status.ts';
import type { Gateway } from './gateway.ts';
import type { Workers } from './workers.ts';

/** The same in the only thread of a process and in each worker. */
export function servingMetrics(
  gateway: Gateway,
): Pick<
  MetricsOptions,
  'openExchanges' | 'openUpstreamStreams' | 'cache' | 'endpoints' | 'pending' | 'concurrencyLimits' | 'pressure'
> {
  return {
    openExchanges: () => gateway.openExchanges,
    openUpstreamStreams: () => gateway.openUpstreamStreams,
    endpoints: () => endpointHealth(gateway.upstreams()),
    pending: () => endpointHealth(gateway.upstreams()),
    pressure: () => gateway.pressure(),
    concurrencyLimits: () => gateway.generation.overload.limits(),
    cache: () => {
      const { store, disk, maker } = gateway.generation.services.cache;
      return { memory: store.figures(), disk: disk?.figures(), variants: maker.stats };
    },
  };
}

/** Those of the main thread where workers serve. */
export function mainMetrics(workers: Workers): Pick<MetricsOptions, 'worker' | 'workerConnections'> {
  return {
    worker: 'main',
    workerConnections: () => workers.serving.map((thread) => [thread.worker, workers.connectionsOf(thread)] as const),
  };
}
