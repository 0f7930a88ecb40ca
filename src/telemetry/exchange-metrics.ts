import { Counter, Histogram, type Registry } from 'prom-client';
import type { Events } from '../core/events.ts';
import type { AccessRecord, Exchange } from '../core/exchange.ts';
import { BoundedLabel, grpcLabel, OTHER, statusLabel } from './labels.ts';

/** From a cached asset to a long poll, in seconds. */
const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** The metrics of one route in one dialect, looked up once. */
interface Series {
  readonly route: string;
  readonly dialect: string;
  readonly duration: Histogram.Internal<string>;
  readonly bytesIn: Counter.Internal;
  readonly bytesOut: Counter.Internal;
  /** By status and gRPC status. */
  readonly answers: Map<string, Counter.Internal>;
}

class ExchangeCounts {
  readonly #requests: Counter;
  readonly #duration: Histogram;
  readonly #bytesIn: Counter;
  readonly #bytesOut: Counter;
  readonly #errors: Counter;
  readonly #attempts: Counter;
  readonly #upstreamDuration: Histogram;
  readonly #routes = new BoundedLabel();
  readonly #endpoints = new BoundedLabel();
  readonly #attemptsOn = new Map<string, Map<string, Counter.Internal>>();
  readonly #durationsOf = new Map<string, Histogram.Internal<string>>();
  readonly #series = new Map<string, Map<string, Series>>();

  constructor(registry: Registry) {
    const registers = [registry];
    this.#requests = new Counter({
      name: 'gatehouse_requests_total',
      help: 'Requests that have ended. grpc_status is empty where the dialect has none.',
      labelNames: ['route', 'dialect', 'status', 'grpc_status'],
      registers,
    });
    this.#duration = new Histogram({
      name: 'gatehouse_request_duration_seconds',
      help: 'From the head of the request to the end of the answer.',
      labelNames: ['route', 'dialect'],
      buckets: SECONDS,
      registers,
    });
    this.#bytesIn = new Counter({
      name: 'gatehouse_request_bytes_total',
      help: 'Bytes of request bodies.',
      labelNames: ['route', 'dialect'],
      registers,
    });
    this.#bytesOut = new Counter({
      name: 'gatehouse_answer_bytes_total',
      help: 'Bytes of answer bodies.',
      labelNames: ['route', 'dialect'],
      registers,
    });
    this.#errors = new Counter({
      name: 'gatehouse_errors_total',
      help: 'Requests that the gateway refused or gave up, by the code of the catalogue.',
      labelNames: ['route', 'code', 'source'],
      registers,
    });
    this.#attempts = new Counter({
      name: 'gatehouse_upstream_attempts_total',
      help: 'Attempts on endpoints; a request that is sent again counts twice.',
      labelNames: ['upstream', 'endpoint'],
      registers,
    });
    this.#upstreamDuration = new Histogram({
      name: 'gatehouse_upstream_duration_seconds',
      help: 'From the sending of the attempt that answered to the end of its answer.',
      labelNames: ['upstream'],
      buckets: SECONDS,
      registers,
    });
  }

  attempt(upstream: string, endpoint: string): void {
    let byEndpoint = this.#attemptsOn.get(upstream);
    if (byEndpoint === undefined) {
      byEndpoint = new Map();
      this.#attemptsOn.set(upstream, byEndpoint);
    }
    const label = this.#endpoints.of(endpoint);
    let counter = byEndpoint.get(label);
    if (counter === undefined) {
      counter = this.#attempts.labels(upstream, label);
      byEndpoint.set(label, counter);
    }
    counter.inc();
  }

  count(exchange: Exchange, record: AccessRecord): void {
    const { route } = exchange;
    const { error } = record;
    const series = this.#seriesOf(route.name, exchange.dialect.name);
    const status = record.status || error?.row.http || 0;
    this.#answer(series, status, record.grpcStatus).inc();
    if (record.closed !== undefined) series.duration.observe((record.closed - record.started) / 1000);
    series.bytesIn.inc(record.bytesIn);
    series.bytesOut.inc(record.bytesOut);
    if (error !== undefined) this.#errors.inc({ route: series.route, code: error.code, source: error.row.source });
    const upstream = route.upstream;
    if (upstream === undefined) return;
    if (record.endpoint !== undefined && record.attempts > 0) this.attempt(upstream, record.endpoint);
    if (record.upstreamStarted !== undefined && record.upstreamEnded !== undefined)
      this.#upstreamDurationOf(upstream).observe((record.upstreamEnded - record.upstreamStarted) / 1000);
  }

  #upstreamDurationOf(upstream: string): Histogram.Internal<string> {
    let histogram = this.#durationsOf.get(upstream);
    if (histogram === undefined) {
      histogram = this.#upstreamDuration.labels(upstream);
      this.#durationsOf.set(upstream, histogram);
    }
    return histogram;
  }

  #seriesOf(routeName: string, dialect: string): Series {
    let byDialect = this.#series.get(routeName);
    if (byDialect === undefined) {
      if (this.#routes.of(routeName) === OTHER && routeName !== OTHER) return this.#seriesOf(OTHER, dialect);
      byDialect = new Map();
      this.#series.set(routeName, byDialect);
    }
    let series = byDialect.get(dialect);
    if (series === undefined) {
      series = {
        route: routeName,
        dialect,
        duration: this.#duration.labels(routeName, dialect),
        bytesIn: this.#bytesIn.labels(routeName, dialect),
        bytesOut: this.#bytesOut.labels(routeName, dialect),
        answers: new Map(),
      };
      byDialect.set(dialect, series);
    }
    return series;
  }

  #answer(series: Series, status: number, grpcStatus: string | undefined): Counter.Internal {
    const key = grpcStatus === undefined ? String(status) : `${status} ${grpcLabel(grpcStatus)}`;
    let counter = series.answers.get(key);
    if (counter === undefined) {
      counter = this.#requests.labels(series.route, series.dialect, statusLabel(status), grpcLabel(grpcStatus));
      series.answers.set(key, counter);
    }
    return counter;
  }
}

/** Requests, their durations and bytes, and what they cost upstreams; from the records of exchanges that have ended. */
export function exchangeMetrics(registry: Registry, events: Events): void {
  const counts = new ExchangeCounts(registry);
  events.on('exchange', ({ exchange, record }) => counts.count(exchange, record));
  // The record names only the endpoint of the last attempt; the ones before it were announced.
  events.on('attempt_failed', ({ upstream, endpoint, replayed }) => {
    if (replayed) counts.attempt(upstream, endpoint);
  });
}
