// What the cache did and holds, as numbers.
import assert from 'node:assert/strict';
import test from 'node:test';
import { Registry } from 'prom-client';
import { Events } from '../../src/core/events.ts';
import type { CacheOutcome } from '../../src/core/exchange.ts';
import { type CacheFigures, cacheMetrics } from '../../src/telemetry/cache-metrics.ts';
import { endedExchange } from './exchange.ts';

const MEMORY = {
  ...{ bytes: 100, max_bytes: 1000, entries: 3, fills: 1 },
  ...{ evictions: 4, purged: 5, refused: 6, too_large: 7 },
};
const VARIANTS = { made: 9, notWorth: 2, failed: 1, refused: 0, queuedJobs: 8, queuedBytes: 800 };
const DISK = { bytes: 50, max_bytes: 500, entries: 2, waiting: 1, rejected: 3, dropped: 4, problem: null };

function setUp(figures?: () => CacheFigures) {
  const registry = new Registry();
  const events = new Events();
  cacheMetrics(registry, events, figures);
  return {
    end: (route: string, cache: CacheOutcome | undefined) =>
      events.emit('exchange', endedExchange({ route, record: { cache } })),
    /** Every value by name and labels, without the names' common beginning. */
    async values(): Promise<Record<string, number>> {
      const lines = (await registry.metrics()).split('\n').filter((line) => line.startsWith('gatehouse_'));
      return Object.fromEntries(
        lines.map((line) => {
          const end = line.lastIndexOf(' ');
          return [line.slice('gatehouse_'.length, end), Number(line.slice(end + 1))];
        }),
      );
    },
  };
}

test('requests are counted by route and outcome; those of routes without a cache are not', async () => {
  const { end, values } = setUp();
  for (const outcome of ['hit', 'hit', 'stale', 'revalidated', 'miss', 'bypass', undefined] as const) {
    end('console', outcome);
  }
  assert.deepEqual(await values(), {
    'cache_requests_total{route="console",outcome="hit"}': 2,
    'cache_requests_total{route="console",outcome="stale"}': 1,
    'cache_requests_total{route="console",outcome="revalidated"}': 1,
    'cache_requests_total{route="console",outcome="miss"}': 1,
    'cache_requests_total{route="console",outcome="bypass"}': 1,
  });
});

test('routes that come and go with reloads are bounded', async () => {
  const { end, values } = setUp();
  for (let i = 0; i < 3000; i += 1) end(`route-${i}`, 'miss');
  const counted = await values();
  assert.ok(Object.keys(counted).length <= 1001);
  assert.equal(counted['cache_requests_total{route="other",outcome="miss"}'], 2000);
});

test('memory, disk and codings say what they hold and have done', async () => {
  const { values } = setUp(() => ({ memory: MEMORY, disk: DISK, variants: VARIANTS }));
  const expected = {
    'cache_bytes{tier="memory"}': 100,
    'cache_bytes{tier="disk"}': 50,
    'cache_max_bytes{tier="memory"}': 1000,
    'cache_max_bytes{tier="disk"}': 500,
    'cache_entries{tier="memory"}': 3,
    'cache_entries{tier="disk"}': 2,
    cache_fills: 1,
    cache_disk_up: 1,
    cache_disk_waiting: 1,
    variants_queued: 8,
    variants_queued_bytes: 800,
    cache_evictions_total: 4,
    cache_purged_total: 5,
    'cache_refused_total{reason="purged"}': 6,
    'cache_refused_total{reason="too_large"}': 7,
    cache_disk_rejected_total: 3,
    cache_disk_dropped_total: 4,
    'variants_total{outcome="made"}': 9,
    'variants_total{outcome="not_worth"}': 2,
    'variants_total{outcome="failed"}': 1,
    'variants_total{outcome="refused"}': 0,
  };
  assert.deepEqual(await values(), expected);
  assert.deepEqual(await values(), expected, 'reading does not count');
});

test('without a disk no disk is said to be down; one that fails is', async () => {
  let disk: CacheFigures['disk'];
  const { values } = setUp(() => ({ memory: MEMORY, disk, variants: VARIANTS }));
  assert.equal('cache_disk_up' in (await values()), false);
  assert.equal('cache_bytes{tier="disk"}' in (await values()), false);
  disk = { ...DISK, problem: 'ENOSPC' };
  assert.equal((await values()).cache_disk_up, 0);
  disk = undefined;
  assert.equal('cache_disk_up' in (await values()), false);
});

test('a store that a reload put in place of another begins at 0', async () => {
  let evictions = 4;
  const { values } = setUp(() => ({ memory: { ...MEMORY, evictions }, disk: undefined, variants: VARIANTS }));
  assert.equal((await values()).cache_evictions_total, 4);
  evictions = 1;
  assert.equal((await values()).cache_evictions_total, 1);
});
