import { Counter, Gauge, type Registry } from 'prom-client';
import type { Events } from '../core/events.ts';
import { BoundedLabel } from './labels.ts';

/** How much an upstream is let work at, now. */
export interface ConcurrencyLimit {
  readonly upstream: string;
  readonly limit: number;
  readonly inFlight: number;
}

/** How late and how full this thread is, now. */
export interface Pressure {
  readonly level: number;
  readonly memoryShort: boolean;
}

/** What was refused for lack of room, and how much room there is. */
export function overloadMetrics(
  registry: Registry,
  events: Events,
  limits?: () => Iterable<ConcurrencyLimit>,
  pressure?: () => Pressure,
): void {
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
  if (pressure !== undefined) pressureMetrics(registry, pressure);
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

/** Of several threads the worst counts. */
function pressureMetrics(registry: Registry, pressure: () => Pressure): void {
  new Gauge({
    name: 'gatehouse_loop_shed_level',
    help: 'How many priorities are refused because the event loop is late, the least important first; 0 for none.',
    registers: [registry],
    aggregator: 'max',
    collect() {
      this.set(pressure().level);
    },
  });
  new Gauge({
    name: 'gatehouse_memory_short',
    help: '1 while memory is short: the cache gives some back, and big bodies and new connections are refused.',
    registers: [registry],
    aggregator: 'max',
    collect() {
      this.set(pressure().memoryShort ? 1 : 0);
    },
  });
}
