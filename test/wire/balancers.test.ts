// What the config says of balancers and weights, as the endpoints see it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startGateway } from '../support/gateway.ts';
import { connectFrames } from '../support/h2-frames.ts';
import { Flag, plain, startUpstream } from './raw-upstream.ts';

/** Asks once for each list of fields, one after the other, and gives how often each endpoint was asked after each. */
async function spread(settings: object, requests: readonly (readonly (readonly [string, string])[])[]) {
  await using one = await startUpstream((request) => request.answer(), { unchecked: true });
  await using two = await startUpstream((request) => request.answer(), { unchecked: true });
  await using gateway = await startGateway({
    zitadel: {
      endpoints: [one.address, two.address],
      slow_start_ms: 0,
      health: { check: { type: 'none' } },
      ...settings,
    },
    config: { hints: false },
  });
  using client = await connectFrames(gateway.port('public'), { ca: gateway.ca });
  const who: ('one' | 'two')[] = [];
  for (const [index, fields] of requests.entries()) {
    const before = one.arrived.length;
    client.headers(1 + 2 * index, plain('GET', '/v2/users', fields), Flag.END_STREAM);
    await client.finished(1 + 2 * index);
    who.push(one.arrived.length > before ? 'one' : 'two');
  }
  return who;
}

test('round_robin: requests take turns', async () => {
  const who = await spread({ balancer: 'round_robin' }, Array(8).fill([]));
  assert.equal(who.filter((one) => one === 'one').length, 4);
  assert.notEqual(who[0], who[1]);
});

test('ring_hash by a header: the same value goes to the same endpoint, and values are spread', async () => {
  const users = Array.from({ length: 16 }, (_, index) => [['x-user', `user ${index}`]] as const);
  const who = await spread({ balancer: { type: 'ring_hash', hash: 'header:X-User' } }, [...users, ...users]);
  assert.deepEqual(who.slice(16), who.slice(0, 16));
  assert.deepEqual(new Set(who).size, 2);
});

test('ring_hash by a cookie: the same value goes to the same endpoint', async () => {
  const sessions = Array.from({ length: 8 }, (_, index) => [['cookie', `a=1; session=${index}`]] as const);
  const who = await spread({ balancer: { type: 'ring_hash', hash: 'cookie:session' } }, [...sessions, ...sessions]);
  assert.deepEqual(who.slice(8), who.slice(0, 8));
});

test('ring_hash by the client: one client stays at one endpoint', async () => {
  const who = await spread({ balancer: 'ring_hash' }, Array(10).fill([]));
  assert.equal(new Set(who).size, 1);
});

for (const balancer of ['least_requests', 'peak_ewma']) {
  test(`${balancer}: both endpoints get requests`, async () => {
    const who = await spread({ balancer }, Array(30).fill([]));
    assert.equal(new Set(who).size, 2);
  });
}
