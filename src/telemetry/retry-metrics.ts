import { Counter, Gauge, type Registry } from 'prom-client';
import type { Events } from '../core/events.ts';

/** How many requests wait at the endpoints of an upstream. */
export interface Pending {
  readonly upstream: string;
  readonly pending: number;
}

/** Requests that were sent again or would have been, and those that wait for room. */
export function retryMetrics(registry: Registry, events: Events, waiting?: () => Iterable<Pending>): void {
  const registers = [registry];
  const retries = new Counter({
    name: 'gatehouse_retries_total',
    help: 'Requests that were sent again, by why: unsent, unprocessed, connection_lost, timeout, status, grpc_status.',
    labelNames: ['upstream', 'reason'],
    registers,
  });
  events.on('retried', ({ upstream, reason }) => retries.inc({ upstream, reason }));
  const denied = new Counter({
    name: 'gatehouse_retries_denied_total',
    help: 'Requests that were not sent again because the retry budget of the upstream was used up.',
    labelNames: ['upstream'],
    registers,
  });
  events.on('retry_denied', ({ upstream }) => denied.inc({ upstream }));
  if (waiting === undefined) return;
  new Gauge({
    name: 'gatehouse_upstream_pending',
    help: 'Requests that wait for a session or for room at an endpoint.',
    labelNames: ['upstream'],
    registers,
    collect() {
      this.reset();
      for (const { upstream, pending } of waiting()) this.inc({ upstream }, pending);
    },
  });
}
