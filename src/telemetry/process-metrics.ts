import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Counter, collectDefaultMetrics, Gauge, type Registry } from 'prom-client';

/** What is known of the build. */
export interface Build {
  readonly version: string;
  /** The commit it was made from, where known. */
  readonly revision?: string;
}

/** Samples of the event loop are this far apart, in milliseconds; the delay beyond it is what counts. */
const RESOLUTION_MS = 20;

/** The part of Node's histogram that is read; nanoseconds. */
export type LoopDelay = Pick<Monitor, 'percentile' | 'max' | 'reset' | 'count'>;
type Monitor = ReturnType<typeof monitorEventLoopDelay>;

function startLoopDelay(): Monitor {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  histogram.enable();
  return histogram;
}

/** Where metrics go that each thread has of its own, and those of the process; undefined where another thread has them. */
export interface ProcessRegistries {
  readonly thread: Registry;
  readonly whole: Registry | undefined;
}

/** What prom-client says of the process, and not of the thread that asks. */
const WHOLE = /^(?:process_|nodejs_version_info$)/;

/** CPU, memory and handles by prom-client, the delay of the event loop, the build; the returned function stops it. */
export function processMetrics(
  { thread: registry, whole }: ProcessRegistries,
  build: Build,
  loopDelay?: LoopDelay,
): () => void {
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  for (const metric of registry.getMetricsAsArray()) {
    const { name } = metric as unknown as { name: string };
    if (whole === registry || !WHOLE.test(name)) continue;
    registry.removeSingleMetric(name);
    // prom-client leaves the start out where registries are merged.
    (metric as unknown as { aggregator: string }).aggregator = 'first';
    whole?.registerMetric(metric as never);
  }
  // The same is measured below, under one name; prom-client 15.1 says it in eight.
  for (const part of ['', '_min', '_max', '_mean', '_stddev', '_p50', '_p90', '_p99'])
    registry.removeSingleMetric(`nodejs_eventloop_lag${part}_seconds`);

  const own = loopDelay === undefined ? startLoopDelay() : undefined;
  const histogram = loopDelay ?? own!;
  new Gauge({
    name: 'gatehouse_event_loop_delay_seconds',
    help: 'How late the event loop is, since the last time this was read: median, 99th percentile and largest.',
    labelNames: ['quantile'],
    registers,
    collect() {
      const late = (nanoseconds: number) => Math.max(0, nanoseconds / 1e9 - RESOLUTION_MS / 1000);
      const seen = histogram.count > 0;
      this.set({ quantile: '0.5' }, seen ? late(histogram.percentile(50)) : 0);
      this.set({ quantile: '0.99' }, seen ? late(histogram.percentile(99)) : 0);
      this.set({ quantile: '1' }, seen ? late(histogram.max) : 0);
      histogram.reset();
    },
  });

  if (whole !== undefined) buildMetric(whole, build);
  return () => own?.disable();
}

function buildMetric(registry: Registry, build: Build): void {
  new Gauge({
    name: 'gatehouse_build_info',
    help: 'Always 1; the labels say what runs.',
    labelNames: ['version', 'node', 'revision'],
    registers: [registry],
  }).set({ version: build.version, node: process.versions.node, revision: build.revision ?? 'unknown' }, 1);
}

/** Log lines that were lost; the log is asked when the metrics are read. */
export function logMetrics(registry: Registry, droppedLines: () => number): void {
  let told = 0;
  new Counter({
    name: 'gatehouse_log_lines_dropped_total',
    help: 'Log lines that were lost because their reader was too slow.',
    registers: [registry],
    collect() {
      const dropped = droppedLines();
      this.inc(dropped - told);
      told = dropped;
    },
  });
}
