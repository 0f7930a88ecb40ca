// Bans: no flood lifts one, threads that refuse at once make one and not several, and what is listed has an end.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { LocalTier } from '../../src/limits/local-tier.ts';
import { SharedTable } from '../../src/limits/shared-table.ts';
import type { Ban, Charge } from '../../src/limits/tier.ts';
import { HandClock } from '../support/hand-clock.ts';

const BAN: Ban = { after: 3, withinMs: 60_000, forMs: 600_000, maxMs: 3_600_000 };

function started(slots: number) {
  const clock = new HandClock();
  clock.pass(1_000_000);
  const table = new SharedTable(
    SharedTable.allocate(slots, (words) => words.set([21, 22])),
    1,
  );
  return { clock, table, tier: new LocalTier(table, clock) };
}

function charge(rule: string, who: string, burst: number, more: { periodMs?: number; ban?: Ban } = {}): Charge {
  const bucket = `${rule}\0${burst}`;
  const rate = { requests: burst, periodMs: more.periodMs ?? 60_000, burst };
  return { limit: { rule, bucket, rate, cost: 1, ban: more.ban }, key: `${bucket}\0${who}`, enforce: true };
}

for (const address of ['192.0.2.7', '2001:db8:0:7::/64']) {
  test(`attack: 1,000,000 other keys lift no ban of ${address}, nor set it free where it is refused`, () => {
    const { tier } = started(4096);
    const banned = charge('banned', address, 2, { ban: BAN });
    const refused = charge('refused', address, 2);
    for (let i = 0; i < 10; i += 1) for (const one of [banned, refused]) tier.takeNow([one]);
    // Each is remembered for longer than what is to be pushed out: 30 minutes.
    for (let i = 0; i < 1_000_000; i += 1) tier.takeNow([charge('other', `key-${i}`, 2, { periodMs: 3_600_000 })]);
    assert.equal(tier.takeNow([banned]).banned, true);
    assert.equal(tier.takeNow([refused]).refused, 0);
  });
}

test('attack: whoever stops at the last request of a burst cannot have the key pushed out and begin again', () => {
  const { tier } = started(256);
  const guesses = charge('guesses', 'joe', 5);
  for (let i = 0; i < 5; i += 1) assert.equal(tier.takeNow([guesses]).refused, undefined);
  for (let i = 0; i < 100_000; i += 1) tier.takeNow([charge('other', `key-${i}`, 100, { periodMs: 36_000_000 })]);
  assert.equal(tier.takeNow([guesses]).refused, 0);
});

test('a key that is refused by what others counted stays held when a reservation of it is given back', () => {
  const { tier } = started(256);
  const guesses = charge('guesses', 'joe', 5);
  tier.takeNow([guesses]);
  tier.raise(guesses, 300_000);
  tier.giveBack([guesses]);
  for (let i = 0; i < 100_000; i += 1) tier.takeNow([charge('other', `key-${i}`, 100, { periodMs: 36_000_000 })]);
  assert.equal(tier.takeNow([guesses]).refused, 0);
});

test('a ban begins again at its shortest when it was lifted', () => {
  const { tier } = started(1024);
  const banned = charge('banned', 'a', 1, { ban: BAN });
  for (let round = 0; round < 3; round += 1) {
    for (let i = 0; i < 10; i += 1) tier.takeNow([banned]);
    const [ban] = tier.bans();
    assert.deepEqual([ban!.strike, ban!.leftMs], [1, BAN.forMs]);
    assert.equal(tier.lift(ban!.id), true);
  }
});

test('10,000 bans are listed, the latest ones; the one that is not listed any more is in force', () => {
  const { tier } = started(262_144);
  const of = (i: number): Charge => charge('banned', `key-${i}`, 1, { ban: { ...BAN, after: 1 } });
  for (let i = 0; i < 10_001; i += 1) for (let n = 0; n < 2; n += 1) tier.takeNow([of(i)]);
  const keys = new Set(tier.bans().map(({ key }) => key));
  assert.deepEqual([keys.size, keys.has('key-0'), keys.has('key-10000')], [10_000, false, true]);
  assert.equal(tier.takeNow([of(0)]).banned, true);
});

test('a ban that finds no room is not listed as if it were in force, and its key is refused all the same', () => {
  const { tier, table } = started(8);
  const full = Array.from({ length: 8 }, (_, i) => charge('full', `key-${i}`, 1, { ban: { ...BAN, after: 1 } }));
  for (const one of full) tier.takeNow([one]);
  for (const one of full) assert.equal(tier.takeNow([one]).refused, 0);
  assert.ok(table.overflows > 0);
  assert.deepEqual(tier.bans(), []);
  assert.deepEqual([tier.occupancy.used, tier.occupancy.capacity], [8, 8]);
});

test('threads that refuse a key at once make one ban of it: one strike, for the shortest time', async () => {
  const memory = SharedTable.allocate(1024, (words) => words.set([31, 32]));
  const href = (file: string): string => JSON.stringify(new URL(`../../src/limits/${file}`, import.meta.url).href);
  const gate = new Int32Array(new SharedArrayBuffer(4));
  const threads = 4;
  const keys = 200;
  const source = `
    const { parentPort, workerData } = await import('node:worker_threads');
    const { SharedTable } = await import(${href('shared-table.ts')});
    const { LocalTier } = await import(${href('local-tier.ts')});
    const { memory, number, gate, limit } = workerData;
    const clock = { now: () => 1e6, wall: () => 0, after: () => () => {} };
    const tier = new LocalTier(new SharedTable(memory, number), clock);
    Atomics.add(gate, 0, 1);
    while (Atomics.load(gate, 0) < ${threads}); // all at once
    for (let key = 0; key < ${keys}; key += 1)
      for (let i = 0; i < 8; i += 1) tier.takeNow([{ limit, key: 'b\\0r\\0key-' + key, enforce: true }]);
    parentPort.postMessage(tier.bans().map(({ key, strike, leftMs }) => [key, strike, leftMs].join(' ')));`;
  const { limit } = charge('b', '', 1, { ban: BAN });
  const listed = await Promise.all(
    Array.from({ length: threads }, async (_, index) => {
      const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(source)}`), {
        workerData: { memory, number: index + 1, gate, limit },
      });
      return (await once(worker, 'message'))[0] as string[];
    }),
  );
  assert.deepEqual(
    listed.flat().toSorted(),
    Array.from({ length: keys }, (_, key) => `key-${key} 1 ${BAN.forMs}`).toSorted(),
  );
});
