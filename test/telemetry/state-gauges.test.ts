// Gauges of how a thread and the certificates of ACME are now.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Events } from '../../src/core/events.ts';
import { MergedMetrics } from '../../src/telemetry/merged-metrics.ts';
import { createMetrics, type MetricsOptions } from '../../src/telemetry/metrics.ts';

function metrics(given: Partial<MetricsOptions>, events = new Events()) {
  return createMetrics(events, { version: '1', ...given });
}

test('of several threads the one that is latest, or shortest of memory, counts', async () => {
  const pressures = [
    { level: 0.5, memoryShort: false },
    { level: 2, memoryShort: true },
  ];
  const workers = pressures.map((pressure, at) => metrics({ worker: String(at + 1), pressure: () => pressure }));
  const main = metrics({ worker: 'main' });
  const snapshots = await Promise.all(workers.map((one) => one.snapshot()));
  const text = await new MergedMetrics().text(
    await main.snapshot(),
    new Map(snapshots.map((snapshot, at) => [at + 2, snapshot])),
  );
  assert.match(text, /^gatehouse_loop_shed_level 2$/m);
  assert.match(text, /^gatehouse_memory_short 1$/m);
  for (const one of [main, ...workers]) one.close();
});

test('certificates of ACME are told by their first name, and are gone when they are kept no more', async () => {
  let kept = [{ names: ['a.test', 'b.test'], state: 'ordering' as const, failures: 3 }];
  const one = metrics({ acme: () => kept });
  const text = await one.text();
  assert.match(text, /^gatehouse_acme_failures\{name="a\.test"\} 3$/m);
  assert.match(text, /^gatehouse_acme_ordering\{name="a\.test"\} 1$/m);
  kept = [];
  assert.doesNotMatch(await one.text(), /a\.test/);
  one.close();
});

test('workers that hung are counted apart from all that were lost', async () => {
  const events = new Events();
  const one = metrics({ worker: 'main' }, events);
  events.emit('worker_lost', { worker: 1, problem: 'ended', restartInMs: 0 });
  events.emit('worker_hung', { worker: 2 });
  events.emit('worker_lost', { worker: 2, problem: 'it has stood still', restartInMs: 0 });
  const text = JSON.stringify(await one.snapshot());
  assert.match(text, /"gatehouse_worker_restarts_total","type":"counter","values":\[\{"value":2/);
  assert.match(text, /"gatehouse_workers_hung_total","type":"counter","values":\[\{"value":1/);
  one.close();
});
