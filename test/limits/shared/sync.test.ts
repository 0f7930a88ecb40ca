// Limits that replicas share, asked one by one: exact over all of them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gcra } from '../../../src/limits/gcra.ts';
import { SharedTable } from '../../../src/limits/shared-table.ts';
import { needs } from '../../support/programs.ts';
import { startRedis } from './redis-server.ts';
import { chargeOf, DAY_MS, replica } from './replica.ts';

for (const kind of ['socket', 'tcp4', 'tcp6'] as const) {
  test(
    `three replicas admit exactly the burst of each of 50 keys, all at once, by ${kind}`,
    needs('redis'),
    async () => {
      await using redis = await startRedis([], kind);
      using a = replica(redis.url);
      using b = replica(redis.url);
      using c = replica(redis.url);
      const all = [a, b, c];
      for (const one of all) assert.equal(await one.tier.firstTry, undefined);
      const admitted = new Map<number, number>();
      await Promise.all(
        Array.from({ length: 50 * 30 }, async (_, i) => {
          const key = i % 50;
          const { refused } = await all[Math.floor(i / 50) % 3]!.take([chargeOf(`2001:db8::${key}`)]);
          if (refused === undefined) admitted.set(key, (admitted.get(key) ?? 0) + 1);
        }),
      );
      assert.deepEqual(
        [...admitted.values()],
        Array.from({ length: 50 }, () => 5),
      );
    },
  );
}

test('the script says what the local arithmetic says, for rates and costs of every size', needs('redis'), async () => {
  await using redis = await startRedis();
  using one = replica(redis.url);
  await one.tier.firstTry;
  const rates = [
    { requests: 1, periodMs: DAY_MS, burst: 3 },
    { requests: 7, periodMs: DAY_MS, burst: 11 },
    { requests: 999_983, periodMs: DAY_MS, burst: 1_000_000 },
    { requests: 1_000_000, periodMs: DAY_MS, burst: 1 },
  ];
  for (const rate of rates) {
    const limiter = gcra(
      new SharedTable(
        SharedTable.allocate(64, (words) => words.set([3, 4])),
        1,
      ),
    );
    for (const cost of [1, 2, rate.burst, 1, rate.burst + 1]) {
      const { taken } = await one.take([chargeOf('k', { rate, cost })]);
      const expected = limiter.take('k', rate, cost, 0);
      const said = taken[0]!;
      // The server's clock goes on between two takes: times are compared to what that can come to.
      assert.equal(said.allowed, expected.allowed, JSON.stringify({ rate, cost }));
      if (rate.requests < 10) assert.equal(said.remaining, expected.remaining, JSON.stringify({ rate, cost }));
      if (cost > rate.burst) assert.equal(said.retryAfterMs, Number.POSITIVE_INFINITY);
      else assert.ok(said.retryAfterMs <= expected.retryAfterMs && said.retryAfterMs > expected.retryAfterMs - 60_000);
      assert.ok(said.resetMs <= expected.resetMs && said.resetMs > expected.resetMs - 60_000);
    }
  }
});

test('all limits of a request are taken, or none', needs('redis'), async () => {
  await using redis = await startRedis();
  using a = replica(redis.url);
  using b = replica(redis.url);
  await Promise.all([a.tier.firstTry, b.tier.firstTry]);
  const wide = chargeOf('wide', { rule: 'wide', rate: { burst: 100 } });
  const narrow = chargeOf('narrow', { rule: 'narrow', rate: { burst: 2 } });
  const outcomes = await Promise.all(Array.from({ length: 50 }, (_, i) => [a, b][i % 2]!.take([wide, narrow])));
  assert.equal(outcomes.filter(({ refused }) => refused === undefined).length, 2);
  assert.ok(outcomes.every(({ refused, taken }) => refused === undefined || (refused === 1 && taken.length === 2)));
  const { taken } = await b.take([wide]);
  assert.equal(taken[0]!.remaining, 97, 'only two of fifty were counted');
});

test('requests that others will refuse do not refuse requests meanwhile', needs('redis'), async () => {
  await using redis = await startRedis();
  using one = replica(redis.url);
  await one.tier.firstTry;
  const full = chargeOf('full', { rule: 'full', rate: { burst: 1 } });
  await one.take([full]);
  const own = chargeOf('own');
  // Five that take the whole of `own` and are then refused by `full`, and in the same tick one that only takes `own`.
  const six = [...Array.from({ length: 5 }, () => one.take([own, full])), one.take([own])];
  const outcomes = await Promise.all(six);
  assert.deepEqual(
    outcomes.map(({ refused }) => refused),
    [1, 1, 1, 1, 1, undefined],
  );
});

test('a limit that only reports refuses nothing, and says that it was exceeded', needs('redis'), async () => {
  await using redis = await startRedis();
  using one = replica(redis.url);
  await one.tier.firstTry;
  const charge = chargeOf('k', { rate: { burst: 1 }, enforce: false });
  assert.deepEqual((await one.take([charge])).exceeded, []);
  const { refused, exceeded } = await one.take([charge]);
  assert.equal(refused, undefined);
  assert.deepEqual(exceeded, [0]);
});

test('a blocked key costs no round trip', needs('redis'), async () => {
  await using redis = await startRedis();
  using one = replica(redis.url);
  await one.tier.firstTry;
  const charge = chargeOf('k', { rate: { burst: 1 } });
  await one.take([charge]);
  const first = await one.take([charge]);
  const before = one.tier.status().round_trips;
  let synchronous = 0;
  for (let i = 0; i < 1000; i += 1) {
    one.tier.take([charge], ({ refused, taken }) => {
      synchronous += 1;
      assert.equal(refused, 0);
      assert.ok(taken[0]!.retryAfterMs <= first.taken[0]!.retryAfterMs);
    });
  }
  // One in a second may be sent, when the second ends here.
  assert.ok(synchronous >= 999);
  assert.ok(one.tier.status().round_trips - before <= 1);
});

test('what is given back on one replica can be taken on another', needs('redis'), async () => {
  await using redis = await startRedis();
  using a = replica(redis.url);
  using b = replica(redis.url);
  await Promise.all([a.tier.firstTry, b.tier.firstTry]);
  const charge = chargeOf('k', { rate: { burst: 1 } });
  assert.equal((await a.take([charge])).refused, undefined);
  a.tier.giveBack([charge]);
  await a.take([chargeOf('behind it')]); // answered in order
  assert.equal((await b.take([charge])).refused, undefined);
  assert.equal((await a.take([charge])).refused, 0);
});

test(
  'refusals on all replicas make one ban, which all keep, and which is lifted by its id',
  needs('redis'),
  async () => {
    await using redis = await startRedis();
    using a = replica(redis.url);
    using b = replica(redis.url);
    await Promise.all([a.tier.firstTry, b.tier.firstTry]);
    const ban = { after: 4, withinMs: DAY_MS, forMs: 600_000, maxMs: DAY_MS };
    const charge = chargeOf('k', { rate: { burst: 1 }, ban });
    await a.take([charge]);
    const refusals = [];
    for (const one of [a, b, a, b]) refusals.push(await one.take([charge]));
    assert.ok(refusals.every(({ refused, banned }) => refused === 0 && !banned));
    for (const one of [a, b]) {
      const { banned, taken } = await one.take([charge]);
      assert.equal(banned, true);
      assert.ok(taken[0]!.retryAfterMs > 590_000 && taken[0]!.retryAfterMs <= 600_000);
    }
    const [listed] = a.local.bans();
    assert.equal(listed?.key, 'k');
    for (const one of [a, b]) assert.equal(one.tier.lift(listed!.id), true);
    await Promise.all([a, b].map((one) => one.take([chargeOf('behind it')])));
    assert.equal((await a.take([charge])).banned, false);
  },
);

test('the next ban lasts twice as long', needs('redis'), async () => {
  await using redis = await startRedis();
  using a = replica(redis.url);
  using b = replica(redis.url);
  await Promise.all([a.tier.firstTry, b.tier.firstTry]);
  const ban = { after: 1, withinMs: DAY_MS, forMs: 1, maxMs: DAY_MS };
  const charge = chargeOf('k', { rate: { burst: 1 }, ban });
  await a.take([charge]);
  const strikes: number[] = [];
  // Bans of 1, 2, 4, 8 ms: asked again and again until they are over.
  for (let asked = 0; strikes.length < 4 && asked < 100_000; asked += 1) {
    const { banned } = await b.take([charge]);
    const strike = b.local.bans()[0]?.strike;
    if (!banned && strike !== undefined && strike !== strikes.at(-1)) strikes.push(strike);
  }
  assert.deepEqual(strikes, [1, 2, 3, 4]);
});

test('keys of a megabyte are counted like others, and no key is readable at the server', needs('redis'), async () => {
  await using redis = await startRedis();
  using one = replica(redis.url);
  await one.tier.firstTry;
  const long = chargeOf(`${'€'.repeat(350_000)}`, { rate: { burst: 1 } });
  assert.deepEqual([(await one.take([long])).refused, (await one.take([long])).refused], [undefined, 0]);
});
