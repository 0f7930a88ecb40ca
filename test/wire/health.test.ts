// Pods that fail, as clients see it: checks, ejections, and who never counts against a pod.
// Harm: users see 502 in every rolling update (zitadel/zitadel#8772), and one bad pod of three fails a third of logins.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ResetCode } from '../../src/core/raw.ts';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { connectFrames } from '../support/h2-frames.ts';
import { type Arrived, CALL, Flag, GRPC_HEAD, outcome, plain, startUpstream } from './raw-upstream.ts';

/** Two pods, of which the test plays the first; checks are off, so that only requests count. */
async function twoPods(first: (request: Arrived, index: number) => void) {
  const bad = await startUpstream(first, { unchecked: true });
  const good = await startUpstream((request) => request.answer(), { unchecked: true });
  const gateway = await startGateway({
    zitadel: {
      endpoints: [bad.address, good.address],
      balancer: 'round_robin',
      slow_start_ms: 0,
      health: { check: { type: 'none' } },
    },
    config: { hints: false },
  });
  const client = await connectFrames(gateway.port('public'), { ca: gateway.ca });
  let stream = -1;
  return {
    bad,
    good,
    gateway,
    /** Sends a request and waits for how it ends. */
    async ask(fields = plain('POST')): Promise<string[]> {
      stream += 2;
      client.headers(stream, fields, Flag.END_STREAM);
      return outcome(client, stream);
    },
    async [Symbol.asyncDispose]() {
      client[Symbol.dispose]();
      await gateway[Symbol.asyncDispose]();
      await bad[Symbol.asyncDispose]();
      await good[Symbol.asyncDispose]();
    },
  };
}

function stateOf(gateway: TestGateway, address: string): string {
  const endpoint = gateway.primary.upstreams()[0]!.endpoints.find(({ name }) => name === address);
  return endpoint!.state;
}

const FAILURES: readonly [title: string, play: (request: Arrived) => void, fields?: ReturnType<typeof plain>][] = [
  ['answers 503', (request) => request.head([[':status', '503']], Flag.END_STREAM)],
  ['resets with INTERNAL_ERROR', (request) => request.reset(ResetCode.INTERNAL_ERROR)],
  ['loses its connections', (request) => request.vanish()],
  [
    'says grpc-status 14 in trailers',
    (request) => {
      request.head(GRPC_HEAD);
      request.trailers([['grpc-status', '14']]);
    },
    CALL,
  ],
];

for (const [title, play, fields] of FAILURES) {
  test(`a pod that ${title} gets five requests in a row, and then none`, async () => {
    await using pods = await twoPods((request) => play(request));
    for (let i = 0; i < 20; i += 1) await pods.ask(fields);
    assert.equal(pods.bad.arrived.length, 5);
    assert.equal(stateOf(pods.gateway, pods.bad.address), 'ejected');
    const told = await pods.gateway.announcement('endpoint_ejected');
    assert.deepEqual([told.endpoint, told.reason], [pods.bad.address, 'consecutive_failures']);
  });
}

const NO_FAILURES: readonly [title: string, play: (request: Arrived) => void, fields?: ReturnType<typeof plain>][] = [
  ['resets with PROTOCOL_ERROR', (request) => request.reset(ResetCode.PROTOCOL_ERROR)],
  ['resets with CANCEL', (request) => request.reset(ResetCode.CANCEL)],
  ['refuses streams', (request) => request.reset(ResetCode.REFUSED_STREAM)],
  ['answers 404', (request) => request.head([[':status', '404']], Flag.END_STREAM)],
  [
    'answers 504 to a caller with a deadline of its own',
    (request) => request.head([[':status', '504']], Flag.END_STREAM),
    plain('POST', '/v2/users', [['grpc-timeout', '1M']]),
  ],
];

for (const [title, play, fields] of NO_FAILURES) {
  test(`a pod that ${title} is not ejected: clients can have that`, async () => {
    await using pods = await twoPods((request) => play(request));
    for (let i = 0; i < 20; i += 1) await pods.ask(fields);
    assert.equal(stateOf(pods.gateway, pods.bad.address), 'unknown');
    assert.ok(pods.bad.arrived.length >= 8);
  });
}

test('a pod that is not ready gets no requests from the start', async () => {
  await using good = await startUpstream((request) => request.answer());
  const unready = (request: Arrived): void => request.head([[':status', '412']], Flag.END_STREAM);
  await using bad = await startUpstream(unready, { unchecked: true });
  await using gateway = await startGateway({
    zitadel: { endpoints: [bad.address, good.address], health: { check: { interval_ms: 3_600_000 } } },
    config: { hints: false },
  });
  const told = await gateway.announcement('endpoint_health', ({ endpoint }) => endpoint === bad.address);
  assert.deepEqual([told.state, told.reason], ['unhealthy', 'status 412']);
  await gateway.announcement('endpoint_health', ({ endpoint }) => endpoint === good.address);
  const client = await connectFrames(gateway.port('public'), { ca: gateway.ca });
  for (let stream = 1; stream < 20; stream += 2) {
    client.headers(stream, plain('GET'), Flag.END_STREAM);
    await client.finished(stream);
  }
  assert.equal(good.arrived.length, 10);
  assert.equal(bad.arrived.length, 1, 'its check');
  const [zitadel] = gateway.primary.upstreams();
  const { state, used, reason } = zitadel!.endpoints[0]!;
  assert.deepEqual([state, used, reason], ['unhealthy', false, 'status 412']);
  client[Symbol.dispose]();
});

test('who is ejected stays so over a reload that leaves the upstream as it is', async () => {
  await using pods = await twoPods((request) => request.head([[':status', '503']], Flag.END_STREAM));
  for (let i = 0; i < 12; i += 1) await pods.ask();
  assert.equal(stateOf(pods.gateway, pods.bad.address), 'ejected');
  const { primary } = pods.gateway;
  await primary.reload({ ...primary.config, trace_context: 'drop' });
  assert.equal(stateOf(pods.gateway, pods.bad.address), 'ejected');
  for (let i = 0; i < 4; i += 1) await pods.ask();
  assert.equal(pods.bad.arrived.length, 5);
});

/** Three pods of which the first is played by the test; requests go on until an ejection is told, and not for ever. */
async function ejectedOf(first: (request: Arrived, index: number) => void): Promise<string> {
  await using bad = await startUpstream(first, { unchecked: true });
  await using good = await startUpstream((request) => request.answer(), { unchecked: true });
  await using fine = await startUpstream((request) => request.answer(), { unchecked: true });
  await using gateway = await startGateway({
    zitadel: {
      endpoints: [good.address, bad.address, fine.address],
      balancer: 'round_robin',
      slow_start_ms: 0,
      health: {
        check: { type: 'none' },
        passive: { consecutive_failures: 0, success_rate: { window_ms: 50, min_requests: 10 } },
      },
    },
    config: { hints: false, policies: { rate_limit: false } },
  });
  using client = await connectFrames(gateway.port('public'), { ca: gateway.ca });
  const told = gateway.announcement('endpoint_ejected');
  let ejected: string | undefined;
  void told.then(({ endpoint, reason }) => {
    ejected = `${endpoint === bad.address ? 'bad' : 'good'} ${reason}`;
  });
  let stream = -1;
  /** As many as a window needs, at once. */
  const many = async (): Promise<void> => {
    const streams = Array.from({ length: 60 }, () => {
      stream += 2;
      client.headers(stream, plain('POST'), Flag.END_STREAM);
      return stream;
    });
    for (const one of streams) await client.finished(one);
  };
  for (let rounds = 0; ejected === undefined && rounds < 100; rounds += 1) await many();
  const arrived = bad.arrived.length;
  await many();
  assert.equal(bad.arrived.length, arrived, 'nothing goes there any more');
  return ejected ?? 'none';
}

test('a pod of three that answers 500 to everything is ejected', async () => {
  const answer = (request: Arrived): void => request.head([[':status', '500']], Flag.END_STREAM);
  assert.equal(await ejectedOf(answer), 'bad success_rate');
});

test('a pod of three that resets every other stream is ejected', async () => {
  const play = (request: Arrived, index: number): void => {
    if (index % 2 === 0) request.reset(ResetCode.INTERNAL_ERROR);
    else request.answer();
  };
  assert.equal(await ejectedOf(play), 'bad success_rate');
});

test('a pod that takes everything and answers nothing is found by its check, and gets no requests then', async () => {
  await using hangs = await startUpstream(() => {}, { unchecked: true });
  await using good = await startUpstream((request) => request.answer());
  await using gateway = await startGateway({
    zitadel: {
      endpoints: [hangs.address, good.address],
      health: { check: { interval_ms: 3_600_000, timeout_ms: 50 } },
    },
    config: { hints: false },
  });
  const told = await gateway.announcement('endpoint_health', ({ endpoint }) => endpoint === hangs.address);
  assert.deepEqual([told.state, told.reason], ['unhealthy', 'no answer within 50 ms']);
  using client = await connectFrames(gateway.port('public'), { ca: gateway.ca });
  for (let stream = 1; stream < 21; stream += 2) {
    client.headers(stream, plain('POST'), Flag.END_STREAM);
    await client.finished(stream);
  }
  assert.equal(hangs.arrived.length, 1, 'its check');
});
