// Request bodies above a size: by Content-Length before anything is sent on, by count while the body passes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { GatewayError } from '../../src/core/errors.ts';
import { bodyLimit } from '../../src/policies/body-limit.ts';
import { HandClock } from '../support/hand-clock.ts';
import { contextOf, enter, exchangeOf } from './asked.ts';

const clock = new HandClock();
const hooks = bodyLimit.hooks({ max_bytes: 100 }, contextOf(clock));

test('a Content-Length above the limit is refused, and the log is told both numbers', () => {
  const refused = enter(hooks, exchangeOf(clock, { 'content-length': '101' })) as GatewayError;
  assert.equal(refused.code, 'BODY_TOO_LARGE');
  assert.match(refused.detail ?? '', /101.*100/);
});

test('at the limit, and without a length, the body may come; it is counted while it passes', () => {
  for (const headers of [{ 'content-length': '100' }, {}]) {
    const exchange = exchangeOf(clock, headers);
    assert.equal(enter(hooks, exchange), undefined);
    assert.equal(exchange.bodyLimit, 100);
  }
});

test('0 sets no limit', () => {
  assert.deepEqual(bodyLimit.hooks({ max_bytes: 0 }, contextOf(clock)), {});
});

test('the order of the list: what admits comes before what only changes', async () => {
  const { POLICIES } = await import('../../src/policies/index.ts');
  assert.deepEqual(
    POLICIES.map(({ name }) => name),
    [
      // It tells the time that all the others took.
      'server_timing',
      ...['ip_rules', 'shield', 'rate_limit', 'concurrency_limit', 'deadline', 'body_limit'],
      ...['compress', 'cache', 'headers'],
    ],
  );
});
