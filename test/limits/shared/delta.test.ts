// Limits that are counted here and told to the others every so often.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gcra } from '../../../src/limits/gcra.ts';
import { SharedTable } from '../../../src/limits/shared-table.ts';
import { HandClock } from '../../support/hand-clock.ts';
import { needs } from '../../support/programs.ts';
import { startRedis } from './redis-server.ts';
import { chargeOf, DAY_MS, type Replica, replica } from './replica.ts';

const delta = (url: string): Replica => replica(url, { mode: 'delta' }, new HandClock());

test(
  'replicas that have not heard of each other admit at most what each has left, and then wait for all of it',
  needs('redis'),
  async () => {
    await using redis = await startRedis();
    using a = delta(redis.url);
    using b = delta(redis.url);
    using c = delta(redis.url);
    const all = [a, b, c];
    for (const one of all) assert.equal(await one.tier.firstTry, undefined);
    const charge = chargeOf('k');
    let admitted = 0;
    for (const one of all) {
      for (let i = 0; i < 20; i += 1)
        one.tier.take([charge], ({ refused }) => (admitted += refused === undefined ? 1 : 0));
    }
    // The bound: burst + (N - 1) x (burst + rate x interval), the rate being one a day.
    assert.equal(admitted, 5 + 2 * 5);
    for (const one of all) await one.tier.exchange();
    // The last to tell heard of all fifteen: five are the burst, so the next passes in eleven days.
    const { taken, refused } = await c.take([charge]);
    assert.equal(refused, 0);
    assert.ok(Math.abs(taken[0]!.retryAfterMs - 11 * DAY_MS) < 60_000, String(taken[0]!.retryAfterMs));
  },
);

test('what one replica took the others know after an exchange', needs('redis'), async () => {
  await using redis = await startRedis();
  using a = delta(redis.url);
  using b = delta(redis.url);
  await Promise.all([a.tier.firstTry, b.tier.firstTry]);
  const charge = chargeOf('k');
  for (let i = 0; i < 4; i += 1) await a.take([charge]);
  await a.tier.exchange();
  await b.take([charge]);
  await b.tier.exchange();
  assert.equal((await b.take([charge])).refused, 0);
});

test('what is given back is told, too', needs('redis'), async () => {
  await using redis = await startRedis();
  using a = delta(redis.url);
  using b = delta(redis.url);
  await Promise.all([a.tier.firstTry, b.tier.firstTry]);
  const charge = chargeOf('k');
  for (let i = 0; i < 5; i += 1) await a.take([charge]);
  await a.tier.exchange();
  a.tier.giveBack([charge, charge, charge]);
  await a.tier.exchange();
  await b.take([charge]);
  await b.tier.exchange();
  assert.equal((await b.take([charge])).taken[0]!.remaining, 1, 'two were taken on a, two here');
});

test('an exchange is made every interval', needs('redis'), async () => {
  await using redis = await startRedis();
  const clock = new HandClock();
  using one = replica(redis.url, { mode: 'delta', interval_ms: 100 }, clock);
  await one.tier.firstTry;
  const before = one.tier.status().round_trips;
  await one.take([chargeOf('k')]);
  await one.take([chargeOf('k')]);
  clock.pass(99);
  assert.equal(one.tier.status().round_trips, before);
  clock.pass(1);
  assert.equal(one.tier.status().round_trips, before + 1);
});

test('while the server is gone the local counts go on, and it is told when it is back', needs('redis'), async () => {
  await using redis = await startRedis();
  using a = replica(redis.url, { mode: 'delta' });
  using b = replica(redis.url, { mode: 'delta' });
  await Promise.all([a.tier.firstTry, b.tier.firstTry]);
  const gone = Promise.all([a.next('down'), b.next('down')]);
  await redis.kill();
  await gone;
  const charge = chargeOf('k');
  const outcomes = await Promise.all(Array.from({ length: 10 }, () => a.take([charge])));
  assert.equal(outcomes.filter(({ refused }) => refused === undefined).length, 5);
  await a.tier.exchange();
  const back = Promise.all([a.next('up'), b.next('up')]);
  await redis.restart();
  await back;
  await a.tier.exchange();
  await b.take([charge]);
  await b.tier.exchange();
  assert.equal((await b.take([charge])).refused, 0);
});

test('a key that others have used up stays refused while 100,000 other keys come', () => {
  const limiter = gcra(
    new SharedTable(
      SharedTable.allocate(1024, (words) => words.set([1, 2])),
      1,
    ),
  );
  const rate = { requests: 1, periodMs: DAY_MS, burst: 5 };
  limiter.raise('victim', rate, 5 * DAY_MS, 0);
  for (let i = 0; i < 100_000; i += 1) limiter.take(`other ${i}`, rate, 5, 0);
  assert.equal(limiter.peek('victim', rate, 1, 0).allowed, false);
  limiter.raise('victim', rate, DAY_MS, 0);
  assert.equal(limiter.peek('victim', rate, 1, 0).retryAfterMs, DAY_MS, 'a lower level does not lower it');
});
