// What a thread leaves locked that dies is free once its number is given up, whichever way it died; others who wait go on.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { BucketLocks } from '../../src/limits/bucket-locks.ts';
import { gcra } from '../../src/limits/gcra.ts';
import { SharedPlaces } from '../../src/limits/places.ts';
import { SharedTable } from '../../src/limits/shared-table.ts';

const href = (file: string): string => JSON.stringify(new URL(`../../src/limits/${file}`, import.meta.url).href);

function thread(code: string, workerData: object): Worker {
  const source = `
    const { parentPort, workerData } = await import('node:worker_threads');
    const { SharedTable } = await import(${href('shared-table.ts')});
    const { SharedPlaces } = await import(${href('places.ts')});
    const { BucketLocks } = await import(${href('bucket-locks.ts')});
    const { gcra } = await import(${href('gcra.ts')});
    ${code}`;
  const made = new Worker(new URL(`data:text/javascript,${encodeURIComponent(source)}`), {
    workerData,
    resourceLimits: { maxOldGenerationSizeMb: 32 },
    stderr: true,
  });
  made.on('error', () => {}); // the deaths are the test
  return made;
}

const said = (made: Worker) => new Promise((resolve) => made.once('message', resolve));
const gone = (made: Worker) => new Promise((resolve) => made.once('exit', resolve));
const RATE = { requests: 1, periodMs: 3_600_000, burst: 3 };

for (const [how, dies] of [
  ['an uncaught throw', "setImmediate(() => { throw new Error('dies'); });"],
  ['its heap limit', 'const all = []; setImmediate(() => { for (;;) all.push(new Array(1e5).fill({})); });'],
  ['terminate', 'setInterval(() => {}, 1000);'],
] as const) {
  test(`a thread that dies by ${how} in the middle of a bucket stops nobody, and its counts stay`, async () => {
    const memory = SharedTable.allocate(8, (words) => words.set([1, 2]));
    const view = new SharedTable(memory, 1);
    const dead = thread(
      `const table = new SharedTable(workerData.memory, 2);
       gcra(table).take('k', workerData.rate, 2, 1000);
       table.lock({ hi: 0, lo: 0 });
       parentPort.postMessage('locked');
       ${dies}`,
      { memory, rate: RATE },
    );
    const end = gone(dead);
    await said(dead);
    // A thread that waits for the bucket, from before the death until after it.
    const waiting = thread(
      `const limiter = gcra(new SharedTable(workerData.memory, 3));
       parentPort.postMessage('up');
       parentPort.postMessage(limiter.take('k', workerData.rate, 1, 1000).allowed);`,
      { memory, rate: RATE },
    );
    await said(waiting);
    const answered = said(waiting);
    if (how === 'terminate') await dead.terminate();
    await end;
    view.releaseOwner(2);
    assert.equal(await answered, true, 'the third of three');
    assert.equal(gcra(view).take('k', RATE, 1, 1000).allowed, false);
    await waiting.terminate();
  });
}

test('a lock that a living thread has stays locked when another number is given up', () => {
  const memory = SharedTable.allocate(8, (words) => words.set([1, 2]));
  const [mine, other] = [new SharedTable(memory, 1), new SharedTable(memory, 2)];
  const words = new Int32Array(memory.buffer, 16, 1);
  mine.lock({ hi: 0, lo: 0 });
  other.releaseOwner(2);
  assert.equal(words[0], 1);
  mine.unlock({ hi: 0, lo: 0 });
  assert.equal(words[0], 0);
});

test('a worker that dies with places taken and a bucket locked: its places are free, the others are kept', async () => {
  const memory = SharedPlaces.allocate(64, 2, (words) => words.set([3, 5]));
  const places = new SharedPlaces(memory, 1);
  const mine = [places.take('a', 10), places.take('a', 10), places.take('b', 10)];
  const dead = thread(
    `const places = new SharedPlaces(workerData.memory, 2);
     const held = ['a', 'a', 'a', 'c'].map((key) => places.take(key, 10));
     const { buffer, buckets } = workerData.memory;
     const locks = new BucketLocks(new Int32Array(buffer, 16, buckets), 2);
     for (let bucket = 0; bucket < buckets; bucket += 1) locks.lock(bucket);
     parentPort.postMessage('locked');
     setInterval(() => held, 1000);`,
    { memory },
  );
  await said(dead);
  await dead.terminate();
  places.zeroWorker(2);
  assert.deepEqual([places.taken('a'), places.taken('b'), places.taken('c'), places.used], [2, 1, 0, 2]);
  for (const place of mine) place![Symbol.dispose]();
  assert.equal(places.used, 0);
});

test('whoever takes over the number of a dead worker begins with nothing, and ends with nothing', async () => {
  const memory = SharedPlaces.allocate(64, 2, (words) => words.set([3, 5]));
  const places = new SharedPlaces(memory, 1);
  const code = `
    const places = new SharedPlaces(workerData.memory, 2);
    const held = [1, 2, 3].map(() => places.take('a', 3));
    parentPort.postMessage(held.filter((place) => place !== undefined).length);
    parentPort.on('message', () => { for (const place of held) place[Symbol.dispose](); parentPort.postMessage('free'); });`;
  for (let round = 0; round < 3; round += 1) {
    const made = thread(code, { memory });
    assert.equal(await said(made), 3);
    assert.equal(places.take('a', 3), undefined);
    if (round === 2) {
      made.postMessage('go');
      await said(made);
    }
    await made.terminate();
    if (round < 2) places.zeroWorker(2);
    assert.equal(places.taken('a'), 0);
  }
});

test('a lock that is awaited is handed on, and the word is zero when all are through', async () => {
  const words = new Int32Array(new SharedArrayBuffer(4));
  const counter = new Int32Array(new SharedArrayBuffer(4));
  const locks = new BucketLocks(words, 1);
  locks.lock(0);
  const threads = [2, 3, 4].map((owner) =>
    thread(
      `const locks = new BucketLocks(workerData.words, workerData.owner);
       parentPort.postMessage('up');
       for (let i = 0; i < 5000; i += 1) { locks.lock(0); workerData.counter[0] += 1; locks.unlock(0); }
       parentPort.postMessage('through');`,
      { words, counter, owner },
    ),
  );
  await Promise.all(threads.map(said));
  const through = threads.map((made) => once(made, 'message'));
  locks.unlock(0);
  await Promise.all(through);
  assert.deepEqual([words[0], counter[0]], [0, 15_000]);
});
