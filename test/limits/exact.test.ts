// Exact, not about: over threads and keys, with two limits a request, as many are admitted as the arithmetic says.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { SharedTable } from '../../src/limits/shared-table.ts';

const THREADS = 4;
const KEYS = 20;
const BURST = 37;
const BOTH = 500;

test(`${THREADS} threads, ${KEYS} keys, a limit of each key and one of all: both are met to the last`, async () => {
  const shared = SharedTable.allocate(4096, (words) => words.set([11, 13]));
  const href = (file: string): string => JSON.stringify(new URL(`../../src/limits/${file}`, import.meta.url).href);
  const source = `
    const { parentPort, workerData } = await import('node:worker_threads');
    const { SharedTable } = await import(${href('shared-table.ts')});
    const { LocalTier } = await import(${href('local-tier.ts')});
    const { shared, number } = workerData;
    const clock = { now: () => 1e6, wall: () => 0, after: () => () => {} };
    const tier = new LocalTier(new SharedTable(shared, number), clock);
    const limit = (rule, burst) => ({ rule, bucket: rule, cost: 1, ban: undefined, rate: { requests: burst, periodMs: 60000, burst } });
    const [each, all] = [limit('each', ${BURST}), limit('all', ${BOTH})];
    const admitted = new Array(${KEYS}).fill(0);
    for (let i = 0; i < 20000; i += 1) {
      const key = (i * 7 + number) % ${KEYS};
      const charges = [{ limit: each, key: 'each\\0' + key, enforce: true }, { limit: all, key: 'all', enforce: true }];
      if (tier.takeNow(charges).refused === undefined) admitted[key] += 1;
    }
    parentPort.postMessage(admitted);`;
  const counts = await Promise.all(
    Array.from({ length: THREADS }, async (_, index) => {
      const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(source)}`), {
        workerData: { shared, number: index + 1 },
      });
      return (await once(worker, 'message'))[0] as number[];
    }),
  );
  const byKey = Array.from({ length: KEYS }, (_, key) => counts.reduce((sum, one) => sum + one[key]!, 0));
  for (const count of byKey) assert.ok(count <= BURST);
  assert.equal(
    byKey.reduce((sum, one) => sum + one, 0),
    BOTH,
    'the limit of all is met exactly',
  );
});
