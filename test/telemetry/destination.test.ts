import assert from 'node:assert/strict';
import test from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { Destination } from '../../src/telemetry/destination.ts';
import type { Outlet, Sent } from '../../src/telemetry/outlet.ts';
import { HandClock } from '../support/hand-clock.ts';

/** An outlet whose reader takes what the test lets it take. */
class HandOutlet implements Outlet {
  readonly terminal = false;
  #out: Buffer[] = [];
  writes = 0;
  atOnce = 0;
  released: boolean | undefined;
  #waiting: { chunk: Uint8Array; done: (sent: Sent) => void } | undefined;

  write(chunk: Uint8Array, done: (sent: Sent) => void): void {
    assert.equal(this.#waiting, undefined, 'one write at a time');
    this.writes += 1;
    this.#waiting = { chunk, done };
  }

  writeNow(chunk: Uint8Array): number {
    const sent = Math.min(this.atOnce, chunk.length);
    this.atOnce -= sent;
    this.#out.push(Buffer.from(chunk.subarray(0, sent)));
    return sent;
  }

  release(stuck: boolean): void {
    this.released = stuck;
  }

  get text(): string {
    return Buffer.concat(this.#out).toString();
  }

  get busy(): boolean {
    return this.#waiting !== undefined;
  }

  /** The reader takes so many bytes of the write that waits, all by default. */
  take(bytes = Number.POSITIVE_INFINITY): void {
    const { chunk, done } = this.#waiting!;
    this.#waiting = undefined;
    const sent = Math.min(bytes, chunk.length);
    this.#out.push(Buffer.from(chunk.subarray(0, sent)));
    done(sent);
  }

  end(how: 'lost' | 'gone'): void {
    const { done } = this.#waiting!;
    this.#waiting = undefined;
    done(how);
  }
}

function setUp(maxBytes: number) {
  const outlet = new HandOutlet();
  const clock = new HandClock();
  const told: number[] = [];
  const destination = new Destination({ outlet, maxBytes, clock, onDropped: (lines) => told.push(lines) });
  return { outlet, clock, told, destination };
}

test('lines of one turn leave in one write', async () => {
  const { outlet, destination } = setUp(1000);
  destination.write('one\n', 30);
  destination.write('two\n', 30);
  assert.equal(outlet.writes, 0);
  await turn();
  assert.equal(outlet.writes, 1);
  outlet.take();
  assert.equal(outlet.text, 'one\ntwo\n');
});

test('whatever pieces the reader takes, bytes come out in order and once, round and round', async () => {
  const { outlet, destination } = setUp(64);
  let expected = '';
  for (let i = 0; i < 500; i += 1) {
    const line = `${i} ${'é'.repeat(i % 9)}\n`;
    const dropped = destination.dropped;
    destination.write(line, 50);
    if (destination.dropped === dropped) expected += line;
    await turn();
    if (outlet.busy) outlet.take(1 + (i % 17));
  }
  while (outlet.busy) outlet.take();
  assert.equal(outlet.text, expected);
  assert.ok(destination.dropped > 0);
  assert.equal(destination.pendingBytes, 0);
});

test('the bound holds to the byte, and a line is taken whole or not at all', async () => {
  const { destination } = setUp(80);
  for (let i = 0; i < 8; i += 1) destination.write('123456789\n', 50);
  assert.equal(destination.pendingBytes, 80);
  destination.write('\n', 50);
  assert.equal(destination.pendingBytes, 80);
  assert.equal(destination.dropped, 1);
});

test('an eighth is kept for warnings and errors', () => {
  const { destination } = setUp(80);
  for (let i = 0; i < 8; i += 1) destination.write('123456789\n', 30);
  assert.equal(destination.pendingBytes, 70);
  destination.write('123456789\n', 40);
  assert.equal(destination.pendingBytes, 80);
});

test('what was lost is told once there is room again, not before', async () => {
  const { outlet, told, destination } = setUp(80);
  for (let i = 0; i < 12; i += 1) destination.write('123456789\n', 50);
  await turn();
  outlet.take(20);
  assert.deepEqual(told, []);
  outlet.take(30);
  assert.deepEqual(told, [4]);
});

test('a chunk that a full disk loses is counted by its lines, and the next is tried', async () => {
  const { outlet, told, destination } = setUp(1000);
  destination.write('one\n', 30);
  destination.write('two\n', 30);
  await turn();
  outlet.end('lost');
  assert.equal(destination.dropped, 2);
  assert.deepEqual(told, [2]);
  destination.write('three\n', 30);
  await turn();
  outlet.take();
  assert.equal(outlet.text, 'three\n');
});

test('a reader that is gone costs nothing more: no write, no waiting', async () => {
  const { outlet, destination } = setUp(1000);
  destination.write('one\n', 30);
  await turn();
  destination.write('two\n', 30);
  outlet.end('gone');
  destination.write('three\n', 30);
  await turn();
  assert.equal(outlet.writes, 1);
  assert.equal(destination.pendingBytes, 0);
  assert.equal(destination.dropped, 3);
  assert.equal(await destination.close(1000), false);
});

test('close waits for the reader, and lets go of the outlet', async () => {
  const { outlet, destination } = setUp(1000);
  destination.write('one\n', 30);
  const closing = destination.close(1000);
  outlet.take();
  assert.equal(await closing, true);
  assert.equal(outlet.released, false);
  assert.equal(outlet.text, 'one\n');
});

test('close does not wait longer than it is told, and gives up the write that waits', async () => {
  const { outlet, clock, destination } = setUp(1000);
  destination.write('one\n', 30);
  const closing = destination.close(1000);
  clock.pass(999);
  clock.pass(1);
  assert.equal(await closing, false);
  assert.equal(outlet.released, true);
});

test('at the last moment what fits is written at once', () => {
  const { outlet, destination } = setUp(1000);
  destination.write('one\n', 30);
  destination.write('two\n', 30);
  outlet.atOnce = 6;
  destination.writeNow();
  assert.equal(outlet.text, 'one\ntw');
});

test('at the last moment nothing is written beside a write that waits: a line could come out twice', async () => {
  const { outlet, destination } = setUp(1000);
  destination.write('one\n', 30);
  await turn();
  outlet.atOnce = 100;
  destination.writeNow();
  assert.equal(outlet.text, '');
});
