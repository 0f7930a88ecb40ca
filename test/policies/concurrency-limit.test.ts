// Places by themselves: held to the end of the exchange, however it ends, and by nobody who has left.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { GatewayError } from '../../src/core/errors.ts';
import type { PolicyServices } from '../../src/core/policy.ts';
import { SharedPlaces } from '../../src/limits/places.ts';
import { concurrencyLimit } from '../../src/policies/concurrency-limit.ts';
import { ZITADEL_RPCS } from '../../src/rpc/rpc-table.ts';
import { HandClock } from '../support/hand-clock.ts';
import { contextOf, enter, exchangeOf } from './asked.ts';

const clock = new HandClock();

function policy(limits: object, shadow = false) {
  const places = new SharedPlaces(SharedPlaces.allocate(64, 1, crypto.getRandomValues.bind(crypto)), 1);
  const context = contextOf(clock, {
    places,
    rpcs: ZITADEL_RPCS,
    ipv6PrefixLength: 64,
    untrustedPrivatePeers: shadow ? 'shadow' : 'enforce',
  } as Partial<PolicyServices>);
  const settings = concurrencyLimit.options.parse({ limits });
  return {
    places,
    hooks: concurrencyLimit.hooks(settings, context),
    explain: concurrencyLimit.explain!(settings, context),
  };
}

const ask = (fields: Record<string, string> = {}) => exchangeOf(clock, fields);

test('so many at once by key; the next is refused with the rule and when to come again; a place is free with its exchange', () => {
  const { hooks, explain } = policy({ each: { key: ['header:x'], max_in_flight: 2, retry_after_s: 7 } });
  const [one, two] = [ask({ x: 'a' }), ask({ x: 'a' })];
  assert.equal(enter(hooks, one), undefined);
  assert.equal(enter(hooks, two), undefined);
  assert.deepEqual(explain(ask({ x: 'a' })), ['each: 2 in flight, by header:x; 2 in flight']);
  const refused = enter(hooks, ask({ x: 'a' })) as GatewayError;
  assert.deepEqual([refused.code, refused.rule, refused.retryAfterS], ['TOO_MANY_IN_FLIGHT', 'each', 7]);
  assert.equal(enter(hooks, ask({ x: 'b' })), undefined, 'another key');
  one.close();
  assert.equal(enter(hooks, ask({ x: 'a' })), undefined);
});

test('a request without its key has no place, one of all such, or none at all', () => {
  for (const [missing, refused] of [
    ['skip', 0],
    ['shared', 2],
    ['refuse', 3],
  ] as const) {
    const { hooks } = policy({ each: { key: ['header:x'], max_in_flight: 1, missing } });
    const answers = [1, 2, 3].map(() => enter(hooks, ask()));
    assert.equal(answers.filter((error) => error !== undefined).length, refused, missing);
  }
});

test('a refusal by a later limit holds no place of an earlier one once the exchange is over', () => {
  const { hooks, places } = policy({
    wide: { key: ['address'], max_in_flight: 9 },
    tight: { key: ['header:x'], max_in_flight: 1 },
  });
  const exchanges = [1, 2, 3].map(() => ask({ x: 'a' }));
  for (const exchange of exchanges) enter(hooks, exchange);
  for (const exchange of exchanges) exchange.close();
  assert.equal(places.used, 0);
});

test('attack: a client that has left before its turn came holds no place', () => {
  const { hooks, places } = policy({ each: { key: ['address'], max_in_flight: 1 } });
  const exchange = ask();
  exchange.close();
  assert.equal(enter(hooks, exchange), undefined);
  assert.equal(places.used, 0, 'nobody would give it back any more');
});

test('`enforce: false`, and an address that may be a proxy’s, only report', () => {
  const { hooks } = policy(
    { all: { key: ['address'], max_in_flight: 1 }, one: { key: ['header:x'], max_in_flight: 1, enforce: false } },
    true,
  );
  for (let i = 0; i < 3; i += 1) {
    const exchange = ask({ x: 'a' });
    Object.assign(exchange, { client: { ...exchange.client, mayBeProxy: true } });
    assert.equal(enter(hooks, exchange), undefined);
    assert.deepEqual(exchange.record.reported, i === 0 ? [] : ['all', 'one']);
  }
});
