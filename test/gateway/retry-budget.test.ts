// A retry budget: retries are a share of what clients ask, and a few a second in any case.
// Harm: three attempts for every request are three times the load for an upstream that is down from load.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RetryBudget } from '../../src/gateway/retry-budget.ts';
import { HandClock } from '../support/hand-clock.ts';

function granted(budget: RetryBudget, asked: number): number {
  let count = 0;
  for (let i = 0; i < asked; i += 1) if (budget.take()) count += 1;
  return count;
}

test('where nothing else happens there are min_per_s retries a second, over ten seconds', () => {
  const clock = new HandClock();
  const budget = new RetryBudget({ sharePercent: 20, minPerS: 3 }, clock);
  assert.equal(granted(budget, 100), 30);
  clock.pass(9999);
  assert.equal(granted(budget, 100), 0);
  clock.pass(1);
  assert.equal(granted(budget, 100), 30);
});

test('a fifth of the requests of the last ten seconds may be sent again; later they count no more', () => {
  const clock = new HandClock();
  const budget = new RetryBudget({ sharePercent: 20, minPerS: 0 }, clock);
  assert.equal(budget.take(), false);
  for (let i = 0; i < 100; i += 1) {
    budget.begin();
    budget.over();
  }
  assert.equal(granted(budget, 100), 20);
  clock.pass(10_000);
  assert.equal(budget.allowed, 0);
});

test('requests that wait longer than ten seconds are active still', () => {
  const clock = new HandClock();
  const budget = new RetryBudget({ sharePercent: 10, minPerS: 0 }, clock);
  for (let i = 0; i < 50; i += 1) budget.begin();
  clock.pass(60_000);
  assert.equal(granted(budget, 100), 5);
  for (let i = 0; i < 50; i += 1) budget.over();
  clock.pass(10_000);
  assert.equal(budget.allowed, 0);
});

test('a share of 0 and no minimum: nothing is sent again', () => {
  const budget = new RetryBudget({ sharePercent: 0, minPerS: 0 }, new HandClock());
  for (let i = 0; i < 1000; i += 1) budget.begin();
  assert.equal(budget.take(), false);
});

test('property: within its window there are never more retries than the minimum and the share', () => {
  const step = fc.record({
    pass: fc.integer({ min: 0, max: 4000 }),
    requests: fc.integer({ min: 0, max: 40 }),
    retries: fc.integer({ min: 0, max: 60 }),
  });
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 60 }),
      fc.integer({ min: 0, max: 100 }),
      fc.integer({ min: 0, max: 5 }),
      (steps, sharePercent, minPerS) => {
        const clock = new HandClock();
        const budget = new RetryBudget({ sharePercent, minPerS }, clock);
        const requests: number[] = [];
        const retries: number[] = [];
        for (const { pass, requests: begun, retries: wanted } of steps) {
          clock.pass(pass);
          for (let i = 0; i < begun; i += 1) {
            budget.begin();
            budget.over();
            requests.push(clock.now());
          }
          for (let left = granted(budget, wanted); left > 0; left -= 1) retries.push(clock.now());
        }
        // The window moves by whole seconds: at its last retry it goes back ten of them at most.
        for (const at of retries) {
          const inWindow = retries.filter((one) => one <= at && one > at - 9000).length;
          const asked = requests.filter((one) => one <= at && one > at - 10_000).length;
          assert.ok(inWindow <= minPerS * 10 + (asked * sharePercent) / 100 + 1e-9, `${inWindow} of ${asked}`);
        }
      },
    ),
  );
});
