// What every balancer keeps to, whatever it prefers.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Events } from '../../src/core/events.ts';
import type { BalancerContext } from '../../src/upstream/balancers/balancer.ts';
import { BALANCERS } from '../../src/upstream/balancers/index.ts';
import { Upstream } from '../../src/upstream/upstream.ts';
import { poolSettings } from '../upstream/pool-settings.ts';
import { Stall, seeded, stalls } from '../upstream/stalls.ts';

const NAMES = ['a', 'b', 'c'];

function context(given: Partial<BalancerContext> = {}): BalancerContext {
  return { now: () => 0, random: seeded(), slowStartMs: 0, ...given };
}

for (const [name, make] of Object.entries(BALANCERS)) {
  /** Each request from another client. */
  const question = (index: number) => ({ hash: name === 'ring_hash' ? `client ${index}` : undefined });
  const shares = (endpoints: readonly Stall[], picks: number, given: Partial<BalancerContext> = {}): number[] => {
    const balancer = make(context(given));
    for (const endpoint of endpoints) endpoint.picked = 0;
    for (let i = 0; i < picks; i += 1) balancer.pick(endpoints, question(i)).picked += 1;
    return endpoints.map(({ picked }) => picked / picks);
  };

  test(`${name}: picks one of those that it is given, also when they become fewer and more`, () => {
    const balancer = make(context());
    const endpoints = stalls(NAMES);
    for (const given of [
      endpoints,
      endpoints.slice(1),
      endpoints.slice(0, 1),
      endpoints,
      [...endpoints, new Stall('d')],
    ]) {
      for (let i = 0; i < 10; i += 1) assert.ok(given.includes(balancer.pick(given, question(i))));
    }
  });

  test(`${name}: over many picks endpoints that are alike get alike shares`, () => {
    for (const share of shares(stalls(NAMES), 30_000)) assert.ok(Math.abs(share - 1 / 3) < 0.06, `${share}`);
  });

  test(`${name}: over many picks each gets the share that its weight says`, () => {
    const endpoints = stalls(NAMES, [1, 2, 5]);
    const [a, b, c] = shares(endpoints, 30_000);
    assert.ok(
      Math.abs(a! - 0.125) < 0.05 && Math.abs(b! - 0.25) < 0.06 && Math.abs(c! - 0.625) < 0.06,
      `${a} ${b} ${c}`,
    );
  });

  if (name === 'ring_hash') continue;
  test(`${name}: an endpoint that has just come gets a tenth, then more, then its whole share`, () => {
    const [old, fresh] = stalls(['old', 'fresh']) as [Stall, Stall];
    fresh.usableSince = 100_000;
    const share = (now: number) => shares([old, fresh], 20_000, { now: () => now, slowStartMs: 10_000 })[1]!;
    old.usableSince = 0;
    assert.ok(Math.abs(share(100_000) - 0.1 / 1.1) < 0.02);
    assert.ok(Math.abs(share(105_000) - 0.5 / 1.5) < 0.02);
    assert.ok(Math.abs(share(110_000) - 0.5) < 0.02);
  });
}

test('an upstream does not pick what was tried already, as long as there is another', () => {
  for (const balancer of Object.keys(BALANCERS) as (keyof typeof BALANCERS)[]) {
    const names = ['127.0.0.1:1', '127.0.0.1:2'];
    const upstream = new Upstream({ name: 'x', endpoints: names, balancer, pool: poolSettings() }, new Events());
    for (let i = 0; i < 6; i += 1) {
      const first = upstream.pick({ hash: 'x' });
      assert.notEqual(upstream.pick({ tried: [first], hash: 'x' }), first);
    }
    assert.ok(upstream.endpoints.includes(upstream.pick({ tried: [...upstream.endpoints] })));
  }
});
