// What this thread looks at once a second, and what follows: level, memory, the cache that is trimmed.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Events } from '../../src/core/events.ts';
import { PressureWatch } from '../../src/gateway/pressure-watch.ts';
import { HandClock } from '../support/hand-clock.ts';

const LOW = 3;

function stage() {
  const clock = new HandClock();
  const events = new Events();
  const told: unknown[] = [];
  events.onAny((name, payload) => told.push([name, (payload as { on: boolean }).on]));
  const now = { delayMs: 0, heapUsed: 10, stopped: false, trimmed: 0 };
  const watch = new PressureWatch({
    delayMs: 200,
    memoryPercent: 90,
    clock,
    events,
    loopDelay: () => ({
      median: () => now.delayMs,
      stop() {
        now.stopped = true;
      },
    }),
    memory: () => ({ heapUsed: now.heapUsed, heapLimit: 100, resident: 1, constrained: 0 }),
  });
  watch.start(() => {
    now.trimmed += 1;
  });
  return { clock, told, now, watch };
}

test('a late loop refuses after a second, and not any more when it is in time; both are told once', () => {
  const { clock, told, now, watch } = stage();
  clock.pass(1000);
  assert.equal(watch.calm, true);
  now.delayMs = 500;
  clock.pass(1000);
  clock.pass(1000);
  assert.equal(watch.calm, false);
  watch.shedder.refuses(LOW);
  assert.equal(watch.shedder.refuses(LOW), true);
  now.delayMs = 0;
  for (let i = 0; i < 5; i += 1) clock.pass(1000);
  assert.equal(watch.calm, true);
  assert.deepEqual(told, [
    ['loop_pressure', true],
    ['loop_pressure', false],
  ]);
});

test('while memory is short the cache is trimmed every second', () => {
  const { clock, told, now, watch } = stage();
  now.heapUsed = 95;
  clock.pass(1000);
  clock.pass(1000);
  assert.deepEqual([watch.memoryShort, watch.calm, now.trimmed], [true, false, 2]);
  now.heapUsed = 50;
  clock.pass(1000);
  assert.deepEqual([watch.memoryShort, watch.calm, now.trimmed], [false, true, 2]);
  assert.deepEqual(told, [
    ['memory_pressure', true],
    ['memory_pressure', false],
  ]);
});

test('it looks no more when no generation has it', () => {
  const { clock, now, watch } = stage();
  watch[Symbol.dispose]();
  now.delayMs = 10_000;
  clock.pass(10_000);
  assert.deepEqual([watch.calm, now.stopped], [true, true]);
});
