// What every balancer keeps to, whatever it prefers.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Events } from '../../src/core/events.ts';
import { BALANCERS } from '../../src/upstream/balancers/index.ts';
import type { Endpoint } from '../../src/upstream/endpoint.ts';
import { Upstream } from '../../src/upstream/upstream.ts';
import { poolSettings } from '../upstream/pool-settings.ts';

const endpoints = ['a', 'b', 'c'].map((name) => ({ name }) as Endpoint);

for (const [name, make] of Object.entries(BALANCERS)) {
  test(`${name}: picks one of those that it is given, also when they become fewer`, () => {
    const balancer = make();
    for (const given of [endpoints, endpoints.slice(1), endpoints.slice(0, 1), endpoints]) {
      for (let i = 0; i < 10; i += 1) assert.ok(given.includes(balancer.pick(given)));
    }
  });

  test(`${name}: over many picks endpoints that are alike get alike shares`, () => {
    const balancer = make();
    const picked = new Map<string, number>();
    for (let i = 0; i < 3000; i += 1) {
      const { name: one } = balancer.pick(endpoints);
      picked.set(one, (picked.get(one) ?? 0) + 1);
    }
    for (const { name: one } of endpoints)
      assert.ok(Math.abs(picked.get(one)! - 1000) < 100, `${one}: ${picked.get(one)}`);
  });
}

test('round_robin: one after the other, and two balancers have each their own turn', () => {
  const [one, two] = [BALANCERS.round_robin(), BALANCERS.round_robin()];
  const next = (): string => one.pick(endpoints).name;
  assert.deepEqual([next(), next(), next(), next()], ['a', 'b', 'c', 'a']);
  assert.equal(two.pick(endpoints).name, 'a');
});

test('an upstream does not pick what was tried already, as long as there is another', () => {
  const names = ['127.0.0.1:1', '127.0.0.1:2'];
  const upstream = new Upstream(
    { name: 'x', endpoints: names, balancer: 'round_robin', pool: poolSettings() },
    new Events(),
  );
  for (let i = 0; i < 6; i += 1) {
    const first = upstream.pick();
    assert.notEqual(upstream.pick([first]), first);
  }
  assert.ok(upstream.endpoints.includes(upstream.pick([...upstream.endpoints])));
});
