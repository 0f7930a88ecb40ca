import assert from 'node:assert/strict';
import test from 'node:test';
import { WrongTokens } from '../../src/admin/wrong-tokens.ts';
import type { Clock } from '../../src/core/clock.ts';

function setUp() {
  let now = 1000;
  const clock: Clock = { now: () => now, wall: () => now, after: () => () => {} };
  const wrong = new WrongTokens(clock);
  return {
    wrong,
    pass: (ms: number) => {
      now += ms;
    },
    /** How many of so many are taken. */
    taken(address: string, times: number): number {
      let count = 0;
      for (let i = 0; i < times; i += 1) if (wrong.take(address, 60_000, 10).current <= 10) count += 1;
      return count;
    },
  };
}

test('so many at once, then one for each part of the window', () => {
  const { taken, pass } = setUp();
  assert.equal(taken('a', 100), 10);
  pass(5999);
  assert.equal(taken('a', 100), 0);
  pass(1);
  assert.equal(taken('a', 100), 1);
  pass(60_000);
  assert.equal(taken('a', 100), 10);
});

test('addresses do not share a count', () => {
  const { taken } = setUp();
  assert.equal(taken('a', 100), 10);
  assert.equal(taken('b', 100), 10);
});

test('who has to wait is told how long, and does not wait longer for asking', () => {
  const { wrong, taken, pass } = setUp();
  taken('a', 10);
  assert.equal(wrong.take('a', 60_000, 10).ttl, 6000);
  pass(4000);
  assert.equal(wrong.take('a', 60_000, 10).ttl, 2000);
});

test('a right token gives back what was taken for it', () => {
  const { wrong, taken } = setUp();
  for (let i = 0; i < 100; i += 1) {
    assert.ok(wrong.take('a', 60_000, 10).current <= 10);
    wrong.giveBack('a', 60_000, 10);
  }
  assert.equal(wrong.size, 0);
  assert.equal(taken('a', 100), 10);
});

test('memory is bounded, and a blocked address stays blocked however many others come', () => {
  const { wrong, taken, pass } = setUp();
  assert.equal(taken('blocked', 100), 10);
  for (let i = 0; i < 30_000; i += 1) wrong.take(`other ${i}`, 60_000, 10);
  assert.equal(wrong.size, 10_001);
  assert.equal(taken('blocked', 1), 0);
  // The many that came too late have one count together.
  assert.equal(taken('late', 100), 0);
  // When their time is over, they are forgotten.
  pass(60_000);
  assert.equal(taken('late', 100), 10);
  assert.ok(wrong.size < 10_001);
});
