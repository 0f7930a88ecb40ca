import { Counter, Gauge, type Registry } from 'prom-client';
import type { Events } from '../core/events.ts';
import { BoundedLabel } from './labels.ts';

/** How long a certificate in use is still valid. */
export interface CertificateExpiry {
  readonly listener: string;
  /** Its first name. */
  readonly name: string;
  /** Seconds; negative when it is over. */
  readonly leftS: number;
}

/** When certificates end, and what came of changed files; how long they last is asked when metrics are read. */
export function certificateMetrics(
  registry: Registry,
  events: Events,
  now: (() => Iterable<CertificateExpiry>) | undefined,
): void {
  const registers = [registry];
  const names = new BoundedLabel();
  if (now !== undefined) {
    new Gauge({
      name: 'gatehouse_certificate_expiry_seconds',
      help: 'Seconds until the certificate in use, or one of its chain, ends; negative afterwards. Of several for a name the first that ends.',
      labelNames: ['listener', 'name'],
      registers,
      collect() {
        this.reset();
        const least = new Map<string, CertificateExpiry>();
        for (const one of now()) {
          const key = JSON.stringify([one.listener, one.name]);
          if (one.leftS < (least.get(key)?.leftS ?? Number.POSITIVE_INFINITY)) least.set(key, one);
        }
        for (const { listener, name, leftS } of least.values()) this.set({ listener, name: names.of(name) }, leftS);
      },
    });
  }
  const loads = new Counter({
    name: 'gatehouse_certificate_loads_total',
    help: 'Times that changed files of certificates were read: ok, or refused and not used.',
    labelNames: ['listener', 'outcome'],
    registers,
  });
  const current = new Gauge({
    name: 'gatehouse_certificates_current',
    help: '1 when the certificates in use are those in their files; 0 when those could not be used.',
    labelNames: ['listener'],
    registers,
  });
  const known = new Set<string>();
  for (const { listener } of now?.() ?? []) known.add(listener);
  for (const listener of known) {
    current.set({ listener }, 1);
    for (const outcome of ['ok', 'refused']) loads.inc({ listener, outcome }, 0);
  }
  events.on('certificates_loaded', ({ listener }) => {
    loads.inc({ listener, outcome: 'ok' });
    current.set({ listener }, 1);
  });
  events.on('certificates_refused', ({ listener }) => {
    loads.inc({ listener, outcome: 'refused' });
    current.set({ listener }, 0);
  });
  const rotations = new Counter({
    name: 'gatehouse_ticket_key_rotations_total',
    help: 'Times that the key of TLS tickets was changed.',
    registers,
  });
  events.on('ticket_key_rotated', () => rotations.inc());
}
