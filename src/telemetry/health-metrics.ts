import { Counter, Gauge, type Registry } from 'prom-client';
import type { Events } from '../core/events.ts';
import { BoundedLabel } from './labels.ts';

/** How one endpoint is. */
export interface EndpointHealth {
  readonly upstream: string;
  readonly endpoint: string;
  /** It passes its checks and is not ejected. */
  readonly healthy: boolean;
  readonly inFlight: number;
}

/** Checks, ejections and panics; how endpoints are is asked when metrics are read, so that none stays that is gone. */
export function healthMetrics(
  registry: Registry,
  events: Events,
  endpointsNow: (() => Iterable<EndpointHealth>) | undefined,
): void {
  const registers = [registry];
  const endpoints = new BoundedLabel();

  if (endpointsNow !== undefined) {
    const labelNames = ['upstream', 'endpoint'];
    new Gauge({
      name: 'gatehouse_endpoint_healthy',
      help: '1 where an endpoint passes its checks, or has not been checked, and is not ejected; else 0.',
      labelNames,
      registers,
      // Each worker has its own view: what one has found counts.
      aggregator: 'min',
      collect() {
        this.reset();
        for (const { upstream, endpoint, healthy } of endpointsNow())
          this.set({ upstream, endpoint: endpoints.of(endpoint) }, healthy ? 1 : 0);
      },
    });
    new Gauge({
      name: 'gatehouse_endpoint_in_flight',
      help: 'Requests at an endpoint, or waiting for a session to it.',
      labelNames,
      registers,
      collect() {
        this.reset();
        for (const { upstream, endpoint, inFlight } of endpointsNow())
          this.set({ upstream, endpoint: endpoints.of(endpoint) }, inFlight);
      },
    });
  }

  const checks = new Counter({
    name: 'gatehouse_checks_total',
    help: 'Checks of endpoints by what came of them: passed, failed, timeout.',
    labelNames: ['upstream', 'endpoint', 'result'],
    registers,
  });
  events.on('endpoint_checked', ({ upstream, endpoint, result }) =>
    checks.inc({ upstream, endpoint: endpoints.of(endpoint), result }),
  );
  const ejections = new Counter({
    name: 'gatehouse_ejections_total',
    help: 'Endpoints that were left out for a while because of what they did to requests.',
    labelNames: ['upstream', 'endpoint', 'reason'],
    registers,
  });
  events.on('endpoint_ejected', ({ upstream, endpoint, reason }) =>
    ejections.inc({ upstream, endpoint: endpoints.of(endpoint), reason }),
  );
  const panic = new Gauge({
    name: 'gatehouse_upstream_panic',
    help: '1 while so few endpoints of an upstream are usable that all are used.',
    labelNames: ['upstream'],
    registers,
    aggregator: 'max',
  });
  events.on('panic', ({ upstream, on }) => panic.set({ upstream }, on ? 1 : 0));
}
