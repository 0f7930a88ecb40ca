// What each balancer prefers.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BalancerContext } from '../../src/upstream/balancers/balancer.ts';
import { hashSource } from '../../src/upstream/balancers/hash-source.ts';
import { leastRequests } from '../../src/upstream/balancers/least-requests.ts';
import { peakEwma } from '../../src/upstream/balancers/peak-ewma.ts';
import { ringHash } from '../../src/upstream/balancers/ring-hash.ts';
import { roundRobin } from '../../src/upstream/balancers/round-robin.ts';
import { Latency } from '../../src/upstream/health/latency.ts';
import { type Stall, seeded, stalls } from './stalls.ts';

function context(): BalancerContext {
  return { now: () => 0, random: seeded(), slowStartMs: 0 };
}

/** Requests in flight come and go: each endpoint ends one after `ms` ticks, one request comes with each tick. */
function simulate(pick: (index: number) => Stall, ms: (stall: Stall) => number, ticks: number): void {
  const ends = new Map<number, Stall[]>();
  for (let tick = 0; tick < ticks; tick += 1) {
    for (const stall of ends.get(tick) ?? []) stall.inFlight -= 1;
    const stall = pick(tick);
    stall.picked += 1;
    stall.inFlight += 1;
    const end = tick + ms(stall);
    ends.set(end, [...(ends.get(end) ?? []), stall]);
  }
}

test('round_robin: one after the other, and two balancers have each their own turn', () => {
  const endpoints = stalls(['a', 'b', 'c']);
  const [one, two] = [roundRobin(context()), roundRobin(context())];
  const next = (): string => one.pick(endpoints).name;
  assert.deepEqual([next(), next(), next(), next()], ['a', 'b', 'c', 'a']);
  assert.equal(two.pick(endpoints).name, 'a');
});

test('round_robin: a heavy endpoint has its turns spread, not in a row', () => {
  const endpoints = stalls(['a', 'b', 'c'], [5, 1, 1]);
  const balancer = roundRobin(context());
  const turns = Array.from({ length: 7 }, () => balancer.pick(endpoints).name).join('');
  assert.equal(turns, 'aabacaa');
});

test('least_requests: an endpoint that takes ten times as long gets a fraction of the requests', () => {
  const endpoints = stalls(['fast', 'fast too', 'slow']);
  const balancer = leastRequests(context());
  simulate(
    () => balancer.pick(endpoints),
    ({ name }) => (name === 'slow' ? 300 : 30),
    20_000,
  );
  const slow = endpoints[2]!.picked / 20_000;
  assert.ok(slow < 0.12 && slow > 0.02, `${slow}`);
});

test('least_requests: an endpoint that hangs soon gets next to nothing', () => {
  const endpoints = stalls(['a', 'b', 'hangs']);
  const balancer = leastRequests(context());
  simulate(
    () => balancer.pick(endpoints),
    ({ name }) => (name === 'hangs' ? 1e9 : 20),
    10_000,
  );
  assert.ok(endpoints[2]!.picked < 60, `${endpoints[2]!.picked}`);
});

test('least_requests: under load each has as much in flight as its weight says', () => {
  const endpoints = stalls(['a', 'b'], [1, 3]);
  const balancer = leastRequests(context());
  simulate(
    () => balancer.pick(endpoints),
    () => 80,
    20_000,
  );
  assert.ok(Math.abs(endpoints[1]!.inFlight / 80 - 0.75) < 0.05, `${endpoints[1]!.inFlight}`);
});

test('peak_ewma: the slower of two is asked when the faster has more to do than it is faster', () => {
  const [fast, slow] = stalls(['fast', 'slow']) as [Stall, Stall];
  fast.latency = 10;
  slow.latency = 100;
  const balancer = peakEwma(context());
  assert.equal(balancer.pick([fast, slow]), fast);
  fast.inFlight = 8;
  assert.equal(balancer.pick([fast, slow]), fast);
  fast.inFlight = 10;
  assert.equal(balancer.pick([fast, slow]), slow);
});

test('peak_ewma: an endpoint that has not answered yet is asked once, and not again before it has', () => {
  const [known, fresh] = stalls(['known', 'fresh']) as [Stall, Stall];
  known.latency = 10;
  const balancer = peakEwma(context());
  assert.equal(balancer.pick([known, fresh]), fresh);
  fresh.inFlight = 1;
  for (let i = 0; i < 20; i += 1) assert.equal(balancer.pick([known, fresh]), known);
});

test('latency: a slow answer counts at once, faster ones bring it down, and it fades', () => {
  const latency = new Latency();
  assert.equal(latency.at(0), undefined);
  latency.observe(10, 0);
  assert.equal(latency.at(0), 10);
  latency.observe(200, 1000);
  assert.equal(latency.at(1000), 200);
  latency.observe(10, 2000);
  const after = latency.at(2000)!;
  assert.ok(after > 150 && after < 200, `${after}`);
  assert.ok(latency.at(62_000)! < 1);
});

test('ring_hash: the same client goes to the same endpoint', () => {
  const endpoints = stalls(['a', 'b', 'c']);
  const [one, two] = [ringHash(context()), ringHash(context())];
  for (let i = 0; i < 200; i += 1) {
    const picked = one.pick(endpoints, { hash: `client ${i}` });
    assert.equal(one.pick(endpoints, { hash: `client ${i}` }), picked);
    assert.equal(two.pick(endpoints, { hash: `client ${i}` }), picked, 'in another worker too');
  }
});

test('ring_hash: when an endpoint goes only its clients move, and they come back with it', () => {
  const endpoints = stalls(['10.0.0.1:8080', '10.0.0.2:8080', '10.0.0.3:8080', '10.0.0.4:8080']);
  const balancer = ringHash(context());
  const where = (given: readonly Stall[]) =>
    Array.from({ length: 2000 }, (_, index) => balancer.pick(given, { hash: `client ${index}` }));
  const before = where(endpoints);
  const during = where(endpoints.slice(1));
  before.forEach((stall, index) => {
    if (stall !== endpoints[0]) assert.equal(during[index], stall);
  });
  assert.deepEqual(where(endpoints), before);
  // Whoever had the one that is gone is spread over the rest.
  const moved = during.filter((_, index) => before[index] === endpoints[0]);
  for (const stall of endpoints.slice(1)) assert.ok(moved.filter((one) => one === stall).length > moved.length / 8);
});

test('ring_hash: one key cannot load an endpoint far beyond the others', () => {
  const endpoints = stalls(['a', 'b', 'c']);
  const balancer = ringHash(context());
  for (let i = 0; i < 300; i += 1) balancer.pick(endpoints, { hash: 'always the same' }).inFlight += 1;
  const most = Math.max(...endpoints.map(({ inFlight }) => inFlight));
  assert.ok(most <= Math.ceil(1.25 * 100), `${most}`);
});

test('ring_hash: a request without anything to go by goes where least is in flight', () => {
  const endpoints = stalls(['a', 'b']);
  endpoints[0]!.inFlight = 5;
  const balancer = ringHash(context());
  for (let i = 0; i < 20; i += 1) assert.equal(balancer.pick(endpoints), endpoints[1]);
});

test('what ring_hash goes by: the address, a header, a cookie; nothing where many share it or it is not there', () => {
  const ask = (source: string, headers: Record<string, string | string[]> = {}, internal = false) =>
    hashSource(source)({
      client: { address: '192.0.2.7', internal },
      head: { headers },
      raw: {
        fields: Object.entries(headers).flatMap(([name, values]) => [values].flat().flatMap((one) => [name, one])),
      },
    } as never);
  assert.equal(ask('client'), '192.0.2.7');
  assert.equal(ask('client', {}, true), undefined);
  assert.equal(ask('header:X-Tenant', { 'x-tenant': 'acme' }), 'acme');
  assert.equal(ask('header:x-tenant', { 'x-tenant': ['acme', 'other'] }), 'acme');
  assert.equal(ask('header:x-tenant'), undefined);
  assert.equal(ask('cookie:session', { cookie: 'a=1; session=s=1 ; session=2' }), 's=1');
  assert.equal(ask('cookie:session', { cookie: ['a=1', 'session=2'] }), '2');
  assert.equal(ask('cookie:session', { cookie: 'xsession=2; session' }), undefined);
  assert.equal(ask('header:x-tenant', { 'x-tenant': 'x'.repeat(5000) })!.length, 1024);
  assert.throws(() => hashSource('query:x'), /not client, header:NAME or cookie:NAME/);
});
