// GCRA in shared memory: exact in one thread and in many, no window edge, and no way to be forgotten while refused.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { gcra } from '../../src/limits/gcra.ts';
import type { Rate } from '../../src/limits/limiter.ts';
import { SharedTable } from '../../src/limits/shared-table.ts';
import { sipHashBytes } from '../../src/limits/sip-hash.ts';

const seeded = (words: Uint32Array): void => {
  words.set([1, 2]);
};
const tableOf = (slots: number): SharedTable => new SharedTable(SharedTable.allocate(slots, seeded), 1);

test('HalfSipHash-2-4 gives the 64-bit outputs of its reference vectors', () => {
  const key = [0x03020100, 0x07060504] as const;
  const hex = (length: number): string => {
    const { lo, hi } = sipHashBytes(
      key,
      Uint8Array.from({ length }, (_, i) => i),
      { hi: 0, lo: 0 },
    );
    const bytes = Buffer.alloc(8);
    bytes.writeInt32LE(lo, 0);
    bytes.writeInt32LE(hi, 4);
    return bytes.toString('hex');
  };
  assert.deepEqual([0, 1, 2, 7].map(hex), [
    '218d1f59b9b83cc8',
    'be552412f8387315',
    '064f39ef7c50eb57',
    'ff202728b07bc684',
  ]);
});

test('a burst passes at once, then one for each interval, and there is no window edge', () => {
  const limiter = gcra(tableOf(64));
  const rate: Rate = { requests: 10, periodMs: 1000, burst: 5 };
  const at = (now: number): boolean => limiter.take('k', rate, 1, now).allowed;
  assert.deepEqual([0, 0, 0, 0, 0, 0].map(at), [true, true, true, true, true, false]);
  assert.deepEqual([99, 100, 100, 199, 200].map(at), [false, true, false, false, true]);
  // A second after a second: never more than burst plus rate.
  let passed = 0;
  for (let now = 10_000; now < 11_000; now += 1) if (at(now)) passed += 1;
  assert.equal(passed, 5 + 9);
});

test('what it says of the wait is exact: one millisecond earlier is refused, then it passes', () => {
  const limiter = gcra(tableOf(64));
  const rate: Rate = { requests: 7, periodMs: 60_000, burst: 3 };
  for (let i = 0; i < 3; i += 1) assert.equal(limiter.take('k', rate, 1, 1000).remaining, 2 - i);
  const { allowed, retryAfterMs, remaining } = limiter.take('k', rate, 1, 1000);
  assert.deepEqual([allowed, remaining], [false, 0]);
  assert.equal(retryAfterMs, Math.ceil(60_000 / 7));
  assert.equal(limiter.peek('k', rate, 1, 1000 + retryAfterMs - 1).allowed, false);
  assert.equal(limiter.take('k', rate, 1, 1000 + retryAfterMs).allowed, true);
});

test('a cost above the burst never passes, and says so', () => {
  const limiter = gcra(tableOf(64));
  assert.equal(
    limiter.take('k', { requests: 1, periodMs: 1000, burst: 5 }, 6, 0).retryAfterMs,
    Number.POSITIVE_INFINITY,
  );
});

test('what is given back can be taken again, and no more than that', () => {
  const limiter = gcra(tableOf(64));
  const rate: Rate = { requests: 1, periodMs: 60_000, burst: 2 };
  assert.equal(limiter.take('k', rate, 2, 0).allowed, true);
  limiter.giveBack('k', rate, 1, 0);
  assert.equal(limiter.take('k', rate, 1, 0).allowed, true);
  assert.equal(limiter.take('k', rate, 1, 0).allowed, false);
  for (let i = 0; i < 5; i += 1) limiter.giveBack('k', rate, 2, 0);
  assert.equal(limiter.take('k', rate, 3, 0).allowed, false);
  assert.equal(limiter.take('k', rate, 2, 0).allowed, true);
});

test('for any sequence it admits exactly what the arithmetic says', () => {
  const sequence = fc.array(
    fc.record({ wait: fc.integer({ min: 0, max: 3000 }), cost: fc.integer({ min: 1, max: 4 }) }),
  );
  const rates = fc.record({
    requests: fc.integer({ min: 1, max: 1000 }),
    periodMs: fc.integer({ min: 1, max: 100_000 }),
    burst: fc.integer({ min: 1, max: 20 }),
  });
  fc.assert(
    fc.property(rates, sequence, (rate, steps) => {
      const limiter = gcra(tableOf(64));
      let now = 5000;
      // Whole numbers that have no end: what the bucket holds, in units of 1/requests of a millisecond.
      let level = 0n;
      let last = BigInt(now);
      for (const { wait, cost } of steps) {
        now += wait;
        const leaked = (BigInt(now) - last) * BigInt(rate.requests);
        level = level > leaked ? level - leaked : 0n;
        last = BigInt(now);
        const fits = level + BigInt(cost * rate.periodMs) <= BigInt(rate.burst * rate.periodMs);
        if (fits) level += BigInt(cost * rate.periodMs);
        assert.equal(limiter.take('k', rate, cost, now).allowed, fits);
      }
    }),
    { numRuns: 500 },
  );
});

test('a flood of other keys does not set a refused key free, nor one that is about to be refused', () => {
  const table = tableOf(256);
  const limiter = gcra(table);
  const rate: Rate = { requests: 5, periodMs: 60_000, burst: 5 };
  const victims = Array.from({ length: 20 }, (_, i) => `victim ${i}`);
  for (const victim of victims)
    for (let i = 0; i < 4; i += 1) assert.equal(limiter.take(victim, rate, 1, 0).allowed, true);
  const refused = Array.from({ length: 20 }, (_, i) => `refused ${i}`);
  for (const key of refused) for (let i = 0; i < 6; i += 1) limiter.take(key, rate, 1, 0);
  for (let i = 0; i < 100_000; i += 1) limiter.take(`flood ${i}`, rate, 1, 10);
  for (const key of refused) assert.equal(limiter.take(key, rate, 1, 20).allowed, false, key);
  for (const victim of victims) {
    assert.equal(limiter.take(victim, rate, 1, 20).allowed, true, victim);
    assert.equal(limiter.take(victim, rate, 1, 20).allowed, false, victim);
  }
  assert.ok(table.used <= table.capacity);
});

test('a bucket full of refused keys refuses new ones, and says how often', () => {
  const table = tableOf(8);
  const limiter = gcra(table);
  const rate: Rate = { requests: 1, periodMs: 60_000, burst: 1 };
  for (let i = 0; i < 8; i += 1) for (let n = 0; n < 2; n += 1) limiter.take(`k${i}`, rate, 1, 0);
  assert.equal(limiter.take('another', rate, 1, 0).allowed, false);
  assert.equal(table.overflows, 1);
  // Time frees them.
  assert.equal(limiter.take('another', rate, 1, 120_000).allowed, true);
});

const WORKER = `
  import { workerData, parentPort } from 'node:worker_threads';
  const { gcra } = await import(workerData.gcra);
  const { SharedTable } = await import(workerData.table);
  const limiter = gcra(new SharedTable(workerData.memory, workerData.owner));
  parentPort.postMessage('up');
  parentPort.once('message', () => {
    const admitted = {};
    for (let i = 0; i < workerData.tries; i += 1) {
      const key = 'k' + (i % workerData.keys);
      if (limiter.take(key, workerData.rate, 1, 1000).allowed) admitted[key] = (admitted[key] ?? 0) + 1;
    }
    parentPort.postMessage(admitted);
  });
`;

test('threads that take from the same keys at once are admitted exactly the burst, together', async () => {
  const memory = SharedTable.allocate(1024, seeded);
  const rate: Rate = { requests: 1, periodMs: 3_600_000, burst: 1000 };
  const keys = 7;
  const workers = Array.from({ length: 3 }, (_, i) => {
    const workerData = {
      memory,
      owner: i + 1,
      rate,
      keys,
      tries: 30_000,
      gcra: new URL('../../src/limits/gcra.ts', import.meta.url).href,
      table: new URL('../../src/limits/shared-table.ts', import.meta.url).href,
    };
    return new Worker(new URL(`data:text/javascript,${encodeURIComponent(WORKER)}`), { workerData });
  });
  await Promise.all(workers.map((worker) => once(worker, 'message')));
  const results = workers.map((worker) => once(worker, 'message'));
  for (const worker of workers) worker.postMessage('go');
  const admitted = (await Promise.all(results)).map(([counts]) => counts as Record<string, number>);
  for (let key = 0; key < keys; key += 1) {
    assert.equal(
      admitted.reduce((sum, counts) => sum + (counts[`k${key}`] ?? 0), 0),
      1000,
    );
  }
  await Promise.all(workers.map((worker) => worker.terminate()));
});

test('a thread that dies with a bucket locked stops nobody once its place is taken', () => {
  const memory = SharedTable.allocate(8, seeded);
  const dead = new SharedTable(memory, 1);
  const alive = new SharedTable(memory, 2);
  dead.lock({ hi: 0, lo: 0 });
  alive.releaseOwner(1);
  assert.equal(gcra(alive).take('k', { requests: 1, periodMs: 1000, burst: 1 }, 1, 0).allowed, true);
});
