import { Counter, Gauge, Registry } from 'prom-client';
import type { Events } from '../core/events.ts';
import { admissionMetrics, type Occupancies } from './admission-metrics.ts';
import { connectionMetrics } from './connection-metrics.ts';
import { exchangeMetrics } from './exchange-metrics.ts';
import { BoundedLabel } from './labels.ts';
import { type Build, type LoopDelay, logMetrics, processMetrics } from './process-metrics.ts';

/** What metrics are made from, beside events. */
export interface MetricsOptions extends Build {
  /** `Log.dropped` of the log. */
  readonly droppedLines?: () => number;
  /** Exchanges that are open now; they are the streams of clients. */
  readonly openExchanges?: () => number;
  /** Streams that are open to endpoints now. */
  readonly openUpstreamStreams?: () => number;
  /** How full the limiter's tables are. */
  readonly occupancies?: Occupancies;
  /** For tests; measured on the event loop by default. */
  readonly loopDelay?: LoopDelay;
}

/** The metrics of the process. */
export interface Metrics {
  /** For parts that have metrics of their own, and for what merges those of several workers. */
  readonly registry: Registry;
  readonly contentType: string;
  /** All metrics in the text format of Prometheus. */
  text(): Promise<string>;
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
  const draining = new Gauge({ name: 'gatehouse_draining', help: '1 while the gateway shuts down.', registers });
  events.on('draining', () => draining.set(1));
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
  exchangeMetrics(registry, events);
  connectionMetrics(registry, events);
  admissionMetrics(registry, events, options.occupancies);
  configMetrics(registry, events);
  deploymentMetrics(registry, events);
  openStreams(registry, 'downstream', options.openExchanges);
  openStreams(registry, 'upstream', options.openUpstreamStreams);
  if (options.droppedLines !== undefined) logMetrics(registry, options.droppedLines);
  const stop = processMetrics(registry, options, options.loopDelay);
  return { registry, contentType: registry.contentType, text: () => registry.metrics(), close: stop };
}
