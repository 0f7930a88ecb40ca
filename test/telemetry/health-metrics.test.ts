// Checks, ejections and panics, as numbers and as lines.
import assert from 'node:assert/strict';
import test from 'node:test';
import { Registry } from 'prom-client';
import { Events } from '../../src/core/events.ts';
import { connectEvents } from '../../src/telemetry/announcements.ts';
import { type EndpointHealth, healthMetrics } from '../../src/telemetry/health-metrics.ts';
import { keptLog } from './kept-lines.ts';

const AT = { upstream: 'zitadel', endpoint: '10.0.0.7:8080' } as const;

/** Every value by name and labels, without the names' common beginning. */
async function valuesOf(registry: Registry): Promise<Record<string, number>> {
  const lines = (await registry.metrics()).split('\n').filter((line) => line.startsWith('gatehouse_'));
  return Object.fromEntries(
    lines.map((line) => {
      const end = line.lastIndexOf(' ');
      return [line.slice('gatehouse_'.length, end), Number(line.slice(end + 1))];
    }),
  );
}

test('checks, ejections and panics are counted as they are announced', async () => {
  const registry = new Registry();
  const events = new Events();
  healthMetrics(registry, events, undefined);
  for (const result of ['passed', 'passed', 'failed', 'timeout'] as const)
    events.emit('endpoint_checked', { ...AT, result, found: 'x' });
  events.emit('endpoint_ejected', { ...AT, reason: 'success_rate', detail: 'x', ms: 1 });
  events.emit('panic', { upstream: 'zitadel', on: true, usable: 0, total: 3 });
  assert.deepEqual(await valuesOf(registry), {
    'checks_total{upstream="zitadel",endpoint="10.0.0.7:8080",result="passed"}': 2,
    'checks_total{upstream="zitadel",endpoint="10.0.0.7:8080",result="failed"}': 1,
    'checks_total{upstream="zitadel",endpoint="10.0.0.7:8080",result="timeout"}': 1,
    'ejections_total{upstream="zitadel",endpoint="10.0.0.7:8080",reason="success_rate"}': 1,
    'upstream_panic{upstream="zitadel"}': 1,
  });
  events.emit('panic', { upstream: 'zitadel', on: false, usable: 3, total: 3 });
  assert.equal((await valuesOf(registry))['upstream_panic{upstream="zitadel"}'], 0);
});

test('how endpoints are is asked anew each time: one that is gone leaves nothing behind', async () => {
  const registry = new Registry();
  let now: EndpointHealth[] = [{ ...AT, healthy: true, inFlight: 3 }];
  healthMetrics(registry, new Events(), () => now);
  const values = async (): Promise<Record<string, number>> =>
    Object.fromEntries(Object.entries(await valuesOf(registry)).filter(([name]) => name.startsWith('endpoint_')));
  assert.deepEqual(await values(), {
    'endpoint_healthy{upstream="zitadel",endpoint="10.0.0.7:8080"}': 1,
    'endpoint_in_flight{upstream="zitadel",endpoint="10.0.0.7:8080"}': 3,
  });
  now = [{ upstream: 'zitadel', endpoint: '10.0.0.8:8080', healthy: false, inFlight: 0 }];
  assert.deepEqual(await values(), {
    'endpoint_healthy{upstream="zitadel",endpoint="10.0.0.8:8080"}': 0,
    'endpoint_in_flight{upstream="zitadel",endpoint="10.0.0.8:8080"}': 0,
  });
});

test('a change is a line of level info, an ejection warns, a panic is an error; single checks are no lines', async () => {
  const { log, lines } = keptLog({ level: 'debug' });
  const events = new Events();
  connectEvents(log, events);
  events.emit('endpoint_checked', { ...AT, result: 'failed', found: 'status 412' });
  events.emit('endpoint_health', { ...AT, state: 'unhealthy', reason: 'status 412' });
  events.emit('endpoint_health', { ...AT, state: 'healthy', reason: undefined });
  events.emit('endpoint_ejected', { ...AT, reason: 'consecutive_failures', detail: '5 failures in a row', ms: 10_500 });
  events.emit('endpoint_health', { ...AT, state: 'returned', reason: undefined });
  events.emit('panic', { upstream: 'zitadel', on: true, usable: 0, total: 3 });
  events.emit('panic', { upstream: 'zitadel', on: false, usable: 2, total: 3 });
  const where = 'Endpoint 10.0.0.7:8080 (zitadel)';
  assert.deepEqual(
    (await lines()).map(({ level, event, msg }) => [level, event, msg]),
    [
      ['info', 'endpoint_health', `${where} is not ready: status 412`],
      ['info', 'endpoint_health', `${where} is ready`],
      ['warn', 'endpoint_ejected', `${where} gets no requests for 10500 ms: 5 failures in a row`],
      ['info', 'endpoint_health', `${where} gets requests again after its ejection`],
      ['error', 'panic', 'Only 0 of 3 endpoints of zitadel are usable: requests go to all of them'],
      ['info', 'panic', '2 of 3 endpoints of zitadel are usable again'],
    ],
  );
});
