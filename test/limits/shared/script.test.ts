// The Lua in the server, with its clock moved by hand, against the local arithmetic.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { gcra } from '../../../src/limits/gcra.ts';
import { readAnswer, takeArguments } from '../../../src/limits/shared/answer.ts';
import { TAKE } from '../../../src/limits/shared/script.ts';
import { SharedTable } from '../../../src/limits/shared-table.ts';
import { needs } from '../../support/programs.ts';
import { clientOf, startRedis } from './redis-server.ts';
import { chargeOf } from './replica.ts';

/** Where the script's clock stands at first: 2026, as microseconds do not fit the local arithmetic's tests. */
const START_S = 1_767_225_600;

test(
  'at any time, rate, burst and cost the script says exactly what the local arithmetic says',
  needs('redis'),
  async () => {
    await using redis = await startRedis();
    const client = await clientOf(redis);
    try {
      // Keys expire by the real clock: levels are made to last at least a minute of it.
      const rate = fc.record({
        requests: fc.integer({ min: 1, max: 1_000_000 }),
        periodMs: fc.constantFrom(60_000, 3_600_000, 86_400_000),
        burst: fc.integer({ min: 1, max: 1_000_000 }),
      });
      const slow = rate.filter(({ requests, periodMs }) => periodMs / requests >= 60_000 || requests > 1000);
      const steps = fc.array(
        fc.record({
          // Of the whole burst: small and large ones alike.
          cost: fc.double({ min: 0, max: 1.1, noNaN: true }),
          passMs: fc.integer({ min: 0, max: 100_000 }),
        }),
        { minLength: 1, maxLength: 8 },
      );
      const text = TAKE.text.replace("redis.call('TIME')", '{ARGV[#ARGV - 1], ARGV[#ARGV]}');
      let run = 0;
      await fc.assert(
        fc.asyncProperty(slow, steps, async (rate, taking) => {
          run += 1;
          const limiter = gcra(
            new SharedTable(
              SharedTable.allocate(8, (words) => words.set([3, 4])),
              1,
            ),
          );
          let nowMs = 0;
          // First so much that what stays outlives the test.
          for (const { cost: part, passMs } of [{ cost: 0.9, passMs: 0 }, ...taking]) {
            nowMs += passMs;
            const cost = Math.max(1, Math.floor(part * rate.burst));
            const charge = chargeOf('k', { rate, cost });
            const time = [String(START_S + Math.floor(nowMs / 1000)), String((nowMs % 1000) * 1000)];
            const args = [...takeArguments([charge]), ...time];
            const reply = await client.sendCommand(['EVAL', text, '2', 'epoch', `k${run}`, ...args]);
            assert.deepEqual(readAnswer([charge], reply).outcome.taken, [limiter.take('k', rate, cost, nowMs)]);
          }
        }),
        { numRuns: 200 },
      );
    } finally {
      client.destroy();
    }
  },
);

test('everything that is written expires but the epoch, and names no key', needs('redis'), async () => {
  await using redis = await startRedis();
  const client = await clientOf(redis);
  try {
    const ban = { after: 1, withinMs: 60_000, forMs: 60_000, maxMs: 120_000 };
    const charge = chargeOf('user@example.org', { rate: { burst: 1 }, ban });
    for (let i = 0; i < 2; i += 1) {
      await client.sendCommand(['EVAL', TAKE.text, '2', 'p:epoch', 'p:k', ...takeArguments([charge])]);
    }
    const keys = (await client.sendCommand(['KEYS', '*'])) as unknown as string[];
    assert.deepEqual(keys.toSorted(), ['p:epoch', 'p:k', 'p:k:ban', 'p:k:strikes']);
    for (const key of keys.filter((name) => name !== 'p:epoch')) {
      assert.ok(((await client.sendCommand(['PTTL', key])) as unknown as number) > 0, key);
    }
  } finally {
    client.destroy();
  }
});

test(
  'a clock that goes back, as after a failover, refuses no longer than the burst takes',
  needs('redis'),
  async () => {
    await using redis = await startRedis();
    const client = await clientOf(redis);
    try {
      const charge = chargeOf('k', { rate: { requests: 1, periodMs: 60_000, burst: 2 } });
      const text = TAKE.text.replace("redis.call('TIME')", '{ARGV[#ARGV - 1], ARGV[#ARGV]}');
      const at = async (seconds: number) => {
        const args = [...takeArguments([charge]), String(START_S + seconds), '0'];
        return readAnswer([charge], await client.sendCommand(['EVAL', text, '2', 'epoch', 'k', ...args])).outcome;
      };
      await at(0);
      const back = await at(-1_000_000);
      assert.equal(back.taken[0]!.retryAfterMs, 60_000);
    } finally {
      client.destroy();
    }
  },
);

test('an answer that is none is an error, whatever it is', () => {
  const charges = [chargeOf('a'), chargeOf('b')];
  fc.assert(
    fc.property(fc.anything(), (reply) => {
      try {
        const { outcome } = readAnswer(charges, reply);
        assert.ok(outcome.refused === undefined || outcome.refused < 2);
        assert.equal(outcome.taken.length, (outcome.refused ?? 1) + 1);
      } catch (error) {
        assert.match((error as Error).message, /the server did not answer/);
      }
    }),
  );
  for (const reply of [
    [],
    [1, 0, 0, 0, 0],
    [1, 3, 0, 0, 0, 1, 1, 1, 1, 0, 1],
    [1, -1, 0, 0, 0, 1, 1, 1, 1],
    'OK',
    null,
  ]) {
    assert.throws(() => readAnswer(charges, reply), /the server did not answer/);
  }
});
