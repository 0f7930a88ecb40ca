// How long a client that owes a body is waited for. Harm: one that sends nothing, or a byte a minute, holds a stream, and
// what the gateway has for it, for ever (slow POST, R.U.D.Y.); one that is held back by the upstream must not pay for it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { GatewayError } from '../../src/core/errors.ts';
import { BodyWatch } from '../../src/gateway/body-watch.ts';
import type { PaceLimits } from '../../src/gateway/pace.ts';
import { HandClock } from '../support/hand-clock.ts';

const PACE: PaceLimits = { bytesPerS: 100, graceMs: 5000, mostMs: 30_000 };

function watched(idleMs: number, pace?: PaceLimits) {
  const clock = new HandClock();
  const given: string[] = [];
  const tooSlow = ({ code, detail }: GatewayError): void => void given.push(`${code} ${detail}`);
  return { clock, given, watch: new BodyWatch(clock, idleMs, pace, tooSlow) };
}

test('a client that sends nothing is given up after body_idle_ms, once', () => {
  const { clock, given, watch } = watched(30_000);
  watch.start();
  clock.pass(29_999);
  assert.deepEqual(given, []);
  clock.pass(1);
  clock.pass(60_000);
  assert.deepEqual(given, ['REQUEST_TIMEOUT limits.body_idle_ms']);
});

test('every byte begins the idle time anew', () => {
  const { clock, given, watch } = watched(30_000);
  watch.start();
  for (let i = 0; i < 10; i += 1) {
    clock.pass(29_000);
    watch.moved(1);
  }
  assert.deepEqual(given, []);
  clock.pass(29_999);
  clock.pass(1);
  assert.deepEqual(given, ['REQUEST_TIMEOUT limits.body_idle_ms']);
});

test('attack: a client that trickles is given up when its grace is used up, as body_min_bytes_per_s says', () => {
  const { clock, given, watch } = watched(30_000, PACE);
  watch.start();
  for (let s = 0; s < 5; s += 1) {
    clock.pass(1000);
    watch.moved(1);
  }
  clock.pass(1000);
  assert.deepEqual(given, ['REQUEST_TIMEOUT limits.body_min_bytes_per_s']);
});

test("while it is not the client's turn no time is used up, and afterwards all of it is there again", () => {
  const { clock, given, watch } = watched(30_000, PACE);
  watch.start();
  clock.pass(1000);
  watch.pause();
  for (let i = 0; i < 10; i += 1) clock.pass(30_000);
  watch.resume();
  clock.pass(3999);
  assert.deepEqual(given, []);
  for (let i = 0; i < 2; i += 1) clock.pass(30_000);
  assert.equal(given.length, 1);
});

test('a body that nobody waits for is not watched: after stop, and where body_idle_ms is 0', () => {
  const stopped = watched(30_000, PACE);
  stopped.watch.start();
  stopped.watch.stop();
  // An upstream that takes more again after the end of the body begins nothing.
  stopped.watch.resume();
  stopped.clock.pass(1_000_000);
  assert.deepEqual(stopped.given, []);
  const unlimited = watched(0, PACE);
  unlimited.watch.start();
  unlimited.clock.pass(1_000_000);
  assert.deepEqual(unlimited.given, []);
});
