// When endpoints are checked, and what a result changes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Events } from '../../src/core/events.ts';
import type { Endpoint } from '../../src/upstream/endpoint.ts';
import type { CheckResult } from '../../src/upstream/health/check.ts';
import { HealthChecker } from '../../src/upstream/health/checker.ts';
import { type CheckSettings, NO_HEALTH } from '../../src/upstream/health/settings.ts';
import { Upstream } from '../../src/upstream/upstream.ts';
import { HandClock } from '../support/hand-clock.ts';
import { poolSettings } from './pool-settings.ts';

const READY: CheckResult = { ready: true, reachable: true, found: 'status 200' };
const UNREADY: CheckResult = { ready: false, reachable: true, found: 'status 412' };

/** A checker whose answers the test gives. */
function stage({
  count = 1,
  random = 0.5,
  ...given
}: Partial<CheckSettings> & { count?: number; random?: number } = {}) {
  const clock = new HandClock();
  const settings = {
    ...NO_HEALTH.check,
    intervalMs: 2000,
    timeoutMs: 1000,
    healthyAfter: 2,
    unhealthyAfter: 3,
    ...given,
  };
  const upstream = new Upstream(
    {
      name: 'x',
      endpoints: Array.from({ length: count }, (_, index) => `127.0.0.1:${index + 1}`),
      balancer: 'round_robin',
      pool: poolSettings(),
    },
    new Events(),
    clock,
  );
  const asked: { address: string; at: number; signal: AbortSignal; answer: (result: CheckResult) => void }[] = [];
  const changed: string[] = [];
  const told: string[] = [];
  const state = { urgent: false };
  const checker = new HealthChecker(
    settings,
    (address, signal) => {
      const { promise, resolve } = Promise.withResolvers<CheckResult>();
      asked.push({ address, at: clock.now(), signal, answer: resolve });
      return promise;
    },
    {
      clock,
      random: () => random,
      urgent: () => state.urgent,
      onChecked: (_endpoint, { found }, timedOut) => told.push(timedOut ? 'timeout' : found),
      onChanged: ({ standing }) => changed.push(standing.checked),
    },
  );
  for (const endpoint of upstream.endpoints) checker.watch(endpoint);
  /** Answers the check under way, and lets the checker hear it. */
  const answer = async (result: CheckResult): Promise<void> => {
    asked.at(-1)!.answer(result);
    await Promise.resolve();
    await Promise.resolve();
  };
  const endpoint: Endpoint = upstream.endpoints[0]!;
  return { clock, checker, asked, changed, told, state, answer, endpoint, upstream };
}

test('nothing is asked before the start; the first check is made at once and counts at once', async () => {
  const ready = stage();
  assert.equal(ready.asked.length, 0);
  ready.checker.start();
  ready.checker.start();
  assert.equal(ready.asked.length, 1);
  assert.equal(ready.asked[0]!.address, '127.0.0.1:1');
  await ready.answer(READY);
  assert.equal(ready.endpoint.standing.checked, 'healthy');

  const not = stage();
  not.checker.start();
  await not.answer(UNREADY);
  assert.equal(not.endpoint.standing.checked, 'unhealthy');
  assert.equal(not.endpoint.standing.reason, 'status 412');
});

test('the next check comes an interval after the answer, a tenth more or less', async () => {
  for (const [random, ms] of [
    [0, 1800],
    [0.5, 2000],
    [1, 2200],
  ] as const) {
    const { clock, checker, asked, answer } = stage({ random });
    checker.start();
    clock.pass(300);
    await answer(READY);
    clock.pass(ms - 1);
    assert.equal(asked.length, 1);
    clock.pass(1);
    assert.equal(asked.length, 2);
    checker.stop();
  }
});

test('a healthy endpoint needs several failures in a row, which are looked for sooner', async () => {
  const { clock, checker, asked, answer, endpoint, changed } = stage();
  checker.start();
  await answer(READY);
  clock.pass(2000);
  await answer(UNREADY);
  assert.equal(endpoint.standing.checked, 'healthy');
  clock.pass(500);
  assert.equal(asked.length, 3, 'after a quarter of the interval');
  await answer(READY);
  clock.pass(500);
  assert.equal(asked.length, 3, 'what agrees waits the whole interval');
  clock.pass(1500);
  for (let i = 0; i < 3; i += 1) {
    assert.equal(endpoint.standing.checked, 'healthy');
    await answer(UNREADY);
    clock.pass(500);
  }
  assert.equal(endpoint.standing.checked, 'unhealthy');
  assert.deepEqual(changed, ['healthy', 'unhealthy']);
});

test('an unhealthy endpoint needs several successes in a row; what clients saw of it before is forgotten', async () => {
  const { clock, checker, answer, endpoint } = stage();
  checker.start();
  await answer(UNREADY);
  endpoint.standing.ejectedUntil = 1e9;
  endpoint.standing.consecutive = 4;
  clock.pass(2000);
  await answer(READY);
  assert.equal(endpoint.standing.checked, 'unhealthy');
  clock.pass(500);
  await answer(READY);
  assert.equal(endpoint.standing.checked, 'healthy');
  assert.equal(endpoint.standing.ejected, false);
  assert.equal(endpoint.standing.consecutive, 0);
  assert.equal(endpoint.standing.usableSince, clock.now(), 'slow start begins here');
});

test('no answer in time is a failure, and the check is told to stop', async () => {
  const { clock, checker, asked, answer, told, endpoint } = stage();
  checker.start();
  clock.pass(999);
  assert.equal(asked[0]!.signal.aborted, false);
  clock.pass(1);
  assert.equal(asked[0]!.signal.aborted, true);
  assert.deepEqual(told, ['timeout']);
  assert.equal(endpoint.standing.reason, 'no answer within 1000 ms');
  await answer(READY);
  assert.deepEqual(told, ['timeout'], 'an answer after that is not heard');
  assert.equal(endpoint.standing.checked, 'unhealthy');
});

test('while nothing else can be used, unhealthy endpoints are looked at sooner', async () => {
  const { clock, checker, asked, answer, state } = stage();
  checker.start();
  await answer(UNREADY);
  state.urgent = true;
  clock.pass(2000);
  await answer(UNREADY);
  clock.pass(500);
  assert.equal(asked.length, 3);
});

test('a failed request makes the next check come at once, but not more often than a quarter of the interval', async () => {
  const { clock, checker, asked, answer, endpoint } = stage();
  checker.start();
  checker.hurry(endpoint);
  assert.equal(asked.length, 1, 'one is under way');
  await answer(READY);
  clock.pass(200);
  checker.hurry(endpoint);
  checker.hurry(endpoint);
  clock.pass(299);
  assert.equal(asked.length, 1);
  clock.pass(1);
  assert.equal(asked.length, 2);
  await answer(READY);
  clock.pass(1000);
  checker.hurry(endpoint);
  clock.pass(0);
  assert.equal(asked.length, 3);
});

test('first checks are over when each endpoint has had one, or is gone', async () => {
  const { checker, asked, upstream } = stage({ count: 3 });
  let over = false;
  const firstChecks = checker.firstChecks.then(() => {
    over = true;
  });
  checker.start();
  asked[0]!.answer(READY);
  asked[1]!.answer(UNREADY);
  for (let i = 0; i < 10; i += 1) await Promise.resolve();
  assert.equal(over, false);
  checker.forget(upstream.endpoints[2]!);
  await firstChecks;
  assert.equal(asked[2]!.signal.aborted, true);
});

test('after the end nothing is asked any more', async () => {
  const { clock, checker, asked, answer, changed } = stage();
  checker.start();
  checker.stop();
  assert.equal(asked[0]!.signal.aborted, true);
  await answer(READY);
  clock.pass(1e6);
  assert.equal(asked.length, 1);
  assert.deepEqual(changed, []);
});

test('an endpoint that comes later is checked at once', () => {
  const { checker, asked, endpoint } = stage();
  checker.forget(endpoint);
  checker.start();
  checker.watch(endpoint);
  assert.equal(asked.length, 1);
});
