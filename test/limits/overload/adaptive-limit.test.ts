// The limit of an upstream that gets slow, in a model of one (slots, a queue, deadlines); time by hand.
// Harm: every login waits until nobody wants it any more; or a healthy upstream is refused requests.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { AdaptiveLimit } from '../../../src/limits/overload/adaptive-limit.ts';
import { rankOf } from '../../../src/limits/overload/priority.ts';
import { HandClock } from '../../support/hand-clock.ts';
import { type Kind, Model, quantile, type Told } from './model-server.ts';

const SETTINGS = { minLimit: 20, maxLimit: 1000, slowFactor: 2 };

const login = (perS: number): Kind => ({ route: 'login', rank: rankOf('critical'), serviceMs: 100, perS });
const api = (perS: number): Kind => ({ route: 'api', rank: rankOf('normal'), serviceMs: 20, perS });
const asset = (perS: number): Kind => ({ route: 'asset', rank: rankOf('low'), serviceMs: 10, perS });

const of = (told: Map<string, Told>, route: string): Told => told.get(route)!;
const refused = (told: Map<string, Told>): number => [...told.values()].reduce((sum, one) => sum + one.refused, 0);

test('below its capacity an upstream gets everything, and the limit stays where it is highest', () => {
  const model = new Model({ slots: 8, limit: SETTINGS });
  const told = model.run(20, [login(30), api(100), asset(100)]);
  assert.equal(refused(told), 0);
  assert.equal(model.limit!.limit, 1000);
});

test('at three times the capacity logins are answered and soon, and assets are refused', () => {
  const model = new Model({ slots: 8, deadlineMs: 5000, limit: SETTINGS });
  const kinds = [login(20), api(50), asset(50)];
  model.run(20, kinds);
  [kinds[0]!.perS, kinds[1]!.perS, kinds[2]!.perS] = [60, 300, 1200];
  const whole = model.run(30, kinds);
  assert.ok(of(whole, 'login').answered / of(whole, 'login').offered > 0.95, 'more than 95 % of logins');
  assert.ok(of(whole, 'asset').refused / of(whole, 'asset').offered > 0.9, 'assets are refused');
  assert.equal(of(whole, 'login').late, 0);
  const settled = model.run(20, kinds);
  assert.ok(quantile(of(settled, 'login').latencies, 0.99) < 400, 'logins wait a few times their own time at most');
  // All that the slots can do is done: 8 slots for 20 s.
  const worked = [...kinds].reduce((sum, { route, serviceMs }) => sum + of(settled, route).answered * serviceMs, 0);
  assert.ok(worked > 0.95 * 8 * 20_000, `worked ${worked} ms`);
});

test('without the limit the same load is answered by nobody in time', () => {
  const model = new Model({ slots: 8, deadlineMs: 5000 });
  const kinds = [login(60), api(300), asset(1200)];
  model.run(10, kinds);
  const told = model.run(5, kinds);
  assert.equal(of(told, 'login').answered, 0);
});

test('the limit settles near the knee: a few times the slots, and all of them are used', () => {
  const model = new Model({ slots: 40, deadlineMs: 10_000, limit: SETTINGS });
  const kinds = [api(500)];
  model.run(20, kinds);
  kinds[0]!.perS = 4000; // of 2000
  model.run(20, kinds);
  const seen: number[] = [];
  let answered = 0;
  for (let i = 0; i < 10; i += 1) {
    answered += of(model.run(1, kinds), 'api').answered;
    seen.push(model.limit!.limit);
  }
  assert.ok(Math.min(...seen) >= 40, `never below the slots: ${seen}`);
  assert.ok(Math.max(...seen) <= 250, `never far above: ${seen}`);
  assert.ok(answered > 0.97 * 20_000, `answered ${answered} of 20000`);
});

test('after a stall of ten seconds the limit is not at its lowest, and all is answered within seconds', () => {
  const model = new Model({ slots: 8, deadlineMs: 5000, limit: SETTINGS });
  const kinds = [login(20), api(80)];
  model.run(20, kinds);
  model.stalled = true;
  model.run(10, kinds);
  model.stalled = false;
  model.run(10, kinds);
  const told = model.run(5, kinds);
  assert.equal(refused(told), 0);
  assert.ok(quantile(of(told, 'api').latencies, 0.99) < 100);
});

test('more logins and fewer lookups are no overload, though answers take longer in the mean', () => {
  const model = new Model({ slots: 30, limit: SETTINGS });
  const kinds = [login(5), asset(500)];
  model.run(20, kinds);
  [kinds[0]!.perS, kinds[1]!.perS] = [200, 10];
  assert.equal(refused(model.run(20, kinds)), 0);
  assert.equal(model.limit!.limit, 1000);
});

test('answers that are slow with few in flight lower nothing: a limit would not make them faster', () => {
  const model = new Model({ slots: 1000, limit: SETTINGS });
  const quick: Kind = { route: 'api', rank: rankOf('normal'), serviceMs: 10, perS: 50 };
  model.run(20, [quick]);
  const slow: Kind = { ...quick, serviceMs: 200 };
  model.run(20, [slow]);
  assert.equal(model.limit!.limit, 1000);
});

test('the lowest priority gets all the room there is when nobody else wants it', () => {
  const model = new Model({ slots: 8, deadlineMs: 5000, limit: SETTINGS });
  const kinds = [asset(50)];
  model.run(20, kinds);
  kinds[0]!.perS = 1600; // of 800
  model.run(20, kinds);
  const told = model.run(10, kinds);
  assert.ok(of(told, 'asset').answered > 0.97 * 8000, `answered ${of(told, 'asset').answered}`);
});

test('a flood of logins leaves every other priority a place of its own', () => {
  const model = new Model({ slots: 8, deadlineMs: 5000, limit: SETTINGS });
  const kinds = [login(20), api(10), asset(10)];
  model.run(20, kinds);
  kinds[0]!.perS = 400; // of 80
  model.run(20, kinds);
  const told = model.run(20, kinds);
  for (const route of ['api', 'asset']) {
    assert.ok(of(told, route).answered > 0.2 * of(told, route).offered, `${route}: ${of(told, route).answered}`);
  }
});

test('requests that are still being sent take a quarter of the room at most', () => {
  const limit = new AdaptiveLimit({ ...SETTINGS, minLimit: 20, maxLimit: 20 }, new HandClock());
  const normal = rankOf('normal');
  for (let i = 0; i < 500; i += 1) limit.enter(normal, false);
  assert.equal(limit.admits(rankOf('high')), true);
  assert.equal(limit.admits(rankOf('low')), true);
  for (let i = 0; i < 15; i += 1) limit.enter(normal, true);
  assert.equal(limit.admits(normal), false);
});

test('callers that give up before there is an answer tell as much as slow answers', () => {
  const clock = new HandClock();
  const limit = new AdaptiveLimit(SETTINGS, clock);
  const usual = limit.usual('api');
  for (let i = 0; i < 20; i += 1) limit.answered(usual, 10);
  for (let i = 0; i < 100; i += 1) limit.enter(rankOf('normal'), true);
  for (let i = 0; i < 50; i += 1) {
    clock.pass(100);
    limit.gaveUp(usual, 3000);
  }
  assert.ok(limit.limit < 500, `limit ${limit.limit}`);
  assert.ok(usual.ms! < 11, 'and are not learned as usual');
});

test('property: the limit keeps its bounds, places add up, and the lowest is admitted where nothing is in flight', () => {
  const step = fc.record({
    pass: fc.integer({ min: 0, max: 2000 }),
    rank: fc.integer({ min: 0, max: 3 }),
    what: fc.constantFrom('enter', 'send', 'sent', 'answer', 'give up', 'drop'),
    latencyMs: fc.integer({ min: 0, max: 60_000 }),
  });
  const settings = fc.record({
    minLimit: fc.integer({ min: 1, max: 100 }),
    maxLimit: fc.integer({ min: 100, max: 5000 }),
    slowFactor: fc.double({ min: 1.2, max: 20, noNaN: true }),
  });
  fc.assert(
    fc.property(settings, fc.array(step, { maxLength: 400 }), (given, steps) => {
      const clock = new HandClock();
      const limit = new AdaptiveLimit(given, clock);
      const held: { rank: number; sent: boolean }[] = [];
      for (const { pass, rank, what, latencyMs } of steps) {
        clock.pass(pass);
        const usual = limit.usual(`route ${rank}`);
        if (what === 'enter' || what === 'send') {
          if (!limit.admits(rank)) continue;
          held.push({ rank, sent: what === 'enter' });
          limit.enter(rank, what === 'enter');
        } else if (what === 'sent') {
          const one = held.find(({ sent }) => !sent);
          if (one === undefined) continue;
          one.sent = true;
          limit.sent();
        } else {
          const one = held.shift();
          if (one === undefined) continue;
          limit.leave(one.rank, one.sent);
          if (what === 'answer') limit.answered(usual, latencyMs);
          else if (what === 'drop') limit.dropped();
          else limit.gaveUp(usual, latencyMs);
        }
        assert.equal(limit.inFlight, held.length);
        assert.ok(limit.limit >= given.minLimit && limit.limit <= given.maxLimit);
      }
      for (const { rank, sent } of held) limit.leave(rank, sent);
      assert.equal(limit.inFlight, 0);
      for (let rank = 0; rank < 4; rank += 1) assert.equal(limit.admits(rank), true);
    }),
    { numRuns: 200 },
  );
});
