// What is looked at before it is sent on must arrive as if nobody had looked: whole, once, in its order, with its end.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { PeekedBody } from '../../src/core/exchange.ts';
import { type DownstreamStream, type Fields, NOBODY, type Receiver } from '../../src/core/raw.ts';
import { BodyPeek } from '../../src/gateway/body-peek.ts';
import { HandClock } from '../support/hand-clock.ts';

/** A stream whose events the test makes. */
class Stream implements DownstreamStream {
  receiver: Receiver = NOBODY;
  ended = false;
  responded = false;
  onClosed: (() => void) | undefined;
  flowing = false;
  readonly informed: number[] = [];
  respondWhole(): void {}
  pause(): void {
    this.flowing = false;
  }
  resume(): void {
    this.flowing = true;
  }
  inform(status: number): void {
    this.informed.push(status);
  }
  respond(): void {}
  write(): boolean {
    return true;
  }
  end(): void {}
  reset(): void {}
}

/** An owner that remembers what it was told. */
class Owner implements Receiver {
  readonly told: string[] = [];
  onData(chunk: Uint8Array): void {
    this.told.push(Buffer.from(chunk).toString());
  }
  onEnd(trailers: Fields | undefined): void {
    this.told.push(`end ${trailers?.join('=') ?? ''}`.trim());
  }
  onReset(): void {
    this.told.push('reset');
  }
  onDrain(): void {
    this.told.push('drain');
  }
  onClose(): void {
    this.told.push('close');
  }
}

function started(expectsContinue = false) {
  const stream = new Stream();
  const clock = new HandClock();
  const peek = new BodyPeek(stream, clock, 30_000, expectsContinue);
  const seen: { error: string | undefined; body: PeekedBody }[] = [];
  const look = (maxBytes: number, enough?: (bytes: Buffer) => boolean): void =>
    peek.peek({ maxBytes, enough, done: (error, body) => seen.push({ error: error?.code, body }) });
  const text = (): string => seen.at(-1)!.body.bytes.toString();
  return { stream, clock, peek, seen, look, text };
}

const turn = (): Promise<void> => Promise.resolve();

test('a body that ends is seen whole, and told whole to the owner that comes after, with its trailers', async () => {
  const { stream, peek, seen, look, text } = started();
  look(1000);
  assert.equal(stream.flowing, true);
  stream.receiver.onData(Buffer.from('loginName='));
  stream.receiver.onData(Buffer.from('joe'));
  assert.equal(seen.length, 0, 'nothing is known before the end');
  stream.receiver.onEnd(['x-sum', '1']);
  assert.deepEqual(
    [seen.length, seen[0]!.error, text(), seen[0]!.body.complete],
    [1, undefined, 'loginName=joe', true],
  );
  const owner = new Owner();
  peek.receiver = owner;
  peek.resume();
  await turn();
  assert.deepEqual(owner.told, ['loginName=joe', 'end x-sum=1']);
});

test('of a larger body so much is seen as was asked for, and the rest flows to its owner', async () => {
  const { stream, peek, seen, look } = started();
  look(4);
  stream.receiver.onData(Buffer.from('12345'));
  assert.deepEqual([seen[0]!.body.complete, stream.flowing], [false, false], 'nothing more is read than is wanted');
  const owner = new Owner();
  peek.receiver = owner;
  peek.resume();
  await turn();
  stream.receiver.onData(Buffer.from('67'));
  stream.receiver.onEnd(undefined);
  assert.deepEqual(owner.told, ['12345', '67', 'end']);
});

test('the second look at what is already there is answered at once', () => {
  const { stream, seen, look } = started();
  look(3);
  stream.receiver.onData(Buffer.from('abc'));
  look(2);
  assert.equal(seen.length, 2);
  look(10);
  assert.equal(seen.length, 2, 'more than is there has to come first');
  stream.receiver.onData(Buffer.from('defghijk'));
  assert.equal(seen.at(-1)!.body.bytes.toString(), 'abcdefghijk');
});

test('`enough` ends the look as soon as the first message is whole', () => {
  const { stream, seen, look } = started();
  look(1000, (bytes) => bytes.includes(';'));
  stream.receiver.onData(Buffer.from('ab'));
  stream.receiver.onData(Buffer.from('c;'));
  assert.equal(seen.length, 1);
});

test('a client that waits for 100 is told once, before the look and not again after it', () => {
  const { stream, peek, look } = started(true);
  look(10);
  peek.inform(100, []);
  assert.deepEqual(stream.informed, [100]);
});

test('a request without a body is seen at once, and its client is not asked for one', () => {
  const { stream, seen, look } = started(true);
  stream.ended = true;
  look(10);
  assert.deepEqual([seen[0]!.body.complete, stream.informed], [true, []]);
});

test('a client that leaves ends the look, and its owner hears of it', async () => {
  const { stream, peek, seen, look } = started();
  look(10);
  stream.receiver.onReset({ code: 8, unprocessed: false, by: 'peer' });
  stream.receiver.onClose();
  assert.deepEqual(
    seen.map(({ error }) => error),
    ['CLIENT_LEFT'],
  );
  const owner = new Owner();
  peek.receiver = owner;
  await turn();
  assert.deepEqual(owner.told, ['reset', 'close']);
});

test('R.U.D.Y.: a client that owes a body and sends nothing of it is given up', () => {
  const { stream, clock, seen, look } = started();
  look(10);
  clock.pass(29_000);
  stream.receiver.onData(Buffer.from('a'));
  clock.pass(1_000);
  assert.equal(seen.length, 0, 'it did send something');
  clock.pass(30_000);
  assert.equal(seen[0]!.error, 'REQUEST_TIMEOUT');
});

test('an owner that holds on in the middle of what was kept gets the rest later, and nothing twice', async () => {
  const { stream, peek, look } = started();
  look(100, (bytes) => bytes.length >= 2);
  stream.receiver.onData(Buffer.from('a'));
  stream.receiver.onData(Buffer.from('b'));
  const owner = new Owner();
  owner.onData = (chunk) => {
    owner.told.push(Buffer.from(chunk).toString());
    peek.pause();
  };
  peek.receiver = owner;
  peek.resume();
  await turn();
  stream.receiver.onData(Buffer.from('c')); // was on its way
  assert.ok(owner.told.join('').startsWith('a'));
  peek.resume();
  await turn();
  peek.resume();
  await turn();
  assert.equal(owner.told.join(''), 'abc');
});

test('whatever the pieces and the looks, the owner gets every byte once and the end last', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.string({ minLength: 1, maxLength: 5 }), { maxLength: 12 }),
      fc.integer({ min: 0, max: 40 }),
      async (pieces, maxBytes) => {
        const { stream, peek, look } = started();
        const owner = new Owner();
        look(maxBytes);
        const over = (): boolean => !stream.flowing;
        let next = 0;
        for (; next < pieces.length && !over(); next += 1) stream.receiver.onData(Buffer.from(pieces[next]!));
        const all = next === pieces.length && !over();
        if (all) stream.receiver.onEnd(undefined);
        peek.receiver = owner;
        peek.resume();
        await turn();
        for (; next < pieces.length; next += 1) stream.receiver.onData(Buffer.from(pieces[next]!));
        if (!all) stream.receiver.onEnd(undefined);
        assert.equal(owner.told.join(''), `${pieces.join('')}end`);
      },
    ),
  );
});
