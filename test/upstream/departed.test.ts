// Endpoints that leave an upstream and come back.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Events } from '../../src/core/events.ts';
import { Upstream } from '../../src/upstream/upstream.ts';
import { HandClock } from '../support/hand-clock.ts';
import { poolSettings } from './pool-settings.ts';

const [A, B] = ['127.0.0.1:1', '127.0.0.1:2'];
const specs = (...names: string[]) => names.map((address) => ({ address, weight: 1 }));

function upstreamOf(...names: string[]) {
  const clock = new HandClock();
  const options = { name: 'x', endpoints: names, balancer: 'round_robin', pool: poolSettings() } as const;
  const upstream = new Upstream(options, new Events(), clock);
  const called: string[] = [];
  for (const endpoint of upstream.endpoints) {
    endpoint.drain = () => called.push(`drain ${endpoint.name}`);
    endpoint.revive = () => called.push(`revive ${endpoint.name}`);
    endpoint.destroy = () => called.push(`destroy ${endpoint.name}`);
  }
  return { clock, upstream, called };
}

test('one that leaves drains at once, and gets nothing any more', () => {
  const { upstream, called } = upstreamOf(A, B);
  upstream.update(specs(B));
  for (let i = 0; i < 4; i += 1) assert.equal(upstream.pick().name, B);
  assert.deepEqual(called, [`drain ${A}`]);
});

test('one that comes back within a minute is the same, with what is known of it and its new weight', () => {
  const { clock, upstream, called } = upstreamOf(A, B);
  const [first] = upstream.endpoints;
  first!.failures = 3;
  upstream.update(specs(B));
  clock.pass(59_999);
  upstream.update([...specs(B), { address: A, weight: 5 }]);
  const back = upstream.endpoints.find(({ name }) => name === A);
  assert.equal(back, first);
  assert.deepEqual([back?.failures, back?.weight], [3, 5]);
  assert.deepEqual(called, [`drain ${A}`, `revive ${A}`]);
});

test('one that comes back later is another', () => {
  const { clock, upstream } = upstreamOf(A, B);
  const [first] = upstream.endpoints;
  upstream.update(specs(B));
  clock.pass(60_000);
  upstream.update(specs(A, B));
  assert.notEqual(upstream.endpoints[0], first);
});

test('those that left are bounded: the first of them is forgotten for the 257th', () => {
  const { upstream } = upstreamOf(A);
  const [first] = upstream.endpoints;
  const others = Array.from({ length: 257 }, (_, index) => `127.0.0.1:${1000 + index}`);
  for (const name of others) upstream.update(specs(name));
  upstream.update(specs(A));
  assert.notEqual(upstream.endpoints[0], first);
});

test('when the upstream is destroyed, those that left are too', () => {
  const { upstream, called } = upstreamOf(A, B);
  upstream.update(specs(B));
  upstream.destroy();
  assert.deepEqual(called.sort(), [`destroy ${A}`, `destroy ${B}`, `drain ${A}`]);
});
