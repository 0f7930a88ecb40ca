// The minimum rate: a client that trickles is given up soon, one that sent much may pause, one that is not waited for
// uses nothing up.
// Harm: R.U.D.Y. holds an upload for hours with a byte every 29 seconds, each of which is progress.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Pace } from '../../src/gateway/pace.ts';

const LIMITS = { bytesPerS: 100, graceMs: 5000, mostMs: 30_000 };

test('R.U.D.Y.: a byte now and then does not last longer than the grace time and its bytes', () => {
  const pace = new Pace(LIMITS);
  pace.start(0);
  let now = 0;
  for (; pace.left(now) > 0; now += 1000) pace.moved(1, now);
  assert.ok(now <= 6000, `${now} ms`);
});

test('a client at the minimum rate lasts for ever', () => {
  const pace = new Pace(LIMITS);
  pace.start(0);
  for (let now = 0; now < 10 * 60_000; now += 1000) {
    assert.ok(pace.left(now) > 0);
    pace.moved(100, now);
  }
});

test('a fast beginning does not buy more than the idle time', () => {
  const pace = new Pace(LIMITS);
  pace.start(0);
  pace.moved(100_000_000, 0);
  assert.equal(pace.left(0), 30_000);
});

test('time in which the client is not waited for is not used up', () => {
  const pace = new Pace(LIMITS);
  pace.start(0);
  pace.stop(4000);
  assert.equal(pace.left(1_000_000), 1000);
  pace.start(1_000_000);
  assert.equal(pace.left(1_001_000), 0);
});

test('a rate of 0 is no limit', () => {
  const pace = new Pace({ ...LIMITS, bytesPerS: 0 });
  pace.start(0);
  assert.equal(pace.left(1e9), Number.POSITIVE_INFINITY);
});
