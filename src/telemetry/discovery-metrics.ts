import { Counter, Gauge, type Registry } from 'prom-client';
import type { Events } from '../core/events.ts';

/** How endpoints were looked up, and how many there are; from events. Only upstreams with a discovery are in it. */
export function discoveryMetrics(registry: Registry, events: Events): void {
  const shared = { labelNames: ['upstream', 'source'] as const, registers: [registry] };
  const up = new Gauge({
    name: 'gatehouse_discovery_up',
    help: '1 when the endpoints were found the last time that it was looked for them; 0 when those known before are used.',
    // Each worker looks for itself.
    aggregator: 'min',
    ...shared,
  });
  const endpoints = new Gauge({
    name: 'gatehouse_discovery_endpoints',
    help: 'Endpoints that are known.',
    aggregator: 'min',
    ...shared,
  });
  const leftOut = new Gauge({
    name: 'gatehouse_discovery_left_out',
    help: 'Endpoints that were found beyond max_endpoints.',
    aggregator: 'max',
    ...shared,
  });
  const changes = new Counter({
    name: 'gatehouse_discovery_changes_total',
    help: 'Times that there were other endpoints than before.',
    ...shared,
  });
  const failures = new Counter({
    name: 'gatehouse_discovery_failures_total',
    help: 'Times that endpoints, or a part of them, could not be looked up.',
    ...shared,
  });
  events.on('endpoints_changed', (event) => {
    const labels = { upstream: event.upstream, source: event.source };
    up.set(labels, 1);
    endpoints.set(labels, event.endpoints);
    leftOut.set(labels, event.leftOut);
    changes.inc(labels);
    failures.inc(labels, 0);
  });
  events.on('discovery_failed', ({ upstream, source, kept }) => {
    up.set({ upstream, source }, 0);
    endpoints.set({ upstream, source }, kept);
    failures.inc({ upstream, source });
  });
  events.on('discovery_recovered', ({ upstream, source }) => up.set({ upstream, source }, 1));
}
