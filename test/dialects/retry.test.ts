import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GatewayError } from '../../src/core/errors.ts';
import { retryAfter, retryDelayMs } from '../../src/dialects/retry.ts';

const after = (retryAfterS: number) => new GatewayError('TOO_MANY_REQUESTS', { retryAfterS });

test('Retry-After is in whole seconds and never earlier than the wait', () => {
  assert.equal(retryAfter(after(0)), '0');
  assert.equal(retryAfter(after(0.2)), '1');
  assert.equal(retryAfter(after(7)), '7');
  assert.equal(retryAfter(after(7.001)), '8');
  assert.equal(retryDelayMs(after(0.2)), 200);
  assert.equal(retryDelayMs(after(0.0001)), 1);
});

test('a wait that cannot be one is not told, and none is longer than a day', () => {
  assert.equal(retryAfter(after(-1)), undefined);
  assert.equal(retryAfter(after(Number.NaN)), undefined);
  assert.equal(retryAfter(after(Number.POSITIVE_INFINITY)), '86400');
});

test('an answer of 503 always says when to come again, others only where they were told', () => {
  assert.equal(retryAfter(new GatewayError('NO_ENDPOINT')), '1');
  assert.equal(retryAfter(new GatewayError('CONNECT_FAILED')), undefined);
});
