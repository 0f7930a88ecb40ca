import assert from 'node:assert/strict';
import test from 'node:test';
import { Registry } from 'prom-client';
import { Events } from '../../src/core/events.ts';
import { connectEvents } from '../../src/telemetry/announcements.ts';
import { discoveryMetrics } from '../../src/telemetry/discovery-metrics.ts';
import { keptLog } from './kept-lines.ts';

const OF = { upstream: 'zitadel', source: 'dns' } as const;

test('endpoints that come and go are told by name, the first twenty of them', async () => {
  const { log, lines } = keptLog({ level: 'debug' });
  const events = new Events();
  connectEvents(log, events);
  events.emit('endpoints_changed', { ...OF, added: ['10.0.0.1:1'], removed: ['10.0.0.2:1'], endpoints: 1, leftOut: 0 });
  const added = Array.from({ length: 30 }, (_, index) => `10.0.1.${index}:1`);
  events.emit('endpoints_changed', { ...OF, added, removed: [], endpoints: 31, leftOut: 7 });
  const [few, many] = await lines();
  assert.deepEqual(
    [few?.event, few?.level, few?.added, few?.removed],
    ['endpoints_changed', 'info', '10.0.0.1:1', '10.0.0.2:1'],
  );
  assert.match(String(few?.msg), /Upstream zitadel has 1 endpoints by dns: 10\.0\.0\.1:1 came, 10\.0\.0\.2:1 left/);
  assert.deepEqual([many?.level, many?.left_out], ['warn', 7]);
  assert.match(String(many?.added), /10\.0\.1\.19:1 10 more$/);
});

test('a failure is a warning while there are endpoints and an error while there are none; its words stay on one line', async () => {
  const { log, lines } = keptLog({ level: 'debug' });
  const events = new Events();
  connectEvents(log, events);
  events.emit('discovery_failed', { ...OF, problem: 'A x:\nSERVFAIL', kept: 3 });
  events.emit('discovery_failed', { ...OF, problem: 'A x: SERVFAIL', kept: 0 });
  events.emit('discovery_recovered', { ...OF, endpoints: 3 });
  const [warned, failed, recovered] = await lines();
  assert.deepEqual([warned?.level, warned?.kept, failed?.level, recovered?.level], ['warn', 3, 'error', 'info']);
  assert.ok(!String(warned?.problem).includes('\n'));
});

test('an outage of DNS does not fill the log', async () => {
  const { log, lines } = keptLog({ level: 'debug' });
  const events = new Events();
  connectEvents(log, events);
  for (let i = 0; i < 1000; i += 1) events.emit('discovery_failed', { ...OF, problem: 'A x: SERVFAIL', kept: 3 });
  assert.equal((await lines()).length, 10);
});

test('metrics say how many endpoints are known, and whether the last look found them', async () => {
  const registry = new Registry();
  const events = new Events();
  discoveryMetrics(registry, events);
  const value = async (name: string): Promise<unknown> => {
    const metric = await registry.getSingleMetric(`gatehouse_discovery_${name}`)!.get();
    return metric.values.find(({ labels }) => labels.upstream === 'zitadel')?.value;
  };
  events.emit('endpoints_changed', { ...OF, added: ['a:1', 'b:1'], removed: [], endpoints: 2, leftOut: 1 });
  assert.deepEqual(await Promise.all(['up', 'endpoints', 'left_out', 'changes_total', 'failures_total'].map(value)), [
    ...[1, 2, 1, 1, 0],
  ]);
  events.emit('discovery_failed', { ...OF, problem: 'p', kept: 2 });
  assert.deepEqual(await Promise.all(['up', 'endpoints', 'failures_total'].map(value)), [0, 2, 1]);
  events.emit('discovery_recovered', { ...OF, endpoints: 2 });
  assert.equal(await value('up'), 1);
});
