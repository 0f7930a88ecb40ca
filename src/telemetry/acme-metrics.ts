import { Counter, Gauge, type Registry } from 'prom-client';
import type { Events } from '../core/events.ts';

/** A certificate that ACME keeps. */
export interface AcmeFigures {
  readonly names: readonly string[];
  readonly state: 'waiting' | 'ordering';
  /** Orders that failed since the last that did not. */
  readonly failures: number;
}

/** How certificates are that ACME keeps, by the first of their names. */
export function acmeGauges(registry: Registry, kept: () => Iterable<AcmeFigures>): void {
  const gauge = (name: string, help: string, figureOf: (one: AcmeFigures) => number): void => {
    new Gauge({
      name,
      help,
      labelNames: ['name'],
      registers: [registry],
      collect() {
        this.reset();
        for (const one of kept()) this.set({ name: one.names[0] ?? '' }, figureOf(one));
      },
    });
  };
  gauge(
    'gatehouse_acme_failures',
    'Orders of a certificate that failed since the last that did not.',
    (one) => one.failures,
  );
  gauge('gatehouse_acme_ordering', '1 while a certificate is being ordered.', ({ state }) =>
    Number(state === 'ordering'),
  );
}

/** What comes of orders by ACME. When certificates end is counted for all of them alike. */
export function acmeMetrics(registry: Registry, events: Events): void {
  const registers = [registry];
  const orders = new Counter({
    name: 'gatehouse_acme_orders_total',
    help: 'Certificates that ACME was asked for: issued, or failed and tried again later.',
    labelNames: ['outcome'],
    registers,
  });
  const challenges = new Counter({
    name: 'gatehouse_acme_challenges_total',
    help: 'Challenges of certificate authorities that were answered.',
    labelNames: ['listener'],
    registers,
  });
  for (const outcome of ['issued', 'failed']) orders.inc({ outcome }, 0);
  events.on('acme_issued', () => orders.inc({ outcome: 'issued' }));
  events.on('acme_failed', () => orders.inc({ outcome: 'failed' }));
  events.on('acme_challenge', ({ listener }) => challenges.inc({ listener }));
}
