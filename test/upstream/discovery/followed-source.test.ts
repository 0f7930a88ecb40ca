// When a source is asked again, and that nothing it cannot say empties a set. No time passes but by hand.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import type { DiscoveryTold } from '../../../src/upstream/discovery/discovery.ts';
import { FollowedSource, type FollowOptions } from '../../../src/upstream/discovery/followed-source.ts';
import type { Found, Source } from '../../../src/upstream/discovery/source.ts';
import { HandClock } from '../../support/hand-clock.ts';

/** Says what it is told to, and how often it was asked. */
class Script implements Source {
  asked = 0;
  signals: AbortSignal[] = [];
  next: Partial<Found> | Error | 'hang' | undefined;

  find(signal: AbortSignal): Promise<Found> {
    this.asked += 1;
    this.signals.push(signal);
    if (this.next === 'hang') return Promise.withResolvers<Found>().promise;
    if (this.next instanceof Error) return Promise.reject(this.next);
    return Promise.resolve({ specs: specs('a:1'), ttlMs: 10_000, ...this.next });
  }
}

const specs = (...names: string[]) => names.map((address) => ({ address, weight: 1 }));

function followed(given: Partial<FollowOptions> = {}) {
  const clock = new HandClock();
  const source = new Script();
  const told: string[] = [];
  const observer: DiscoveryTold = {
    onChanged: ({ added, removed, endpoints, leftOut }) =>
      told.push(`+${added} -${removed} =${endpoints}${leftOut > 0 ? ` left out ${leftOut}` : ''}`),
    onFailed: (problem, kept) => told.push(`failed ${problem}, kept ${kept}`),
    onRecovered: (endpoints) => told.push(`recovered ${endpoints}`),
  };
  const discovery = new FollowedSource(source, {
    minTtlMs: 1000,
    maxTtlMs: 30_000,
    intervalMs: 5000,
    retryMaxMs: 1000,
    timeoutMs: 2000,
    maxEndpoints: 10,
    clock,
    random: () => 0,
    told: observer,
    ...given,
  });
  const sets: string[][] = [];
  discovery.listen((found) => sets.push(found.map(({ address }) => address)));
  /** Lets time pass, and what was begun go on. */
  const pass = async (ms: number): Promise<void> => {
    clock.pass(ms);
    await turn();
  };
  return { clock, source, told, discovery, sets, pass };
}

test('nothing is asked before the start; then at once, and again when the TTL is over', async () => {
  const { source, discovery, pass, sets } = followed();
  await pass(60_000);
  assert.equal(source.asked, 0);
  discovery.start();
  discovery.start();
  await discovery.looked;
  assert.equal(source.asked, 1);
  assert.deepEqual(sets, [['a:1']]);
  await pass(9999);
  assert.equal(source.asked, 1);
  await pass(1);
  assert.equal(source.asked, 2);
  assert.deepEqual(sets, [['a:1']], 'the same set is not told again');
});

for (const [what, ttlMs, asksAgainAfter] of [
  ['a TTL of 0 is the least that is configured', 0, 1000],
  ['a long TTL is the most that is configured', 3_600_000, 30_000],
  ['where no TTL is known the interval counts', undefined, 5000],
] as const) {
  test(what, async () => {
    const { source, discovery, pass } = followed();
    source.next = { ttlMs };
    discovery.start();
    await discovery.looked;
    await turn();
    await pass(asksAgainAfter - 1);
    assert.equal(source.asked, 1);
    await pass(1);
    assert.equal(source.asked, 2);
  });
}

test('the TTL of a part has it asked sooner than the interval, and never later', async () => {
  const { source, discovery, pass } = followed({ intervalMs: 5000 });
  source.next = { ttlMs: 3000, ttlOfPart: true };
  discovery.start();
  await discovery.looked;
  source.next = { ttlMs: 60_000, ttlOfPart: true };
  await pass(2999);
  assert.equal(source.asked, 1);
  await pass(1);
  assert.equal(source.asked, 2);
  await pass(4999);
  assert.equal(source.asked, 2);
  await pass(1);
  assert.equal(source.asked, 3);
});

test('jitter asks up to a fifth earlier, and never later than the TTL', async () => {
  const { source, discovery, pass } = followed({ random: () => 0.999 });
  discovery.start();
  await discovery.looked;
  await turn();
  await pass(8000);
  assert.equal(source.asked, 1);
  await pass(20);
  assert.equal(source.asked, 2);
});

test('failures keep the set, are told, and are tried again after growing times; recovery is told once', async () => {
  const { source, discovery, pass, told, sets } = followed();
  discovery.start();
  await discovery.looked;
  await turn();
  source.next = new Error('NXDOMAIN');
  await pass(10_000);
  for (const ms of [250, 500, 1000, 1000]) {
    const { asked } = source;
    await pass(ms - 1);
    assert.equal(source.asked, asked);
    await pass(1);
    assert.equal(source.asked, asked + 1, `after ${ms} ms`);
  }
  assert.deepEqual(sets, [['a:1']]);
  assert.deepEqual(
    discovery.specs?.map(({ address }) => address),
    ['a:1'],
  );
  source.next = undefined;
  await pass(1000);
  assert.deepEqual(told, ['+a:1 - =1', ...Array(5).fill('failed NXDOMAIN, kept 1'), 'recovered 1']);
});

test('failures jitter too, between half and the whole of their time', async () => {
  const { source, discovery, pass } = followed({ random: () => 0.999 });
  source.next = new Error('SERVFAIL');
  discovery.start();
  await discovery.looked;
  await turn();
  await pass(125);
  assert.equal(source.asked, 1);
  await pass(1);
  assert.equal(source.asked, 2);
});

test('one that does not answer is given up, and counts as failed; its late answer changes nothing', async () => {
  const { source, discovery, pass, told } = followed();
  source.next = 'hang';
  discovery.start();
  await pass(1999);
  assert.deepEqual(told, []);
  await pass(1);
  await discovery.looked;
  assert.equal(source.signals[0]!.aborted, true);
  assert.deepEqual(told, ['failed no answer within 2000 ms, kept 0']);
  assert.equal(discovery.specs, undefined);
});

test('a part that cannot be asked for is told, and the rest counts', async () => {
  const { source, discovery, told, pass } = followed();
  source.next = { problem: 'AAAA: SERVFAIL' };
  discovery.start();
  await discovery.looked;
  assert.deepEqual(told, ['+a:1 - =1', 'failed AAAA: SERVFAIL, kept 1']);
  await turn();
  source.next = undefined;
  await pass(10_000);
  assert.equal(told.at(-1), 'recovered 1');
});

test('more than may be used: those in use stay, the others are left out in an order that does not change', async () => {
  const { source, discovery, told, sets, pass } = followed({ maxEndpoints: 2 });
  source.next = { specs: specs('c:1', 'b:1') };
  discovery.start();
  await discovery.looked;
  await turn();
  source.next = { specs: specs('a:1', 'c:1', 'd:1', 'b:1') };
  await pass(10_000);
  assert.deepEqual(sets, [['b:1', 'c:1']]);
  source.next = { specs: specs('d:1', 'c:1', 'e:1') };
  await pass(10_000);
  assert.deepEqual(sets.at(-1), ['c:1', 'd:1']);
  assert.equal(told.at(-1), '+d:1 -b:1 =2 left out 1');
});

test('other weights are another set', async () => {
  const { source, discovery, sets, pass } = followed();
  discovery.start();
  await discovery.looked;
  await turn();
  source.next = { specs: [{ address: 'a:1', weight: 7 }] };
  await pass(10_000);
  assert.equal(sets.length, 2);
  assert.equal(discovery.specs?.[0]?.weight, 7);
});

test('a connection that fails has it asked sooner, but not more often than the least TTL', async () => {
  const { source, discovery, pass } = followed();
  discovery.start();
  await discovery.looked;
  await turn();
  await pass(400);
  for (let i = 0; i < 10; i += 1) discovery.refresh();
  await pass(599);
  assert.equal(source.asked, 1);
  await pass(1);
  assert.equal(source.asked, 2);
  await pass(5000);
  discovery.refresh();
  await pass(0);
  assert.equal(source.asked, 3);
});

test('one that is no longer wanted asks nothing and tells nothing any more', async () => {
  const { source, discovery, pass, told, sets } = followed();
  source.next = 'hang';
  discovery.start();
  await turn();
  discovery[Symbol.dispose]();
  await discovery.looked;
  assert.equal(source.signals[0]!.aborted, true);
  discovery.refresh();
  await pass(60_000);
  assert.deepEqual([source.asked, told.length, sets.length], [1, 0, 0]);
});

test('whatever a source says and does not say: a set that was there once is never empty', async () => {
  const step = fc.oneof(
    fc.constant(new Error('no')),
    fc.constant('hang' as const),
    fc.record({
      specs: fc
        .uniqueArray(fc.integer({ min: 1, max: 9 }), { minLength: 1 })
        .map((ports) => specs(...ports.map((port) => `a:${port}`))),
      ttlMs: fc.option(fc.integer({ min: 0, max: 100_000 }), { nil: undefined }),
    }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 20 }), async (steps) => {
      const { source, discovery, pass } = followed({ maxEndpoints: 5 });
      discovery.start();
      await discovery.looked;
      await turn();
      for (const next of steps) {
        source.next = next;
        const { asked } = source;
        await pass(30_000);
        await pass(2000);
        assert.ok(source.asked > asked);
        assert.ok(discovery.specs!.length >= 1 && discovery.specs!.length <= 5);
      }
    }),
    { numRuns: 50 },
  );
});
