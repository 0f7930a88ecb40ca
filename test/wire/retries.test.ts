// Which answers are none to be content with: RFC 9110 section 9.2.2 (idempotent methods), gRFC A6 (retries, pushback).
// Harm: a pod that goes is seen by users; or an upstream that is down gets its load three times.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { configSchema } from '../../src/config/schema.ts';
import { type GatewayOptions, startGateway } from '../support/gateway.ts';
import { connectFrames, type FramePeer } from '../support/h2-frames.ts';
import { HandClock } from '../support/hand-clock.ts';
import { type Arrived, CALL, Flag, MESSAGE, outcome, plain, type RawUpstream, startUpstream } from './raw-upstream.ts';

type Given = NonNullable<NonNullable<Parameters<(typeof configSchema)['parse']>[0]>>;
type Retry = { [key: string]: unknown };

const QUIET = { hints: false } as const;
const RPC = 'zitadel.admin.v1.AdminService/Healthz';
const UNAVAILABLE = [
  [':status', '200'],
  ['content-type', 'application/grpc'],
  ['grpc-status', '14'],
] as const;
const ANSWERED = ['HEADERS', 'DATA', 'DATA+END_STREAM'];

/** A gateway before two upstreams that are asked in turn, and a client of it. */
async function stage(
  onRequest: (request: Arrived, index: number) => void,
  given: { retry?: Retry; more?: Retry; endpoints?: 1 | 2; clock?: HandClock } = {},
) {
  // The same list for both: the index counts attempts over all endpoints.
  const all: Arrived[] = [];
  const answer = (request: Arrived): void => {
    all.push(request);
    onRequest(request, all.length - 1);
  };
  const upstreams: RawUpstream[] = [];
  for (let left = given.endpoints ?? 2; left > 0; left -= 1) {
    upstreams.push(await startUpstream(answer, { unchecked: true }));
  }
  const zitadel = {
    endpoints: upstreams.map(({ address }) => address),
    balancer: 'round_robin',
    health: { check: { type: 'none' }, passive: { consecutive_failures: 0 } },
    ...(given.retry && { retry: given.retry }),
    ...given.more,
  } as unknown as NonNullable<GatewayOptions['zitadel']>;
  const gateway = await startGateway({ zitadel, config: QUIET, ...(given.clock && { clock: given.clock }) });
  const client = await connectFrames(gateway.port('public'), { ca: gateway.ca });
  return {
    all,
    upstreams,
    gateway,
    client,
    async [Symbol.asyncDispose]() {
      client[Symbol.dispose]();
      await gateway[Symbol.asyncDispose]();
      for (const upstream of upstreams) await upstream[Symbol.asyncDispose]();
    },
  };
}

function get(client: FramePeer, stream = 1): Promise<string[]> {
  client.headers(stream, plain('GET'), Flag.END_STREAM);
  return outcome(client, stream);
}

function call(client: FramePeer, more: readonly (readonly [string, string])[] = [], stream = 1): Promise<string[]> {
  client.headers(stream, [...CALL, ...more]);
  client.data(stream, MESSAGE, Flag.END_STREAM);
  return outcome(client, stream);
}

const fails =
  (status: string, more: readonly (readonly [string, string])[] = []) =>
  (request: Arrived, index: number) => {
    if (index > 0) request.answer();
    else request.head([[':status', status], ...more], Flag.END_STREAM);
  };

for (const status of ['502', '503', '504']) {
  test(`a GET answered by ${status} is asked of another endpoint, and the client sees its answer only`, async () => {
    await using on = await stage(fails(status));
    assert.deepEqual(await get(on.client), ANSWERED);
    const { record } = await on.gateway.over(({ record }) => record.attempts > 0);
    assert.deepEqual([record.status, record.attempts, on.all.length], [200, 2, 2]);
    const retried = on.gateway.announced.filter(({ name }) => name === 'attempt_failed');
    assert.equal(retried.length, 1);
  });
}

test('an answer of 503 with a body goes back to the endpoint that sent it as a reset, and its body to nobody', async () => {
  await using on = await stage((request, index) => {
    if (index > 0) return request.answer();
    request.head([[':status', '503']]);
    request.data('not this');
  });
  assert.deepEqual(await get(on.client), ANSWERED);
  assert.equal(on.client.body(1).toString(), 'ok');
  await on.all[0]!.peer.next(({ type, stream }) => type === 3 && stream === on.all[0]!.id);
});

test('500 is an answer: another endpoint would say the same', async () => {
  await using on = await stage(fails('500'));
  await get(on.client);
  assert.equal(on.all.length, 1);
});

test('one endpoint that says 503 is not asked again', async () => {
  await using on = await stage(fails('503'), { endpoints: 1 });
  await get(on.client);
  assert.equal(on.all.length, 1);
});

test('`attempts: 1`, and `retry: false` of a route, send nothing again', async () => {
  await using on = await stage(fails('503'), { retry: { attempts: 1 } });
  await get(on.client);
  assert.equal(on.all.length, 1);
});

for (const [asked, more] of [
  ['Retry-After', [['retry-after', '1']]],
  ['a Retry-After with a date', [['retry-after', 'Fri, 31 Dec 2027 23:59:59 GMT']]],
] as const) {
  test(`${asked}: the answer goes to the client, with what it asks for`, async () => {
    await using on = await stage(fails('503', more));
    assert.deepEqual(await get(on.client), ['HEADERS+END_STREAM']);
    const { record } = await on.gateway.over(({ record }) => record.attempts > 0);
    assert.deepEqual([record.status, on.all.length], [503, 1]);
  });
}

test('an RPC is sent again by its grpc-status only where `rpcs` names it', async () => {
  const down = (request: Arrived, index: number): void =>
    index > 0 ? request.answer() : request.head(UNAVAILABLE, Flag.END_STREAM);
  await using unnamed = await stage(down);
  assert.deepEqual(await call(unnamed.client), ['HEADERS+END_STREAM']);
  assert.equal(unnamed.all.length, 1);
  await using named = await stage(down, { retry: { rpcs: [RPC] } });
  assert.deepEqual(await call(named.client), ANSWERED);
  const again = named.all[1]!;
  assert.equal(again.peer.body(again.id).toString(), MESSAGE);
});

test('grpc-retry-pushback-ms is waited for; a negative one, and one longer than backoff_max_ms, want no retry', async () => {
  for (const [pushback, attempts] of [
    ['0', 2],
    ['20', 2],
    ['-1', 1],
    ['soon', 1],
    ['251', 1],
  ] as const) {
    await using on = await stage(
      (request, index) =>
        index > 0
          ? request.answer()
          : request.head([...UNAVAILABLE, ['grpc-retry-pushback-ms', pushback]], Flag.END_STREAM),
      { retry: { rpcs: [RPC] } },
    );
    await call(on.client);
    assert.equal(on.all.length, attempts, pushback);
  }
});

test('an answer that has begun is never taken back: grpc-status 14 in its trailers goes to the client', async () => {
  await using on = await stage(
    (request) => {
      request.head([
        [':status', '200'],
        ['content-type', 'application/grpc'],
      ]);
      request.trailers([['grpc-status', '14']]);
    },
    { retry: { rpcs: [RPC] } },
  );
  await call(on.client);
  assert.equal(on.all.length, 1);
});

test('per_try_timeout_ms: an endpoint that hangs is left for another, and told so; the last attempt may take its time', async () => {
  const clock = new HandClock(Date.now());
  await using on = await stage(() => {}, { retry: { per_try_timeout_ms: 100, attempts: 2 }, clock });
  const answered = get(on.client);
  while (on.all.length < 1) await on.client.settled();
  clock.pass(99);
  await on.client.settled();
  assert.equal(on.all.length, 1);
  clock.pass(1);
  while (on.all.length < 2) await on.client.settled();
  const [hung, other] = on.all as [Arrived, Arrived];
  assert.notEqual(hung.peer, other.peer);
  await hung.peer.next(({ type, stream }) => type === 3 && stream === hung.id);
  clock.pass(10_000);
  // Too late: nobody listens to it any more.
  hung.answer();
  other.answer();
  assert.deepEqual(await answered, ANSWERED);
  const failed = await on.gateway.announcement('attempt_failed');
  assert.deepEqual([failed.code, failed.replayed], ['UPSTREAM_TIMEOUT', true]);
});

test('per_try_timeout_ms leaves alone what may not be sent again', async () => {
  const clock = new HandClock(Date.now());
  await using on = await stage(() => {}, { retry: { per_try_timeout_ms: 100 }, clock });
  const answered = call(on.client);
  while (on.all.length < 1) await on.client.settled();
  clock.pass(10_000);
  on.all[0]!.answer();
  assert.deepEqual(await answered, ANSWERED);
  assert.equal(on.all.length, 1);
});

test('when the retry budget is used up the answer goes to the client, and that is told', async () => {
  await using on = await stage((request) => request.head([[':status', '503']], Flag.END_STREAM), {
    more: { retry_budget: { share_percent: 0, min_per_s: 0 } },
  });
  await get(on.client);
  assert.equal(on.all.length, 1);
  const { record } = await on.gateway.over(({ record }) => record.attempts > 0);
  assert.equal(record.status, 503);
});

test('a client that leaves while a retry is waited for is not waited for', async () => {
  const clock = new HandClock(Date.now());
  await using on = await stage((request) => request.reset(7), {
    endpoints: 1,
    retry: { backoff_base_ms: 60_000, backoff_max_ms: 60_000 },
    clock,
  });
  on.client.headers(1, plain('GET'), Flag.END_STREAM);
  await on.gateway.announcement('attempt_failed');
  on.client.reset(1, 8);
  const { record } = await on.gateway.over(({ record }) => record.attempts > 0);
  assert.equal(record.error?.code, 'CLIENT_LEFT');
  clock.pass(60_000);
  await on.client.settled();
  assert.equal(on.all.length, 1);
});

test('no retry is begun that the deadline would end', async () => {
  await using on = await stage(
    (request) => request.head([...UNAVAILABLE, ['grpc-retry-pushback-ms', '60000']], Flag.END_STREAM),
    { retry: { rpcs: [RPC], backoff_max_ms: 60_000 } },
  );
  assert.deepEqual(await call(on.client, [['grpc-timeout', '30S']]), ['HEADERS+END_STREAM']);
  assert.equal(on.all.length, 1);
});

test('a bad pattern in rpcs is told with its place', async () => {
  const { configSchema: schema } = await import('../../src/config/schema.ts');
  const given = {
    listeners: [{ name: 'a', address: '127.0.0.1:0' }],
    upstreams: { zitadel: { endpoints: ['127.0.0.1:1'], retry: { rpcs: ['List Users'] } } },
  } as unknown as Given;
  const { error } = schema.safeParse(given);
  assert.deepEqual(error?.issues[0]?.path, ['upstreams', 'zitadel', 'retry', 'rpcs', 0]);
});

function goAway(upstream: RawUpstream): void {
  for (const peer of upstream.peers) peer.goaway(2 ** 31 - 1, 0);
}

function vanish(upstream: RawUpstream): void {
  for (const peer of upstream.peers) peer.socket.resetAndDestroy();
}

for (const [how, end] of [
  ['GOAWAY in two steps', (one: RawUpstream) => goAway(one)],
  ['no GOAWAY before its process ends, as ZITADEL does', (one: RawUpstream) => vanish(one)],
] as const) {
  test(`a pod that goes with ${how}: the next requests go elsewhere at once, also those that may not be sent twice`, async () => {
    await using on = await stage((request) => request.answer());
    // Both have a session.
    for (const stream of [1, 3, 5, 7]) assert.deepEqual(await get(on.client, stream), ANSWERED);
    const [going, staying] = on.upstreams as [RawUpstream, RawUpstream];
    const before = going.arrived.length;
    end(going);
    for (const peer of going.peers) if (!peer.socket.destroyed) await peer.settled();
    await going[Symbol.asyncDispose]();
    for (const stream of [9, 11, 13, 15]) {
      on.client.headers(stream, plain('POST'));
      on.client.data(stream, 'x', Flag.END_STREAM);
      assert.deepEqual(await outcome(on.client, stream), ANSWERED);
    }
    assert.equal(going.arrived.length, before);
    assert.equal(staying.arrived.length, 8 - before);
    assert.ok(on.gateway.ended.every(({ record }) => record.status === 200));
  });
}
