import { Counter, type Registry } from 'prom-client';
import type { Events } from '../core/events.ts';

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
