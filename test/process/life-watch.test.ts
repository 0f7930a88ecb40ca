// Which threads count as standing still.
// Harm: a worker that hangs for ever with a share of all clients; all workers killed because a laptop was shut.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { KNOCK_MS, LifeWatch, prompt, type Watched } from '../../src/process/life-watch.ts';
import { HandClock } from '../support/hand-clock.ts';

class Thread implements Watched {
  status: Watched['status'] = 'serving';
  unanswered = 0;
  answers = false;

  knock(): void {
    this.unanswered = this.answers ? 0 : this.unanswered + 1;
  }
}

function watched(given: { limitMs?: number; threads?: Thread[] } = {}) {
  const clock = new HandClock();
  const threads: readonly Thread[] = given.threads ?? [new Thread()];
  const options = { limitMs: given.limitMs ?? 5000 };
  const hung: [thread: number, silentMs: number][] = [];
  const watch = new LifeWatch<Thread>({
    clock,
    limitMs: () => options.limitMs,
    threads: () => threads,
    onHung: (thread, silentMs) => hung.push([threads.indexOf(thread), silentMs]),
  });
  /** As many knocks as fit into the time. */
  const pass = (ms: number): void => {
    for (let left = ms; left > 0; left -= KNOCK_MS) clock.pass(KNOCK_MS);
  };
  return { clock, threads, options, hung, watch, pass };
}

describe('a thread that does not answer', () => {
  test('is hung when it has been silent for the limit, and told again while it is there', () => {
    const { hung, pass } = watched();
    pass(5000);
    assert.deepEqual(hung, []);
    pass(2000);
    assert.deepEqual(hung, [
      [0, 5000],
      [0, 6000],
    ]);
  });

  test('is not, when it answers again before', () => {
    const { hung, pass, threads } = watched();
    pass(4000);
    threads[0]!.unanswered = 0;
    pass(4000);
    assert.deepEqual(hung, []);
  });

  test('has four times as long to begin', () => {
    const thread = new Thread();
    thread.status = 'starting';
    const { hung, pass } = watched({ threads: [thread] });
    pass(20_000);
    assert.deepEqual(hung, []);
    pass(1000);
    assert.deepEqual(hung, [[0, 20_000]]);
  });

  test('is left alone when it has ended, and while the limit is 0', () => {
    const ended = new Thread();
    ended.status = 'ended';
    const { hung, pass, options } = watched({ threads: [ended, new Thread()], limitMs: 0 });
    pass(600_000);
    assert.equal(hung.length, 0);
    options.limitMs = 1000;
    pass(1000);
    assert.deepEqual(
      hung.map(([thread]) => thread),
      [1],
    );
  });
});

test('others that answer are not concerned', () => {
  const other = new Thread();
  other.answers = true;
  const { hung, pass } = watched({ threads: [other, new Thread()] });
  pass(6000);
  assert.deepEqual(hung, [[1, 5000]]);
});

test('a machine that was suspended, or a process that was frozen for an hour, has lost a second and no worker', () => {
  const { hung, clock, pass } = watched();
  pass(2000);
  clock.pass(3_600_000);
  assert.deepEqual(hung, []);
  pass(2000);
  assert.deepEqual(hung, []);
});

test('nothing is knocked at when it is over', () => {
  const { clock, threads, watch } = watched();
  watch[Symbol.dispose]();
  clock.pass(10_000);
  assert.equal(threads[0]!.unanswered, 0);
});

test('new connections go to those that have answered lately, and to all where none has', () => {
  const threads = [0, 2, 3, 30].map((unanswered) => Object.assign(new Thread(), { unanswered }));
  assert.deepEqual(prompt(threads), threads.slice(0, 2));
  assert.deepEqual(prompt(threads.slice(2)), threads.slice(2));
});
