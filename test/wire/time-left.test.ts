// Deadlines on the way: gRPC over HTTP/2 "Timeout", Connect "Connect-Timeout-Ms", and streams on which nothing moves.
// Harm: ZITADEL works for callers that have given up; or streams that nobody uses are held for ever.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { startGateway } from '../support/gateway.ts';
import { connectFrames, type FramePeer } from '../support/h2-frames.ts';
import { HandClock } from '../support/hand-clock.ts';
import {
  type Arrived,
  CALL,
  Flag,
  GRPC_HEAD,
  MESSAGE,
  outcome,
  plain,
  type RawUpstream,
  startUpstream,
} from './raw-upstream.ts';

const UNCHECKED = { health: { check: { type: 'none' as const } } };

/** An upstream that remembers the heads of requests; `onHead` answers. */
async function headUpstream(onHead: (stream: http2.ServerHttp2Stream, index: number) => void) {
  const heads: http2.IncomingHttpHeaders[] = [];
  const server = http2.createServer();
  const sessions = new Set<http2.ServerHttp2Session>();
  server.on('session', (session) => sessions.add(session));
  server.on('stream', (stream, headers) => {
    heads.push(headers);
    stream.on('error', () => {});
    onHead(stream as http2.ServerHttp2Stream, heads.length - 1);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    heads,
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      for (const session of sessions) session.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** A call whose answer has begun, as the upstream has it. */
async function begun(client: FramePeer, upstream: RawUpstream): Promise<Arrived> {
  client.headers(1, CALL);
  const request = await upstream.request(0);
  request.head(GRPC_HEAD);
  await client.next(({ type, stream }) => type === 1 && stream === 1);
  return request;
}

for (const [name, sent, type, first, second] of [
  ['grpc-timeout', '10S', 'application/grpc', '10000000u', '7000000u'],
  ['connect-timeout-ms', '10000', 'application/json', '10000', '7000'],
] as const) {
  test(`${name} goes on without the time that is gone, again shorter with each attempt`, async () => {
    const clock = new HandClock(Date.now());
    await using upstream = await headUpstream((stream, index) => {
      if (index === 0) {
        clock.pass(3000);
        stream.close(7);
      } else {
        stream.respond({ ':status': 200, 'content-type': type }, { endStream: true });
      }
    });
    await using gateway = await startGateway({
      zitadel: { endpoints: [upstream.address], ...UNCHECKED, retry: { backoff_base_ms: 1 } },
      config: { hints: false },
      clock,
    });
    using client = await connectFrames(gateway.port('public'), { ca: gateway.ca });
    const head = CALL.filter(([field]) => field !== 'content-type' && field !== 'te');
    const fields = [...head, ['content-type', type], ['connect-protocol-version', '1'], [name, sent]] as const;
    client.headers(1, fields);
    client.data(1, type === 'application/json' ? '{}' : MESSAGE, Flag.END_STREAM);
    await gateway.announcement('attempt_failed');
    clock.pass(1); // the wait before the second attempt
    await client.finished(1);
    assert.equal(upstream.heads.length, 2);
    assert.equal(upstream.heads[0]![name], first);
    assert.ok(Number.parseInt(upstream.heads[1]![name] as string, 10) <= Number.parseInt(second, 10));
    assert.ok(Number.parseInt(upstream.heads[1]![name] as string, 10) >= Number.parseInt(second, 10) * 0.999);
  });
}

test('total_ms of the route goes on as the deadline where it is shorter; who sends none gets none', async () => {
  const clock = new HandClock(Date.now());
  await using upstream = await headUpstream((stream) =>
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { endStream: true }),
  );
  await using gateway = await startGateway({
    zitadel: { endpoints: [upstream.address], ...UNCHECKED },
    config: { hints: false, classes: { api: { deadline: { total_ms: 2000 } } } },
    clock,
  });
  using client = await connectFrames(gateway.port('public'), { ca: gateway.ca });
  for (const [index, more] of [[['grpc-timeout', '1H']], [], [['grpc-timeout', 'soon']]].entries()) {
    client.headers(1 + 2 * index, [...CALL, ...(more as [string, string][])]);
    client.data(1 + 2 * index, MESSAGE, Flag.END_STREAM);
    await client.finished(1 + 2 * index);
  }
  assert.deepEqual(
    upstream.heads.map((head) => head['grpc-timeout']),
    ['2000000u', undefined, 'soon'],
  );
});

test('idle_ms: a stream on which neither side sends anything is ended with DEADLINE_EXCEEDED; one that moves is not', async () => {
  const clock = new HandClock(Date.now());
  await using upstream = await startUpstream(() => {}, { unchecked: true });
  await using gateway = await startGateway({
    zitadel: { endpoints: [upstream.address], ...UNCHECKED },
    config: { hints: false, classes: { api: { deadline: { idle_ms: 1000 } } } },
    clock,
  });
  using client = await connectFrames(gateway.port('public'), { ca: gateway.ca });
  const request = await begun(client, upstream);
  // Each side moves in its turn.
  for (let turn = 0; turn < 3; turn += 1) {
    clock.pass(900);
    client.data(1, MESSAGE);
    await request.received(MESSAGE.length * (turn + 1));
    clock.pass(900);
    request.data(MESSAGE);
    await client.next(() => client.bytes(1) >= MESSAGE.length * (turn + 1));
  }
  clock.pass(999);
  await client.settled();
  assert.equal(gateway.ended.length, 0);
  clock.pass(1);
  assert.equal((await outcome(client, 1)).at(-1), 'HEADERS+END_STREAM');
  const { record } = await gateway.over(({ record }) => record.attempts > 0);
  assert.deepEqual(
    [record.error?.code, record.error?.detail, record.grpcStatus],
    ['DEADLINE_EXCEEDED', 'idle 1000 ms', '4'],
  );
  await request.peer.next(({ type, stream }) => type === 3 && stream === request.id);
});

test('without idle_ms a stream may be quiet for a day', async () => {
  const clock = new HandClock(Date.now());
  await using upstream = await startUpstream(() => {}, { unchecked: true });
  await using gateway = await startGateway({
    zitadel: { endpoints: [upstream.address], ...UNCHECKED },
    config: { hints: false },
    clock,
  });
  using client = await connectFrames(gateway.port('public'), { ca: gateway.ca });
  const request = await begun(client, upstream);
  clock.pass(86_400_000);
  request.trailers([['grpc-status', '0']]);
  assert.deepEqual(await outcome(client, 1), ['HEADERS', 'HEADERS+END_STREAM']);
});

for (const [dialect, fields, grpcStatus] of [
  ['gRPC', CALL, '14'],
  ['REST', plain('POST'), undefined],
] as const) {
  test(`a full upstream says so at once, with when to come again: ${dialect}`, async () => {
    await using upstream = await startUpstream(() => {}, { unchecked: true });
    await using gateway = await startGateway({
      zitadel: { endpoints: [upstream.address], ...UNCHECKED, max_streams: 1, max_pending: 1 },
      config: { hints: false },
    });
    using client = await connectFrames(gateway.port('public'), { ca: gateway.ca });
    const send = (stream: number): void => {
      client.headers(stream, fields);
      client.data(stream, MESSAGE, Flag.END_STREAM);
    };
    send(1);
    const first = await upstream.request(0);
    send(3);
    const [endpoint] = gateway.primary.generation.upstreams.get('zitadel')!.endpoints;
    while (endpoint!.pending < 1) await client.settled();
    send(5);
    await client.finished(5);
    const { record } = await gateway.over(({ record }) => record.error !== undefined);
    assert.deepEqual(
      [record.error!.code, record.error!.retryAfterS, record.grpcStatus],
      ['UPSTREAM_BUSY', 1, grpcStatus],
    );
    first.answer();
    const second = await upstream.request(1);
    second.answer();
    await client.finished(3);
    assert.equal(upstream.arrived.length, 2);
  });
}
