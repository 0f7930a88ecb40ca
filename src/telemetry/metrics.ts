import { Counter, Gauge, Registry } from 'prom-client';
import type { Events } from '../core/events.ts';
import { type AcmeFigures, acmeGauges, acmeMetrics } from './acme-metrics.ts';
import { admissionMetrics, type Occupancies } from './admission-metrics.ts';
import { type CacheFigures, cacheMetrics } from './cache-metrics.ts';
import { type CertificateExpiry, certificateMetrics } from './certificate-metrics.ts';
import { connectionMetrics } from './connection-metrics.ts';
import { discoveryMetrics } from './discovery-metrics.ts';
import { exchangeMetrics } from './exchange-metrics.ts';
import { type EndpointHealth, healthMetrics } from './health-metrics.ts';
import { BoundedLabel } from './labels.ts';
import { type ConcurrencyLimit, overloadMetrics, type Pressure } from './overload-metrics.ts';
import { type Build, type LoopDelay, logMetrics, processMetrics } from './process-metrics.ts';
import { type Pending, retryMetrics } from './retry-metrics.ts';

/** What metrics are made from, beside events. */
export interface MetricsOptions extends Build {
  /** `Log.dropped` of the log. */
  readonly droppedLines?: () => number;
  /** Exchanges that are open now; they are the streams of clients. */
  readonly openExchanges?: () => number;
  /** Streams that are open to endpoints now. */
  readonly openUpstreamStreams?: () => number;
  /** What waits at each endpoint now. */
  readonly pending?: () => Iterable<Pending>;
  /** How much each upstream is let work at now. */
  readonly concurrencyLimits?: () => Iterable<ConcurrencyLimit>;
  /** How late and how full this thread is now. */
  readonly pressure?: () => Pressure;
  /** How the certificates are that ACME keeps. */
  readonly acme?: () => Iterable<AcmeFigures>;
  /** How the endpoints of the upstreams are now. */
  readonly endpoints?: () => Iterable<EndpointHealth>;
  /** How long the certificates of listeners are still valid. */
  readonly certificates?: () => Iterable<CertificateExpiry>;
  /** How full the limiter's tables are. */
  readonly occupancies?: Occupancies;
  /** What the cache holds and has done. */
  readonly cache?: () => CacheFigures;
  /** For tests; measured on the event loop by default. */
  readonly loopDelay?: LoopDelay;
  /** Which thread this is, where there are several: `main`, or the number of a worker. */
  readonly worker?: string;
  /** Connections that each worker has now, by its number. */
  readonly workerConnections?: () => Iterable<readonly [worker: number, connections: number]>;
}

/** The metrics of one thread, as another one merges them. */
export type MetricsSnapshot = readonly object[];

/** The metrics of the process. */
export interface Metrics {
  /** For parts that have metrics of their own. */
  readonly registry: Registry;
  readonly contentType: string;
  /** All metrics in the text format of Prometheus. */
  text(): Promise<string>;
  /** The same for the thread that merges them. */
  snapshot(): Promise<MetricsSnapshot>;
  /** Stops measuring the event loop. */
  close(): void;
}

function openStreams(registry: Registry, side: 'downstream' | 'upstream', count: (() => number) | undefined): void {
  if (count === undefined) return;
  new Gauge({
    name: `gatehouse_${side}_streams_open`,
    help: side === 'downstream' ? 'Requests of clients that are in flight.' : 'Streams that are open to endpoints.',
    registers: [registry],
    collect() {
      this.set(count());
    },
  });
}

function configMetrics(registry: Registry, events: Events): void {
  const registers = [registry];
  const reloads = new Counter({
    name: 'gatehouse_reloads_total',
    help: 'Reloads of the config.',
    labelNames: ['outcome'],
    registers,
  });
  for (const outcome of ['ok', 'refused']) reloads.inc({ outcome }, 0);
  const generation = new Gauge({
    name: 'gatehouse_config_generation',
    help: 'The generation of the config in use.',
    registers,
    aggregator: 'max',
  });
  const current = new Gauge({
    name: 'gatehouse_config_current',
    help: '1 when the last reload succeeded; 0 when it was refused, and the config in use is not the one on disk.',
    registers,
  });
  current.set(1);
  events.on('reloaded', (event) => {
    reloads.inc({ outcome: 'ok' });
    generation.set(event.generation);
    current.set(1);
  });
  events.on('reload_failed', () => {
    reloads.inc({ outcome: 'refused' });
    current.set(0);
  });
  const draining = new Gauge({
    name: 'gatehouse_draining',
    help: '1 while the gateway shuts down, or is drained.',
    registers,
  });
  events.on('draining', () => draining.set(1));
  events.on('drain_ended', () => draining.set(0));
}

function workerMetrics(registry: Registry, events: Events, connections: MetricsOptions['workerConnections']): void {
  const restarts = new Counter({
    name: 'gatehouse_worker_restarts_total',
    help: 'Workers that ended before their time and were begun again.',
    registers: [registry],
  });
  events.on('worker_lost', () => restarts.inc());
  const hangs = new Counter({
    name: 'gatehouse_workers_hung_total',
    help: 'Workers whose event loop stood still for worker_hang_ms, and that were made to end.',
    registers: [registry],
  });
  events.on('worker_hung', () => hangs.inc());
  if (connections === undefined) return;
  new Gauge({
    name: 'gatehouse_worker_connections',
    help: 'Connections that a worker has; each new one goes to the worker with the fewest.',
    labelNames: ['worker'],
    registers: [registry],
    collect() {
      this.reset();
      for (const [worker, open] of connections()) this.set({ worker }, open);
    },
  });
}

function deploymentMetrics(registry: Registry, events: Events): void {
  const topics = new BoundedLabel(100);
  const untrusted = new Counter({
    name: 'gatehouse_untrusted_proxy_total',
    help: 'Warnings about a proxy in front that is not in trusted_proxies: all clients may look like one.',
    labelNames: ['listener', 'reason'],
    registers: [registry],
  });
  events.on('untrusted_proxy', ({ listener, reason }) => untrusted.inc({ listener, reason }));
  const hints = new Counter({
    name: 'gatehouse_hints_total',
    help: 'Hints about the deployment; the log says what was found and expected.',
    labelNames: ['topic'],
    registers: [registry],
  });
  events.on('hint', ({ topic }) => hints.inc({ topic: topics.of(topic) }));
}

/** Makes the metrics, in a registry of their own, and begins to count what is announced. */
export function createMetrics(events: Events, options: MetricsOptions): Metrics {
  const registry = new Registry();
  const { worker } = options;
  const alone = worker === undefined;
  const main = alone || worker === 'main';
  // What each thread has of its own is told apart; everything else is counted together.
  const thread = alone ? registry : new Registry();
  if (!alone) thread.setDefaultLabels({ worker });
  exchangeMetrics(registry, events);
  connectionMetrics(registry, events);
  healthMetrics(registry, events, options.endpoints);
  discoveryMetrics(registry, events);
  retryMetrics(registry, events, options.pending);
  overloadMetrics(registry, events, options.concurrencyLimits, options.pressure);
  admissionMetrics(registry, events, options.occupancies);
  cacheMetrics(registry, events, options.cache);
  acmeMetrics(registry, events);
  if (main) {
    configMetrics(registry, events);
    certificateMetrics(registry, events, options.certificates);
    if (options.acme !== undefined) acmeGauges(registry, options.acme);
  }
  if (worker === 'main') workerMetrics(registry, events, options.workerConnections);
  deploymentMetrics(registry, events);
  openStreams(registry, 'downstream', options.openExchanges);
  openStreams(registry, 'upstream', options.openUpstreamStreams);
  if (options.droppedLines !== undefined) logMetrics(registry, options.droppedLines);
  const stop = processMetrics({ thread, whole: main ? registry : undefined }, options, options.loopDelay);
  const snapshot = async (): Promise<MetricsSnapshot> =>
    alone
      ? await registry.getMetricsAsJSON()
      : [...(await registry.getMetricsAsJSON()), ...(await thread.getMetricsAsJSON())];
  return { registry, contentType: registry.contentType, text: () => registry.metrics(), snapshot, close: stop };
}
