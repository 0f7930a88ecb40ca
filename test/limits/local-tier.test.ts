// All limits of a request in one call: in order, all or none; bans that no flood of other keys can lift.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LocalTier } from '../../src/limits/local-tier.ts';
import { SharedTable } from '../../src/limits/shared-table.ts';
import type { Ban, Charge } from '../../src/limits/tier.ts';
import { HandClock } from '../support/hand-clock.ts';

const BAN: Ban = { after: 3, withinMs: 60_000, forMs: 10_000, maxMs: 40_000 };

function started(slots = 1024) {
  const clock = new HandClock();
  clock.pass(1_000_000);
  const table = new SharedTable(
    SharedTable.allocate(slots, (words) => words.set([1, 2])),
    1,
  );
  return { clock, tier: new LocalTier(table, clock) };
}

/** A charge of a limit of so many a minute. */
function charge(rule: string, who: string, burst: number, more: { enforce?: boolean; ban?: Ban; cost?: number } = {}) {
  const limit = {
    rule,
    bucket: `${rule}\0${burst}`,
    rate: { requests: burst, periodMs: 60_000, burst },
    cost: more.cost ?? 1,
    ban: more.ban,
  };
  return { limit, key: `${limit.bucket}\0${who}`, enforce: more.enforce ?? true } satisfies Charge;
}

test('a later limit that refuses gives back what earlier ones took', () => {
  const { tier } = started();
  const [wide, narrow] = [charge('wide', 'a', 10), charge('narrow', 'a', 1)];
  assert.equal(tier.takeNow([wide, narrow]).refused, undefined);
  for (let i = 0; i < 100; i += 1) assert.equal(tier.takeNow([wide, narrow]).refused, 1);
  assert.equal(
    tier.peek(wide).remaining,
    8,
    'one more would leave eight: refused requests cost the first limit nothing',
  );
});

test('a limit that only reports is told and refuses nobody', () => {
  const { tier } = started();
  const shadow = charge('shadow', 'a', 1, { enforce: false });
  const enforced = charge('enforced', 'a', 5);
  tier.takeNow([shadow, enforced]);
  const outcome = tier.takeNow([shadow, enforced]);
  assert.deepEqual([outcome.refused, outcome.exceeded], [undefined, [0]]);
});

test('what a reporting limit did not take is not given back to it when another one refuses', () => {
  const { tier } = started();
  const shadow = charge('shadow', 'a', 1, { enforce: false });
  const enforced = charge('enforced', 'a', 1);
  tier.takeNow([shadow, enforced]);
  tier.takeNow([shadow, enforced]);
  assert.equal(tier.peek(shadow).allowed, false, 'its one is still taken');
});

test('1,000 guesses at once with a burst of 5: 5 are let through, and a success gives one back', () => {
  const { tier } = started();
  const guess = charge('guesses', 'joe', 5);
  let admitted = 0;
  for (let i = 0; i < 1000; i += 1) if (tier.takeNow([guess]).refused === undefined) admitted += 1;
  assert.equal(admitted, 5);
  tier.giveBack([guess]);
  assert.equal(tier.takeNow([guess]).refused, undefined);
  assert.equal(tier.takeNow([guess]).refused, 0);
});

test('giving back never makes a key better than one that never asked', () => {
  const { tier, clock } = started();
  const one = charge('one', 'a', 5);
  tier.takeNow([one]);
  clock.pass(60_000);
  tier.giveBack([one]);
  tier.giveBack([one]);
  let admitted = 0;
  for (let i = 0; i < 20; i += 1) if (tier.takeNow([one]).refused === undefined) admitted += 1;
  assert.equal(admitted, 5);
});

test('a ban comes after so many refusals, lasts twice as long each time, and not longer than the longest', () => {
  const { tier, clock } = started();
  const banned = charge('banned', 'a', 1, { ban: BAN });
  const lasts: number[] = [];
  for (let round = 0; round < 5; round += 1) {
    for (let i = 0; i < 10; i += 1) tier.takeNow([banned]);
    const outcome = tier.takeNow([banned]);
    assert.equal(outcome.banned, true);
    lasts.push(Math.round(outcome.taken[0]!.retryAfterMs / 1000));
    clock.pass(outcome.taken[0]!.retryAfterMs);
  }
  assert.deepEqual(lasts, [10, 20, 40, 40, 40]);
});

test('a banned key is not counted, also where it would be admitted again', () => {
  const { tier, clock } = started();
  const banned = charge('banned', 'a', 60, { ban: { ...BAN, forMs: 30_000 } });
  for (let i = 0; i < 70; i += 1) tier.takeNow([banned]);
  clock.pass(10_000); // ten would be free again
  assert.equal(tier.takeNow([banned]).banned, true);
  clock.pass(20_000);
  assert.equal(tier.takeNow([banned]).refused, undefined);
});

test('whoever keeps still for long begins with the shortest ban again', () => {
  const { tier, clock } = started();
  const banned = charge('banned', 'a', 1, { ban: BAN });
  for (let i = 0; i < 10; i += 1) tier.takeNow([banned]);
  clock.pass(10 * BAN.maxMs);
  for (let i = 0; i < 10; i += 1) tier.takeNow([banned]);
  assert.equal(tier.takeNow([banned]).taken[0]!.retryAfterMs, BAN.forMs);
});

test('a ban can be lifted by its id, and then the key is as good as new', () => {
  const { tier } = started();
  const banned = charge('login', '192.0.2.1', 1, { ban: BAN });
  for (let i = 0; i < 10; i += 1) tier.takeNow([banned]);
  const [ban] = tier.bans();
  assert.deepEqual([ban!.rule, ban!.key, ban!.strike, ban!.leftMs], ['login', '192.0.2.1', 1, 10_000]);
  assert.equal(tier.lift('nothing'), false);
  assert.equal(tier.lift(ban!.id), true);
  assert.equal(tier.takeNow([banned]).banned, false);
  assert.deepEqual(tier.bans(), []);
});

test('attack: 100,000 other keys in a table of 1,024 neither lift a ban nor free a key that is being refused', () => {
  const { tier } = started(1024);
  const banned = charge('banned', 'attacker', 1, { ban: BAN });
  const refused = charge('refused', 'attacker', 1);
  for (let i = 0; i < 10; i += 1) tier.takeNow([banned]);
  tier.takeNow([refused]);
  tier.takeNow([refused]);
  for (let i = 0; i < 100_000; i += 1) tier.takeNow([charge('other', `key-${i}`, 5)]);
  assert.equal(tier.takeNow([banned]).banned, true);
  assert.equal(tier.takeNow([refused]).refused, 0);
});

test('a cost above the burst never passes, and costs nothing', () => {
  const { tier } = started();
  const dear = charge('dear', 'a', 5, { cost: 6 });
  const { taken } = tier.takeNow([dear]);
  assert.equal(taken[0]!.retryAfterMs, Number.POSITIVE_INFINITY);
  assert.equal(tier.peek({ ...dear, limit: { ...dear.limit, cost: 1 } }).remaining, 4);
});

test('the hottest keys come first, with how often they were refused', () => {
  const { tier } = started();
  for (let i = 0; i < 500; i += 1) tier.takeNow([charge('login', 'hot', 10)]);
  for (let i = 0; i < 20; i += 1) tier.takeNow([charge('login', `cold-${i}`, 10)]);
  const [first] = tier.hottest(1);
  assert.equal(first!.key, 'hot');
  assert.equal(first!.refused, 490);
  assert.ok(tier.hottest(1000).length <= 21);
});

test('the list of the hottest has an end, and a flood of cold keys does not push out a hot one', () => {
  const { tier } = started(65_536);
  for (let i = 0; i < 50_000; i += 1) {
    tier.takeNow([charge('login', `cold-${i}`, 10)]);
    tier.takeNow([charge('login', 'hot', 10)]);
  }
  const hottest = tier.hottest(10_000);
  assert.ok(hottest.length <= 1000);
  assert.equal(hottest[0]!.key, 'hot');
});

test('attack: 20,000 cold keys that are refused do not push out the hot one, and its count is near', () => {
  const { tier } = started(65_536);
  const hot = charge('login', 'hot', 1);
  for (let i = 0; i < 20_000; i += 1) {
    const cold = charge('login', `cold-${i}`, 1);
    tier.takeNow([cold]);
    tier.takeNow([cold]);
    tier.takeNow([hot]);
  }
  const [first, second] = tier.hottest(2);
  assert.deepEqual([first!.key, first!.refused], ['hot', 19_999]);
  assert.ok(second!.asked < first!.asked / 10);
});
