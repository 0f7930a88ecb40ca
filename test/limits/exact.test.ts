// Exact, not about: over threads and keys, with two limits a request, as many are admitted as the arithmetic says.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { SharedTable } from '../../src/limits/shared-table.ts';

const THREADS = 4;
const KEYS = 20;
const BURST = 37;

for (const [binding, ofAll] of [
  ['the limit of all', 500],
  ['the limit of each key', KEYS * BURST],
] as const) {
  test(`${THREADS} threads, ${KEYS} keys, a limit of each key and one of all: ${binding} is met to the last`, async () => {
    const byKey = await admitted(ofAll);
    for (const count of byKey) assert.ok(count <= BURST);
    if (ofAll === KEYS * BURST) assert.deepEqual(byKey, Array<number>(KEYS).fill(BURST));
    assert.equal(
      byKey.reduce((sum, one) => sum + one, 0),
      ofAll,
    );
  });
}

/** How many each key was admitted, over all threads, with so many for all keys together. */
async function admitted(ofAll: number): Promise<number[]> {
  const shared = SharedTable.allocate(4096, (words) => words.set([11, 13]));
  const gate = new Int32Array(new SharedArrayBuffer(4));
  const href = (file: string): string => JSON.stringify(new URL(`../../src/limits/${file}`, import.meta.url).href);
  const source = `
    const { parentPort, workerData } = await import('node:worker_threads');
    const { SharedTable } = await import(${href('shared-table.ts')});
    const { LocalTier } = await import(${href('local-tier.ts')});
    const { shared, number, gate } = workerData;
    const clock = { now: () => 1e6, wall: () => 0, after: () => () => {} };
    const tier = new LocalTier(new SharedTable(shared, number), clock);
    const limit = (rule, burst) => ({ rule, bucket: rule, cost: 1, ban: undefined, rate: { requests: burst, periodMs: 60000, burst } });
    const [each, all] = [limit('each', ${BURST}), limit('all', ${ofAll})];
    const admitted = new Array(${KEYS}).fill(0);
    Atomics.add(gate, 0, 1);
    while (Atomics.load(gate, 0) < ${THREADS}); // all at once
    for (let i = 0; i < 20000; i += 1) {
      const key = (i * 7 + number) % ${KEYS};
      const charges = [{ limit: each, key: 'each\\0' + key, enforce: true }, { limit: all, key: 'all', enforce: true }];
      if (tier.takeNow(charges).refused === undefined) admitted[key] += 1;
    }
    parentPort.postMessage(admitted);`;
  const counts = await Promise.all(
    Array.from({ length: THREADS }, async (_, index) => {
      const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(source)}`), {
        workerData: { shared, number: index + 1, gate },
      });
      return (await once(worker, 'message'))[0] as number[];
    }),
  );
  return Array.from({ length: KEYS }, (_, key) => counts.reduce((sum, one) => sum + one[key]!, 0));
}
