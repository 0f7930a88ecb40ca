// Where the time of an answer went, for whoever opens the developer tools.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AccessRecord, Answer } from '../../src/core/exchange.ts';
import { POLICIES } from '../../src/policies/index.ts';
import { serverTiming } from '../../src/policies/server-timing.ts';
import { HandClock } from '../support/hand-clock.ts';
import { contextOf, exchangeOf } from './asked.ts';

/** What an answer says that goes out now, 20 ms after its request came. */
function said(record: Partial<AccessRecord>, fields: string[] = [], headers: Record<string, string> = {}): string[] {
  const clock = new HandClock();
  const exchange = exchangeOf(clock, headers);
  const { started } = exchange.record;
  const at = (time: number | undefined) => (time === undefined ? undefined : started + time);
  Object.assign(exchange.record, record, {
    upstreamStarted: at(record.upstreamStarted),
    firstByte: at(record.firstByte),
  });
  clock.pass(20);
  const answer: Answer = { status: 200, fields: [...fields], ended: false, source: 'upstream', sink: undefined };
  serverTiming.hooks({}, contextOf(clock)).onAnswer!(exchange, answer);
  return answer.fields;
}

test('a forwarded answer says how long the upstream took to its head, and the gateway beside', () => {
  const fields = said({ upstreamStarted: 3, firstByte: 18.04 });
  assert.deepEqual(fields, ['server-timing', 'upstream;dur=15, gatehouse;dur=5']);
});

test('an answer from the store says what the cache did, and names no upstream', () => {
  assert.deepEqual(said({ cache: 'hit', firstByte: 20 }), ['server-timing', 'cache;desc=hit, gatehouse;dur=20']);
});

test('it comes after what the origin says, in one field', () => {
  const fields = said({ cache: 'miss', upstreamStarted: 5, firstByte: 20 }, [
    ...['server-timing', 'db;dur=53', 'etag', '"1"'],
    ...['server-timing', 'app;desc="a, b"'],
  ]);
  assert.deepEqual(fields, [
    ...['etag', '"1"', 'server-timing'],
    'db;dur=53, app;desc="a, b", cache;desc=miss, upstream;dur=15, gatehouse;dur=5',
  ]);
});

test('who waited for the answer to an earlier request counts no time from before it came', () => {
  const fields = said({ cache: 'miss', upstreamStarted: -500, firstByte: 20 });
  assert.deepEqual(fields, ['server-timing', 'cache;desc=miss, upstream;dur=20, gatehouse;dur=0']);
});

test('what the gateway answers after an upstream failed says how long that took', () => {
  assert.deepEqual(said({ upstreamStarted: 4 }), ['server-timing', 'upstream;dur=16, gatehouse;dur=4']);
});

test('gRPC gets no metadata of ours', () => {
  assert.deepEqual(said({ upstreamStarted: 4 }, [], { 'content-type': 'application/grpc' }), []);
});

test('it is the outermost policy, so that no cache stores the time of another request', () => {
  assert.equal(POLICIES[0], serverTiming);
});
