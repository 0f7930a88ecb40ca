// What exchanges count as, against prom-client's own counters and histograms as the model.
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { Counter, Histogram, Registry } from 'prom-client';
import type { ErrorCode } from '../../src/core/catalogue.ts';
import { GatewayError } from '../../src/core/errors.ts';
import { Events } from '../../src/core/events.ts';
import { exchangeMetrics } from '../../src/telemetry/exchange-metrics.ts';
import { grpcLabel, statusLabel } from '../../src/telemetry/labels.ts';
import { MergedMetrics } from '../../src/telemetry/merged-metrics.ts';
import { endedExchange, type Wanted } from './exchange.ts';

const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

type Ended = ReturnType<typeof endedExchange>;

/** The same metrics, each looked up by its labels at each request. */
class Model {
  readonly registry = new Registry();
  readonly #registers = [this.registry];
  readonly #requests = this.#counter('gatehouse_requests_total', ['route', 'dialect', 'status', 'grpc_status']);
  readonly #duration = this.#histogram('gatehouse_request_duration_seconds', ['route', 'dialect']);
  readonly #bytesIn = this.#counter('gatehouse_request_bytes_total', ['route', 'dialect']);
  readonly #bytesOut = this.#counter('gatehouse_answer_bytes_total', ['route', 'dialect']);
  readonly #errors = this.#counter('gatehouse_errors_total', ['route', 'code', 'source']);
  readonly #attempts = this.#counter('gatehouse_upstream_attempts_total', ['upstream', 'endpoint']);
  readonly #upstreamDuration = this.#histogram('gatehouse_upstream_duration_seconds', ['upstream']);

  #counter(name: string, labelNames: string[]): Counter {
    return new Counter({ name, help: name, labelNames, registers: this.#registers });
  }

  #histogram(name: string, labelNames: string[]): Histogram {
    return new Histogram({ name, help: name, labelNames, buckets: BUCKETS, registers: this.#registers });
  }

  count({ exchange, record }: Ended): void {
    const { name: route, upstream } = exchange.route;
    const of = { route, dialect: exchange.dialect.name };
    const { error, closed, started, upstreamStarted, upstreamEnded } = record;
    const status = statusLabel(record.status || error?.row.http || 0);
    this.#requests.inc({ ...of, status, grpc_status: grpcLabel(record.grpcStatus) });
    if (closed !== undefined) this.#duration.observe(of, (closed - started) / 1000);
    this.#bytesIn.inc(of, record.bytesIn);
    this.#bytesOut.inc(of, record.bytesOut);
    if (error !== undefined) this.#errors.inc({ route, code: error.code, source: error.row.source });
    if (upstream === undefined) return;
    if (record.endpoint !== undefined && record.attempts > 0)
      this.#attempts.inc({ upstream, endpoint: record.endpoint });
    if (upstreamStarted !== undefined && upstreamEnded !== undefined)
      this.#upstreamDuration.observe({ upstream }, (upstreamEnded - upstreamStarted) / 1000);
  }
}

const CODES: readonly ErrorCode[] = ['CLIENT_LEFT', 'TOO_MANY_REQUESTS', 'UPSTREAM_REFUSED'];
const ms = fc.oneof(
  fc.constantFrom(...BUCKETS.map((seconds) => 1000 + seconds * 1000)),
  fc.double({ min: 1000, max: 70_000, noNaN: true }),
);
const maybe = <T>(one: fc.Arbitrary<T>) => fc.option(one, { nil: undefined });

const wanted: fc.Arbitrary<Wanted> = fc.record({
  route: fc.constantFrom('jwks', 'rpc', 'console'),
  dialect: fc.constantFrom('http', 'grpc', 'grpc-web'),
  record: fc.record({
    status: fc.oneof(fc.constantFrom(0, 200, 304, 404, 99, 1000), fc.integer()),
    grpcStatus: maybe(fc.constantFrom('', '0', '16', '17', '00', 'made up', 'other')),
    closed: maybe(ms),
    upstreamStarted: maybe(fc.constant(1000)),
    upstreamEnded: maybe(ms),
    bytesIn: fc.nat(),
    bytesOut: fc.maxSafeInteger().map(Math.abs),
    endpoint: maybe(fc.constantFrom('10.0.0.7:8080', '10.0.0.8:8080')),
    attempts: fc.nat(3),
    error: maybe(fc.constantFrom(...CODES).map((code) => new GatewayError(code))),
  }),
});

/** The lines without those about the metrics, sorted. */
function lines(text: string): string[] {
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .sort();
}

function setUp() {
  const registry = new Registry();
  const events = new Events();
  exchangeMetrics(registry, events);
  return { registry, end: (ended: Ended) => events.emit('exchange', ended) };
}

test('for any exchanges the text is that of prom-client with the same labels', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(wanted, { maxLength: 30 }), async (all) => {
      const { registry, end } = setUp();
      const model = new Model();
      for (const one of all) {
        const ended = endedExchange(one);
        end(ended);
        model.count(ended);
      }
      assert.deepEqual(lines(await registry.metrics()), lines(await model.registry.metrics()));
    }),
    { numRuns: 100 },
  );
});

test('what workers counted is merged as prom-client merges its own, and stays after their end', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(wanted, fc.nat(2)), { maxLength: 30 }), async (all) => {
      const workers = [setUp(), setUp(), setUp()];
      const models = [new Model(), new Model(), new Model()];
      for (const [one, at] of all) {
        const ended = endedExchange(one);
        workers[at]!.end(ended);
        models[at]!.count(ended);
      }
      const texts = await Promise.all(
        [workers, models].map(async (registries) => {
          const merged = new MergedMetrics();
          const [main, ...others] = await Promise.all(
            // As they go from thread to thread.
            registries.map(async ({ registry }) => structuredClone(await registry.getMetricsAsJSON())),
          );
          const both = await merged.text(main!, new Map(others.map((snapshot, i) => [i, snapshot])));
          merged.ended(0);
          return [lines(both), lines(await merged.text(main!, new Map()))];
        }),
      );
      assert.deepEqual(texts[0], texts[1]);
      assert.deepEqual(texts[0]![0], texts[0]![1]);
    }),
    { numRuns: 50 },
  );
});

test('what is read stands still while more is counted', async () => {
  const { registry, end } = setUp();
  end(endedExchange());
  const before = await registry.getMetricsAsJSON();
  const copy = structuredClone(before);
  end(endedExchange());
  assert.deepEqual(before, copy);
});

test('a metric that has counted nothing says its help and type alone', async () => {
  const { registry } = setUp();
  assert.match(await registry.metrics(), /^# HELP gatehouse_errors_total .+\n# TYPE gatehouse_errors_total counter$/m);
  assert.match(await registry.metrics(), /^# TYPE gatehouse_request_duration_seconds histogram$/m);
  assert.deepEqual(lines(await registry.metrics()), []);
});
