// An upstream that has too much to do: who is refused, in which words, and when it is over.
// Harm: all callers wait until nobody wants an answer any more; or a quiet upstream is refused requests.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type GatewayOptions, startGateway } from '../support/gateway.ts';
import { connectFrames, type FramePeer } from '../support/h2-frames.ts';
import { HandClock } from '../support/hand-clock.ts';
import { CALL, Flag, GRPC_HEAD, MESSAGE, outcome, plain, startUpstream } from './raw-upstream.ts';

type Adaptive = { mode?: 'on' | 'shadow' | 'off'; min_limit?: number; max_limit?: number; slow_factor?: number };

/** A limit that does not move. */
const FOUR: Adaptive = { min_limit: 4, max_limit: 4 };
const CONSOLE = '/ui/console/';
const LOGIN = '/ui/login/loginname';

/** A clock by hand, but for the date, by which certificates are judged. */
const handClock = (): HandClock => Object.assign(new HandClock(), { wall: () => Date.now() });

/** A gateway before an upstream that answers when the test says so, and a client of it. */
async function stage(adaptive: Adaptive, more: GatewayOptions['config'] = {}) {
  const clock = handClock();
  const upstream = await startUpstream(undefined, { unchecked: true });
  const gateway = await startGateway({
    clock,
    zitadel: {
      endpoints: [upstream.address],
      health: { check: { type: 'none' } },
      max_streams_per_session: 1000,
      adaptive_concurrency: adaptive,
    },
    config: { hints: false, policies: { cache: false, rate_limit: false, deadline: { answer_ms: 0 } }, ...more },
  });
  const client = await connectFrames(gateway.port('public'), { ca: gateway.ca });
  const limits = () => gateway.primary.generation.overload.limits().find((one) => one.upstream === 'zitadel')!;
  return {
    clock,
    upstream,
    gateway,
    client,
    limits,
    async [Symbol.asyncDispose]() {
      client[Symbol.dispose]();
      await gateway[Symbol.asyncDispose]();
      await upstream[Symbol.asyncDispose]();
    },
  };
}

type Stage = Awaited<ReturnType<typeof stage>>;

function get(client: FramePeer, stream: number, path: string): void {
  client.headers(stream, plain('GET', path), Flag.END_STREAM);
}

/** So many requests that are at the upstream, and wait there. */
async function occupy({ client, upstream }: Stage, count: number, path = '/v2/users'): Promise<void> {
  for (let i = 0; i < count; i += 1) get(client, 1 + 2 * i, path);
  await upstream.request(count - 1);
}

test('four wait of four: a call gets UNAVAILABLE, REST 503, both with the time to wait; the upstream sees neither', async () => {
  await using on = await stage(FOUR);
  await occupy(on, 4);
  on.client.headers(101, CALL);
  on.client.data(101, MESSAGE, Flag.END_STREAM);
  assert.deepEqual(await outcome(on.client, 101), ['HEADERS+END_STREAM']);
  get(on.client, 103, '/v2/users/1');
  await outcome(on.client, 103);
  const { record: call } = await on.gateway.over(({ exchange }) => exchange.dialect.name === 'grpc');
  assert.deepEqual([call.error!.code, call.grpcStatus], ['OVERLOADED', '14']);
  const { record: rest } = await on.gateway.over(({ exchange }) => exchange.raw.target === '/v2/users/1');
  assert.deepEqual([rest.error!.code, rest.status, rest.error!.retryAfterS], ['OVERLOADED', 503, 2]);
  assert.equal(on.upstream.arrived.length, 4);
});

test('one that got its answer makes room for another', async () => {
  await using on = await stage(FOUR);
  await occupy(on, 4, LOGIN);
  on.upstream.arrived[0]!.answer();
  await outcome(on.client, 1);
  get(on.client, 101, LOGIN);
  (await on.upstream.request(4)).answer();
  await outcome(on.client, 101);
  assert.equal(on.limits().inFlight, 3);
});

test('assets are refused first, then the API, logins last', async () => {
  await using on = await stage({ min_limit: 20, max_limit: 20 });
  await occupy(on, 12);
  // Each priority has a place for itself, whatever is in flight.
  get(on.client, 101, `${CONSOLE}one.js`);
  await on.upstream.request(12);
  get(on.client, 103, `${CONSOLE}two.js`);
  await outcome(on.client, 103);
  for (let i = 0; i < 3; i += 1) get(on.client, 201 + 2 * i, '/v2/users');
  await on.upstream.request(15);
  get(on.client, 301, '/v2/users');
  await outcome(on.client, 301);
  get(on.client, 303, LOGIN);
  await on.upstream.request(16);
  const classes = on.gateway.announced.flatMap(({ name, payload }) =>
    name === 'overloaded' ? [(payload as { class: string }).class] : [],
  );
  assert.deepEqual(classes, ['asset', 'api']);
});

test('a probe is never refused', async () => {
  await using on = await stage(FOUR, { preset: { name: 'zitadel', open: ['health'] } });
  await occupy(on, 4, LOGIN);
  get(on.client, 101, '/debug/healthz');
  await on.upstream.request(4);
  assert.equal(on.limits().inFlight, 4);
});

test('`mode: shadow` refuses nobody, and says whom it would have', async () => {
  await using on = await stage({ ...FOUR, mode: 'shadow' });
  await occupy(on, 4, LOGIN);
  get(on.client, 101, LOGIN);
  (await on.upstream.request(4)).answer();
  await outcome(on.client, 101);
  const { record } = await on.gateway.over(() => true);
  assert.deepEqual([record.status, record.reported], [200, ['adaptive_concurrency']]);
  assert.equal((await on.gateway.announcement('overloaded')).enforced, false);
});

test('`mode: off` measures nothing', async () => {
  await using on = await stage({ mode: 'off' });
  assert.equal(on.limits(), undefined);
});

test('a stream gives its place back with the head of its answer, however long it lasts', async () => {
  await using on = await stage(FOUR);
  for (let i = 0; i < 4; i += 1) {
    on.client.headers(1 + 2 * i, CALL);
    on.client.data(1 + 2 * i, MESSAGE, Flag.END_STREAM);
    (await on.upstream.request(i)).head(GRPC_HEAD);
    await on.client.next(({ type, stream }) => type === 1 && stream === 1 + 2 * i);
  }
  assert.equal(on.limits().inFlight, 0);
});

test('places are given back by callers that leave, by resets and by lost connections', async () => {
  await using on = await stage({ min_limit: 3, max_limit: 3 });
  await occupy(on, 3);
  on.client.reset(1, 8);
  await on.gateway.over(() => true);
  on.upstream.arrived[1]!.reset(2);
  await outcome(on.client, 3);
  on.upstream.arrived[2]!.vanish();
  // A GET whose connection was lost is sent again, after a while by the clock.
  await on.gateway.announcement('attempt_failed', ({ replayed }) => replayed);
  on.clock.pass(1000);
  await on.upstream.request(3);
  on.upstream.arrived[3]!.answer();
  await outcome(on.client, 5);
  assert.equal(on.limits().inFlight, 0);
});

test('slow senders take no more than a quarter of the room', async () => {
  await using on = await stage({ min_limit: 8, max_limit: 8 });
  for (let i = 0; i < 20; i += 1) on.client.headers(1 + 2 * i, CALL);
  await on.upstream.request(19);
  get(on.client, 101, '/v2/users');
  (await on.upstream.request(20)).answer();
  await outcome(on.client, 101);
});

test('an upstream that gets slow gets less, one that is quick again gets all; slow senders are not its fault', async () => {
  await using on = await stage({ min_limit: 4, max_limit: 100 });
  const stream = { next: 1 };
  /** Rounds of so many requests that are answered after so long. */
  async function rounds(count: number, wide: number, ms: number): Promise<void> {
    for (let round = 0; round < count; round += 1) {
      const first = stream.next;
      const before = on.upstream.arrived.length;
      for (let i = 0; i < wide; i += 1) get(on.client, first + 2 * i, LOGIN);
      stream.next += 2 * wide;
      await on.upstream.request(before + wide - 1);
      on.clock.pass(ms);
      for (let i = 0; i < wide; i += 1) on.upstream.arrived[before + i]!.answer();
      for (let i = 0; i < wide; i += 1) await outcome(on.client, first + 2 * i);
    }
  }
  await rounds(12, 4, 200);
  assert.equal(on.limits().limit, 100);
  await rounds(8, 4, 2000);
  assert.ok(on.limits().limit < 20, `slow: ${on.limits().limit}`);
  await rounds(40, 4, 200);
  const { limit } = on.limits();
  assert.ok(limit > 30, `quick again: ${limit}`);
  for (let i = 0; i < 12; i += 1) {
    const id = stream.next;
    stream.next += 2;
    on.client.headers(id, CALL);
    const request = await on.upstream.request(on.upstream.arrived.length);
    on.clock.pass(5000);
    on.client.data(id, MESSAGE, Flag.END_STREAM);
    await request.received(5);
    await request.finished();
    request.head(GRPC_HEAD);
    request.trailers([['grpc-status', '0']]);
    await outcome(on.client, id);
  }
  assert.ok(on.limits().limit >= limit, `slow senders: ${on.limits().limit}`);
});
