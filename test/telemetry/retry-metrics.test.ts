import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Registry } from 'prom-client';
import { Events } from '../../src/core/events.ts';
import { retryMetrics } from '../../src/telemetry/retry-metrics.ts';

test('retries are counted by why, those denied apart, and what waits is summed over endpoints', async () => {
  const registry = new Registry();
  const events = new Events();
  retryMetrics(registry, events, () => [
    { upstream: 'zitadel', pending: 2 },
    { upstream: 'zitadel', pending: 3 },
  ]);
  events.emit('retried', { upstream: 'zitadel', reason: 'unsent' });
  events.emit('retried', { upstream: 'zitadel', reason: 'unsent' });
  events.emit('retry_denied', { upstream: 'zitadel' });
  const lines = (await registry.metrics()).split('\n').filter((line) => line.startsWith('gatehouse_'));
  assert.deepEqual(lines, [
    'gatehouse_retries_total{upstream="zitadel",reason="unsent"} 2',
    'gatehouse_retries_denied_total{upstream="zitadel"} 1',
    'gatehouse_upstream_pending{upstream="zitadel"} 5',
  ]);
});
