import { Counter, Gauge, type Registry } from 'prom-client';
import type { Events } from '../core/events.ts';
import { BoundedLabel } from './labels.ts';

/** How much an upstream is let work at, now. */
export interface ConcurrencyLimit {
  readonly upstream: string;
  readonly limit: number;
  readonly inFlight: number;
}

/** What was refused for lack of room, and how much room there is. */
export function overloadMetrics(registry: Registry, events: Events, limits?: () => Iterable<ConcurrencyLimit>): void {
  const registers = [registry];
  const classes = new BoundedLabel();
  const overloaded = new Counter({
    name: 'gatehouse_overloaded_total',
    help: 'Requests that were refused for lack of room, or with enforced="false" would have been, by what was overloaded: upstream, event_loop, memory.',
    labelNames: ['by', 'upstream', 'class', 'priority', 'enforced'],
    registers,
  });
  events.on('overloaded', ({ by, where, class: of, priority, enforced }) =>
    overloaded.inc({ by, upstream: where, class: classes.of(of), priority, enforced: String(enforced) }),
  );
  if (limits === undefined) return;
  for (const [name, help, key] of [
    ['gatehouse_upstream_concurrency_limit', 'Requests that an upstream may work at now.', 'limit'],
    ['gatehouse_upstream_waiting', 'Requests that wait for the head of their answer.', 'inFlight'],
  ] as const) {
    new Gauge({
      name,
      help,
      labelNames: ['upstream'],
      registers,
      collect() {
        this.reset();
        for (const one of limits()) this.set({ upstream: one.upstream }, one[key]);
      },
    });
  }
}
