import type { Registry } from 'prom-client';
import type { GatewayError } from '../core/errors.ts';
import type { Events } from '../core/events.ts';
import type { AccessRecord, Exchange } from '../core/exchange.ts';
import { type Count, Counts } from './counts.ts';
import { type DurationSeries, Durations } from './durations.ts';
import { BoundedLabel, grpcLabel, OTHER, statusLabel } from './labels.ts';

/** The metrics of one route in one dialect, looked up once. */
interface Series {
  readonly route: string;
  readonly dialect: string;
  /** Undefined until there is a duration. */
  duration: DurationSeries | undefined;
  readonly bytesIn: Count;
  readonly bytesOut: Count;
  /** By status, then by gRPC status; only what is a label as it stands. */
  readonly answers: Map<number, Map<string, Count>>;
  /** Those whose status is none. */
  readonly others: Map<string, Count>;
}

class ExchangeCounts {
  readonly #requests: Counts;
  readonly #duration: Durations;
  readonly #bytesIn: Counts;
  readonly #bytesOut: Counts;
  readonly #errors: Counts;
  readonly #attempts: Counts;
  readonly #upstreamDuration: Durations;
  readonly #routes = new BoundedLabel();
  readonly #endpoints = new BoundedLabel();
  readonly #attemptsOn = new Map<string, Map<string, Count>>();
  readonly #durationsOf = new Map<string, DurationSeries>();
  readonly #series = new Map<string, Map<string, Series>>();
  /** By route, then by code: an error counts the same in all dialects. */
  readonly #errorsOf = new Map<string, Map<string, Count>>();

  constructor(registry: Registry) {
    this.#requests = new Counts(
      registry,
      'gatehouse_requests_total',
      'Requests that have ended. grpc_status is empty where the dialect has none.',
      ['route', 'dialect', 'status', 'grpc_status'],
    );
    this.#duration = new Durations(
      registry,
      'gatehouse_request_duration_seconds',
      'From the head of the request to the end of the answer.',
      ['route', 'dialect'],
    );
    this.#bytesIn = new Counts(registry, 'gatehouse_request_bytes_total', 'Bytes of request bodies.', [
      'route',
      'dialect',
    ]);
    this.#bytesOut = new Counts(registry, 'gatehouse_answer_bytes_total', 'Bytes of answer bodies.', [
      'route',
      'dialect',
    ]);
    this.#errors = new Counts(
      registry,
      'gatehouse_errors_total',
      'Requests that the gateway refused or gave up, by the code of the catalogue.',
      ['route', 'code', 'source'],
    );
    this.#attempts = new Counts(
      registry,
      'gatehouse_upstream_attempts_total',
      'Attempts on endpoints; a request that is sent again counts twice.',
      ['upstream', 'endpoint'],
    );
    this.#upstreamDuration = new Durations(
      registry,
      'gatehouse_upstream_duration_seconds',
      'From the sending of the attempt that answered to the end of its answer.',
      ['upstream'],
    );
  }

  attempt(upstream: string, endpoint: string): void {
    const byEndpoint = mapIn(this.#attemptsOn, upstream);
    let count = byEndpoint.get(endpoint);
    if (count === undefined) {
      const label = this.#endpoints.of(endpoint);
      count = byEndpoint.get(label) ?? this.#attempts.series(upstream, label);
      byEndpoint.set(label, count);
    }
    count.value += 1;
  }

  count(exchange: Exchange, record: AccessRecord): void {
    const { route } = exchange;
    const { error } = record;
    const series = this.#seriesOf(route.name, exchange.dialect.name);
    this.#answer(series, record.status || error?.row.http || 0, record.grpcStatus).value += 1;
    if (record.closed !== undefined) {
      series.duration ??= this.#duration.series(series.route, series.dialect);
      series.duration.observe((record.closed - record.started) / 1000);
    }
    series.bytesIn.value += record.bytesIn;
    series.bytesOut.value += record.bytesOut;
    if (error !== undefined) this.#error(series.route, error).value += 1;
    const upstream = route.upstream;
    if (upstream === undefined) return;
    if (record.endpoint !== undefined && record.attempts > 0) this.attempt(upstream, record.endpoint);
    if (record.upstreamStarted !== undefined && record.upstreamEnded !== undefined)
      this.#upstreamDurationOf(upstream).observe((record.upstreamEnded - record.upstreamStarted) / 1000);
  }

  #upstreamDurationOf(upstream: string): DurationSeries {
    let durations = this.#durationsOf.get(upstream);
    if (durations === undefined) {
      durations = this.#upstreamDuration.series(upstream);
      this.#durationsOf.set(upstream, durations);
    }
    return durations;
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
        duration: undefined,
        bytesIn: this.#bytesIn.series(routeName, dialect),
        bytesOut: this.#bytesOut.series(routeName, dialect),
        answers: new Map(),
        others: new Map(),
      };
      byDialect.set(dialect, series);
    }
    return series;
  }

  #answer(series: Series, status: number, grpcStatus = ''): Count {
    const known = series.answers.get(status)?.get(grpcStatus);
    if (known !== undefined) return known;
    const statusText = statusLabel(status);
    const byGrpc = statusText === OTHER ? series.others : mapIn(series.answers, status);
    const grpcText = grpcLabel(grpcStatus);
    let count = byGrpc.get(grpcText);
    if (count === undefined) {
      count = this.#requests.series(series.route, series.dialect, statusText, grpcText);
      byGrpc.set(grpcText, count);
    }
    return count;
  }

  #error(route: string, { code, row }: GatewayError): Count {
    const byCode = mapIn(this.#errorsOf, route);
    let count = byCode.get(code);
    if (count === undefined) {
      count = this.#errors.series(route, code, row.source);
      byCode.set(code, count);
    }
    return count;
  }
}

/** The map under a key, made where there is none. */
function mapIn<Key, Value>(maps: Map<Key, Map<string, Value>>, key: Key): Map<string, Value> {
  let map = maps.get(key);
  if (map === undefined) {
    map = new Map();
    maps.set(key, map);
  }
  return map;
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
