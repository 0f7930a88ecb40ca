import { Counter, Gauge, type Registry } from 'prom-client';
import type { Events } from '../core/events.ts';
import { BoundedLabel } from './labels.ts';

/** How full a table of the limiter is. */
export interface Occupancy {
  readonly used: number;
  readonly capacity: number;
  /** New keys that found no room beside others that are being refused. */
  readonly overflows: number;
}

/** The tables by name. */
export type Occupancies = () => Readonly<Record<string, Occupancy>>;

/** What was refused by which rule, and how full the tables are that count. */
export function admissionMetrics(registry: Registry, events: Events, occupancies: Occupancies | undefined): void {
  const rules = new BoundedLabel();
  const routes = new BoundedLabel();
  const refused = new Counter({
    name: 'gatehouse_refused_total',
    help: 'Requests that a rule refused, or with enforced="false" would have.',
    labelNames: ['policy', 'rule', 'route', 'enforced'],
    registers: [registry],
  });
  events.on('refused', ({ policy, rule, route, enforced }) =>
    refused.inc({ policy, rule: rules.of(rule), route: routes.of(route), enforced: String(enforced) }),
  );
  if (occupancies === undefined) return;
  for (const [part, help] of [
    ['used', 'Keys that are counted now.'],
    ['capacity', 'Keys that can be counted at once.'],
    ['overflows', 'New keys that found no room beside others that are being refused; they were refused.'],
  ] as const) {
    new Gauge({
      name: `gatehouse_limiter_${part}`,
      help,
      labelNames: ['table'],
      registers: [registry],
      collect() {
        for (const [table, occupancy] of Object.entries(occupancies())) this.set({ table }, occupancy[part]);
      },
    });
  }
}
