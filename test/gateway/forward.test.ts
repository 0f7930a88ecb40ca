// What an exchange holds while it waits for its upstream is given back, whatever becomes of the wait.
// Harm: each place that is lost makes the limit of the upstream smaller, until nobody is let through.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Events } from '../../src/core/events.ts';
import { NOBODY } from '../../src/core/raw.ts';
import { type ForwardOptions, forwarder } from '../../src/gateway/forward.ts';
import { UpstreamGate } from '../../src/gateway/upstream-gate.ts';
import { AdaptiveLimit } from '../../src/limits/overload/adaptive-limit.ts';
import { exchangeOf } from '../policies/asked.ts';
import { HandClock } from '../support/hand-clock.ts';

test('an exchange whose upstream never gets endpoints is told why, and its place is free again', async () => {
  const clock = new HandClock();
  const limit = new AdaptiveLimit({ minLimit: 4, maxLimit: 4, slowFactor: 2 }, clock);
  const gate = new UpstreamGate({
    limit,
    upstream: 'zitadel',
    class: 'api',
    priority: 'normal',
    rank: 2,
    usual: limit.usual('test'),
    enforced: true,
    retryAfterS: 2,
    clock,
    events: new Events(),
  });
  const looking = Promise.withResolvers<void>();
  const forward = forwarder({
    upstream: { awaited: looking.promise },
    clock,
    gate,
    limits: { bodyIdleMs: 30_000, writeIdleMs: 30_000, keptBodyBytes: 0 },
  } as unknown as ForwardOptions);
  const exchange = exchangeOf(clock, {});
  exchange.downstream = { ended: false, receiver: NOBODY } as typeof exchange.downstream;
  const forwarded = forward(exchange);
  assert.equal(limit.inFlight, 1);
  looking.reject(new Error('no names'));
  await assert.rejects(forwarded, /no names/);
  assert.equal(limit.inFlight, 0);
});
