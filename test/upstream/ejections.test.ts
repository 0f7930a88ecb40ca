// What clients' requests show of endpoints: who is left out, for how long, and who never is.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GatewayError } from '../../src/core/errors.ts';
import { Events, type GatewayEvents } from '../../src/core/events.ts';
import type { Endpoint } from '../../src/upstream/endpoint.ts';
import { type HealthSettings, NO_HEALTH, type PassiveSettings } from '../../src/upstream/health/settings.ts';
import { Upstream } from '../../src/upstream/upstream.ts';
import { HandClock } from '../support/hand-clock.ts';
import { poolSettings } from './pool-settings.ts';

const PASSIVE: PassiveSettings = {
  consecutiveFailures: 5,
  successRate: { windowMs: 5000, minRequests: 20, stdevFactor: 3 },
  ejectMs: 10_000,
  maxEjectMs: 60_000,
  maxEjectedPercent: 50,
};

interface Stage {
  readonly upstream: Upstream;
  readonly clock: HandClock;
  readonly ejected: GatewayEvents['endpoint_ejected'][];
  readonly health: GatewayEvents['endpoint_health'][];
  readonly panics: GatewayEvents['panic'][];
  readonly endpoints: readonly Endpoint[];
  /** The names of those that are used. */
  used(): string;
}

function stage(count: number, passive: Partial<PassiveSettings> = {}, health: Partial<HealthSettings> = {}): Stage {
  const clock = new HandClock();
  const events = new Events();
  const ejected: GatewayEvents['endpoint_ejected'][] = [];
  const told: GatewayEvents['endpoint_health'][] = [];
  const panics: GatewayEvents['panic'][] = [];
  events.on('endpoint_ejected', (event) => ejected.push(event));
  events.on('endpoint_health', (event) => told.push(event));
  events.on('panic', (event) => panics.push(event));
  const upstream = new Upstream(
    {
      name: 'zitadel',
      endpoints: Array.from({ length: count }, (_, index) => `127.0.0.1:${index + 1}`),
      balancer: 'round_robin',
      health: { ...NO_HEALTH, passive: { ...PASSIVE, ...passive }, panicThresholdPercent: 30, ...health },
      pool: poolSettings(),
    },
    events,
    clock,
    () => 0,
  );
  const used = (): string => upstream.usable.map(({ name }) => name.slice(-1)).join('');
  return { upstream, clock, ejected, health: told, panics, endpoints: upstream.endpoints, used };
}

function fail(endpoint: Endpoint, times = 1): void {
  for (let i = 0; i < times; i += 1) endpoint.failed(new GatewayError('CONNECT_FAILED'), true, 0);
}

function good(endpoint: Endpoint, times = 1): void {
  for (let i = 0; i < times; i += 1) endpoint.answered('success', 1);
}

test('an endpoint that fails five times in a row is left out for a while, and then comes back', () => {
  const { clock, ejected, health, endpoints, used } = stage(3);
  fail(endpoints[0]!, 4);
  assert.equal(used(), '123');
  fail(endpoints[0]!);
  assert.equal(used(), '23');
  assert.deepEqual(
    ejected.map(({ endpoint, reason, detail, ms }) => ({ endpoint, reason, detail, ms })),
    [{ endpoint: '127.0.0.1:1', reason: 'consecutive_failures', detail: '5 failures in a row', ms: 10_000 }],
  );
  clock.pass(9999);
  assert.equal(used(), '23');
  clock.pass(1);
  assert.equal(used(), '123');
  assert.deepEqual(health, [{ upstream: 'zitadel', endpoint: '127.0.0.1:1', state: 'returned', reason: undefined }]);
});

test('a success in between begins the count anew', () => {
  const { endpoints, used } = stage(3);
  for (let i = 0; i < 10; i += 1) {
    fail(endpoints[0]!, 4);
    good(endpoints[0]!);
  }
  assert.equal(used(), '123');
});

test('who comes back and fails at once is left out again at once, twice as long each time up to the longest', () => {
  const { clock, ejected, endpoints, used } = stage(3);
  fail(endpoints[0]!, 5);
  for (let i = 0; i < 4; i += 1) {
    clock.pass(ejected.at(-1)!.ms);
    assert.equal(used(), '123');
    fail(endpoints[0]!);
    assert.equal(used(), '23');
  }
  assert.deepEqual(
    ejected.map(({ ms }) => ms),
    [10_000, 20_000, 40_000, 60_000, 60_000],
  );
});

test('who comes back and answers has its five failures again, and after long good standing a short time', () => {
  const { clock, ejected, endpoints, used } = stage(3);
  fail(endpoints[0]!, 5);
  clock.pass(10_000);
  assert.equal(used(), '123');
  good(endpoints[0]!);
  fail(endpoints[0]!, 4);
  assert.equal(used(), '123');
  clock.pass(60_001);
  fail(endpoints[0]!);
  assert.deepEqual(
    ejected.map(({ ms }) => ms),
    [10_000, 10_000],
  );
});

test('the time of an ejection is jittered upwards only', () => {
  const clock = new HandClock();
  const events = new Events();
  let ms = 0;
  events.on('endpoint_ejected', (event) => {
    ms = event.ms;
  });
  const upstream = new Upstream(
    {
      name: 'x',
      endpoints: ['127.0.0.1:1', '127.0.0.1:2'],
      balancer: 'round_robin',
      health: { ...NO_HEALTH, passive: PASSIVE },
      pool: poolSettings(),
    },
    events,
    clock,
    () => 0.5,
  );
  fail(upstream.endpoints[0]!, 5);
  assert.equal(ms, 11_000);
});

test('no more than the configured share is ever left out, and never the last one', () => {
  const three = stage(3);
  for (const endpoint of three.endpoints) fail(endpoint, 20);
  assert.equal(three.used(), '23');
  assert.equal(three.ejected.length, 1);

  const two = stage(2, { maxEjectedPercent: 100 });
  for (const endpoint of two.endpoints) fail(endpoint, 20);
  assert.equal(two.used(), '2');

  const one = stage(1, { maxEjectedPercent: 100 });
  fail(one.endpoints[0]!, 20);
  assert.equal(one.used(), '1');
  assert.equal(one.ejected.length, 0);
});

test('all streams of one session that is lost are one failure', () => {
  const { endpoints, used } = stage(3);
  const lost = new GatewayError('UPSTREAM_RESET');
  for (let i = 0; i < 100; i += 1) endpoints[0]!.failed(lost, true, 0, 7);
  assert.equal(used(), '123');
  for (const session of [8, 9, 10]) endpoints[0]!.failed(lost, true, 0, session);
  assert.equal(used(), '123');
  endpoints[0]!.failed(lost, true, 0, 11);
  assert.equal(used(), '23');
});

test('what clients can cause changes nothing, however often', () => {
  const { endpoints, used } = stage(3);
  for (let i = 0; i < 100; i += 1) endpoints[0]!.failed(new GatewayError('UPSTREAM_RESET'), false, 0);
  assert.equal(used(), '123');
});

test('an endpoint that breaks on far more requests than the others is left out at the end of the window', () => {
  const { clock, ejected, endpoints, used } = stage(3);
  for (let i = 0; i < 60; i += 1) {
    good(endpoints[1]!);
    good(endpoints[2]!);
    if (i % 2 === 0) good(endpoints[0]!);
    else endpoints[0]!.answered('error', 1);
  }
  assert.equal(used(), '123');
  clock.pass(5000);
  good(endpoints[1]!);
  assert.equal(used(), '23');
  assert.equal(ejected[0]!.reason, 'success_rate');
  assert.equal(ejected[0]!.detail, "50% of its answers are good, 100% of the others'");
});

test('when all endpoints break alike none is left out: it is not theirs', () => {
  const { clock, endpoints, used } = stage(3);
  for (let window = 0; window < 5; window += 1) {
    for (let i = 0; i < 90; i += 1) endpoints[i % 3]!.answered(i % 2 === 0 ? 'error' : 'success', 1);
    clock.pass(5000);
    good(endpoints[0]!);
  }
  assert.equal(used(), '123');
});

test('a small difference, or few requests, is no reason to leave one out', () => {
  const { clock, endpoints, used } = stage(2);
  // 95 percent of ten thousand is certainly less than 100, and not worth an endpoint.
  for (let i = 0; i < 10_000; i += 1) {
    endpoints[0]!.answered(i % 20 === 0 ? 'error' : 'success', 1);
    good(endpoints[1]!);
  }
  clock.pass(5000);
  good(endpoints[1]!);
  assert.equal(used(), '12');
  for (let i = 0; i < 19; i += 1) endpoints[0]!.answered('error', 1);
  good(endpoints[1]!, 100);
  clock.pass(5000);
  good(endpoints[1]!);
  assert.equal(used(), '12');
});

test('where little happens the window goes on until there is enough to compare, and not for ever', () => {
  const quiet = stage(2);
  const ask = (endpoints: readonly Endpoint[], times: number): void => {
    for (let i = 0; i < times; i += 1) {
      endpoints[0]!.answered('error', 1);
      good(endpoints[1]!);
    }
  };
  for (let window = 0; window < 4; window += 1) {
    assert.equal(quiet.used(), '12');
    ask(quiet.endpoints, 5);
    quiet.clock.pass(5000);
  }
  assert.equal(quiet.used(), '2');

  const silent = stage(2);
  for (let window = 0; window < 40; window += 1) {
    ask(silent.endpoints, 1);
    silent.clock.pass(5000);
  }
  assert.equal(silent.used(), '12');
});

test('both kinds of ejection can be switched off', () => {
  const { clock, endpoints, used } = stage(3, {
    consecutiveFailures: 0,
    successRate: { windowMs: 0, minRequests: 1, stdevFactor: 3 },
  });
  fail(endpoints[0]!, 1000);
  clock.pass(5000);
  good(endpoints[1]!, 100);
  assert.equal(used(), '123');
});

test('with too few usable endpoints all are used, which is told once, and once when it is over', () => {
  const { clock, endpoints, used, panics } = stage(4, { maxEjectedPercent: 100 }, { panicThresholdPercent: 50 });
  fail(endpoints[0]!, 5);
  fail(endpoints[1]!, 5);
  assert.equal(used(), '34');
  fail(endpoints[2]!, 5);
  assert.equal(used(), '1234');
  assert.deepEqual(panics, [{ upstream: 'zitadel', on: true, usable: 1, total: 4 }]);
  clock.pass(10_000);
  assert.equal(used(), '1234');
  assert.deepEqual(panics.slice(1), [{ upstream: 'zitadel', on: false, usable: 4, total: 4 }]);
});

test('a retry goes to one that was ejected before it goes to the one that has just failed', () => {
  const { upstream, endpoints } = stage(2);
  fail(endpoints[0]!, 5);
  assert.equal(upstream.pick(), endpoints[1]);
  assert.equal(upstream.pick({ tried: [endpoints[1]!] }), endpoints[0]);
});
