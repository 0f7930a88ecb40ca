// So many at once, counted over all threads: what a thread held that died is free again, and nothing else.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { type PlacesMemory, SharedPlaces } from '../../src/limits/places.ts';

const memory = (workers: number, keys = 1024): PlacesMemory =>
  SharedPlaces.allocate(keys, workers, (words) => words.set([3, 5]));

test('as many as there are get a place; one that is given back is free, also when it is given back twice', () => {
  const places = new SharedPlaces(memory(1), 1);
  const held = [places.take('a', 2), places.take('a', 2)];
  assert.equal(places.take('a', 2), undefined);
  assert.equal(places.taken('a'), 2);
  held[0]![Symbol.dispose]();
  held[0]![Symbol.dispose]();
  assert.equal(places.taken('a'), 1);
  assert.ok(places.take('a', 2));
  assert.ok(places.take('b', 1), 'another key has places of its own');
  assert.equal(places.used, 2);
});

test('a key that has nothing in flight any more takes no room', () => {
  const places = new SharedPlaces(memory(1, 8), 1);
  for (let i = 0; i < 1000; i += 1) places.take(`key-${i}`, 1)![Symbol.dispose]();
  assert.deepEqual([places.used, places.overflows], [0, 0]);
});

test('where all slots are in flight a new key is refused, and counted', () => {
  const places = new SharedPlaces(memory(1, 8), 1);
  for (let i = 0; i < 8; i += 1) assert.ok(places.take(`key-${i}`, 1));
  assert.equal(places.take('one more', 1), undefined);
  assert.equal(places.overflows, 1);
  assert.equal(places.take('key-0', 1), undefined, 'and a key that is there is still known');
});

/** Code of a worker: a view of the places, then what the test says. */
function worker(
  shared: PlacesMemory,
  number: number,
  code: string,
  options: { maxOldGenerationSizeMb?: number } = {},
  more: object = {},
) {
  const url = new URL('../../src/limits/places.ts', import.meta.url).href;
  const source = `
    const { parentPort, workerData } = await import('node:worker_threads');
    const { SharedPlaces } = await import(${JSON.stringify(url)});
    const places = new SharedPlaces(workerData.shared, workerData.number);
    ${code}`;
  const made = new Worker(new URL(`data:text/javascript,${encodeURIComponent(source)}`), {
    workerData: { shared, number, ...more },
    resourceLimits: options,
    stderr: true,
  });
  made.on('error', () => {}); // the deaths are the test
  return made;
}

const HOLD =
  "const held = []; for (let i = 0; i < 5; i += 1) held.push(places.take('a', 100), places.take('b' + i, 100));";

for (const [how, code, end] of [
  [
    'an uncaught throw',
    `${HOLD} parentPort.postMessage('held'); setImmediate(() => { throw new Error('dies'); });`,
    undefined,
  ],
  [
    'its heap limit',
    `${HOLD} parentPort.postMessage('held'); const all = []; setImmediate(() => { for (;;) all.push(new Array(1e5).fill({})); });`,
    undefined,
  ],
  [
    'terminate under load',
    `${HOLD} parentPort.postMessage('held'); for (;;) { const place = places.take('a', 100); place?.[Symbol.dispose](); }`,
    (made: Worker) => void made.terminate(),
  ],
] as const) {
  test(`a worker that dies by ${how} leaks no place, and others keep theirs`, async () => {
    const shared = memory(2);
    const places = new SharedPlaces(shared, 1);
    const mine = places.take('a', 100);
    const made = worker(shared, 2, code, { maxOldGenerationSizeMb: 32 });
    // Not `once`, which rejects with the error that the worker dies of.
    const gone = new Promise((resolve) => made.once('exit', resolve));
    await new Promise((resolve) => made.once('message', resolve));
    assert.ok(places.taken('a') >= 6);
    end?.(made);
    await gone;
    places.zeroWorker(2);
    assert.equal(places.taken('a'), 1, 'ours');
    for (let i = 0; i < 5; i += 1) assert.equal(places.taken(`b${i}`), 0);
    assert.equal(places.used, 1);
    mine![Symbol.dispose]();
    assert.equal(places.used, 0);
  });
}

test('threads that take and give back at once never hold more than there are', async () => {
  const shared = memory(5);
  const places = new SharedPlaces(shared, 1);
  const code = `
    let most = 0;
    for (let i = 0; i < 20000; i += 1) {
      const place = places.take('a', 3);
      if (place === undefined) continue;
      most = Math.max(most, places.taken('a'));
      place[Symbol.dispose]();
    }
    parentPort.postMessage(most);`;
  const workers = [2, 3, 4, 5].map((number) => worker(shared, number, code));
  const most = await Promise.all(workers.map(async (made) => (await once(made, 'message'))[0] as number));
  for (const seen of most) assert.ok(seen >= 1 && seen <= 3, `${seen} at once`);
  assert.deepEqual([places.taken('a'), places.used], [0, 0]);
});

test('4 threads and 50 keys: counted by others than the places themselves, no key has more at once than it may', async () => {
  const shared = memory(5, 256);
  const places = new SharedPlaces(shared, 1);
  const keys = 50;
  const inFlight = new Int32Array(new SharedArrayBuffer(keys * 4));
  const code = `
    const { inFlight, most } = workerData;
    let [highest, held] = [0, []];
    for (let i = 0; i < 20000; i += 1) {
      const key = (i * 13 + workerData.number) % ${keys};
      const place = places.take('192.0.2.' + key, most);
      if (place !== undefined) {
        highest = Math.max(highest, Atomics.add(inFlight, key, 1) + 1);
        held.push([key, place]);
      }
      if (held.length < 40) continue;
      for (const [key, place] of held.splice(0, 30)) {
        Atomics.sub(inFlight, key, 1);
        place[Symbol.dispose]();
      }
    }
    for (const [key, place] of held) {
      Atomics.sub(inFlight, key, 1);
      place[Symbol.dispose]();
    }
    parentPort.postMessage(highest);`;
  const workers = [2, 3, 4, 5].map((number) => worker(shared, number, code, {}, { inFlight, most: 2 }));
  const highest = await Promise.all(workers.map(async (made) => (await once(made, 'message'))[0] as number));
  assert.equal(Math.max(...highest), 2);
  assert.deepEqual([places.used, places.overflows], [0, 0]);
});

test('whatever is taken and given back in whatever order, the places know how many each key has', () => {
  const step = fc.record({
    key: fc.integer({ min: 0, max: 12 }),
    worker: fc.integer({ min: 1, max: 3 }),
    back: fc.nat(),
  });
  fc.assert(
    fc.property(fc.array(fc.oneof(step, fc.constantFrom(1, 2, 3)), { maxLength: 200 }), (steps) => {
      const shared = memory(3, 64);
      const views = [1, 2, 3].map((number) => new SharedPlaces(shared, number));
      let held: { key: number; worker: number; place: Disposable }[] = [];
      for (const one of steps) {
        if (typeof one === 'number') {
          views[one % 3]!.zeroWorker(one);
          held = held.filter(({ worker }) => worker !== one);
          continue;
        }
        const { key, worker, back } = one;
        const before = held.filter((other) => other.key === key).length;
        const place = views[worker - 1]!.take(`key-${key}`, 3);
        assert.equal(place !== undefined, before < 3);
        if (place !== undefined) held.push({ key, worker, place });
        if (back % 3 === 0) held.splice(back % Math.max(1, held.length), 1)[0]?.place[Symbol.dispose]();
      }
      for (let key = 0; key <= 12; key += 1) {
        assert.equal(views[0]!.taken(`key-${key}`), held.filter((one) => one.key === key).length);
      }
      assert.equal(views[0]!.used, new Set(held.map(({ key }) => key)).size);
    }),
  );
});

test('a number that no worker has is refused, and nobody loses a place for it', () => {
  const shared = memory(2, 64);
  const places = new SharedPlaces(shared, 1);
  const held = Array.from({ length: 20 }, (_, i) => places.take(`key-${i}`, 1));
  for (const number of [0, 3, -1, 1.5, Number.NaN]) {
    assert.throws(() => places.zeroWorker(number), /no worker .*from 1 to 2/);
    assert.throws(() => new SharedPlaces(shared, number), /no worker .*from 1 to 2/);
  }
  assert.equal(places.used, held.length);
});
