// Deadlines: the route's and the caller's own. gRPC over HTTP/2 "Timeout"; Connect protocol "Timeout-Milliseconds".
// Harm: a call that waits for ever holds a stream of ZITADEL, and one that is given up too early is a failed login.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deadline, parseConnectTimeout, parseGrpcTimeout } from '../../src/policies/deadline.ts';
import { HandClock } from '../support/hand-clock.ts';
import { contextOf, enter, exchangeOf } from './asked.ts';

function entered(options: object, headers: Record<string, string> = {}) {
  const clock = new HandClock();
  const exchange = exchangeOf(clock, headers);
  assert.equal(enter(deadline.hooks(deadline.options.parse(options), contextOf(clock)), exchange), undefined);
  return { clock, exchange };
}

test('grpc-timeout is read in all its units, and what is none is left to the upstream', () => {
  const read = ['1H', '2M', '3S', '40m', '5000u', '6000000n', '99999999S'].map(parseGrpcTimeout);
  assert.deepEqual(read, [3_600_000, 120_000, 3000, 40, 5, 6, 99_999_999_000]);
  for (const text of ['', '1', 'S', '1s', '-1S', '1.5S', '123456789S', '1S ', undefined]) {
    assert.equal(parseGrpcTimeout(text), undefined, String(text));
  }
});

test('connect-timeout-ms is a whole number of at most ten digits', () => {
  assert.equal(parseConnectTimeout('250'), 250);
  for (const text of ['', '-1', '1e3', '12345678901', '1.5', undefined])
    assert.equal(parseConnectTimeout(text), undefined);
});

test("the caller's deadline ends the exchange where it is shorter than the route's", () => {
  const grpc = { 'content-type': 'application/grpc', 'grpc-timeout': '300m' };
  const { clock, exchange } = entered({ total_ms: 1000 }, grpc);
  const ended = (): string | undefined => exchange.aborted?.code;
  clock.pass(299);
  assert.equal(ended(), undefined);
  clock.pass(1);
  assert.equal(ended(), 'DEADLINE_EXCEEDED');
});

test("the route's counts where it is shorter, or where the caller's is not honoured", () => {
  const grpc = { 'content-type': 'application/grpc', 'grpc-timeout': '10S' };
  const shorter = entered({ total_ms: 1000 }, grpc);
  shorter.clock.pass(1000);
  assert.equal(shorter.exchange.aborted?.code, 'DEADLINE_EXCEEDED');
  const ignored = entered({ answer_ms: 0, honour_caller: false }, { ...grpc, 'grpc-timeout': '1m' });
  ignored.clock.pass(1_000_000);
  assert.equal(ignored.exchange.aborted, undefined);
});

test('a deadline in a header of plain HTTP means nothing', () => {
  const { clock, exchange } = entered({ answer_ms: 0 }, { 'grpc-timeout': '1m', 'connect-timeout-ms': '1' });
  clock.pass(1_000_000);
  assert.equal(exchange.aborted, undefined);
});

test('answer_ms counts until the head is here, and never after', () => {
  const late = entered({ answer_ms: 500 });
  late.clock.pass(500);
  assert.match(late.exchange.aborted?.detail ?? '', /answer 500 ms/);
  const begun = entered({ answer_ms: 500 });
  begun.exchange.record.firstByte = 100;
  begun.clock.pass(500);
  assert.equal(begun.exchange.aborted, undefined);
});

test('an exchange that is over leaves no timer behind', () => {
  const { clock, exchange } = entered({ answer_ms: 500, total_ms: 1000 });
  exchange.close();
  clock.pass(5000);
  assert.equal(exchange.aborted, undefined);
});
