// Deadlines: gRPC over HTTP/2 "Timeout", RFC 9113 section 7.
// Harm: a call that its caller has given up goes on in ZITADEL, or the caller waits for ever.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startGateway } from '../support/gateway.ts';
import { connectFrames, startFrameServer } from '../support/h2-frames.ts';
import { CALL, Flag, GRPC_HEAD, MESSAGE, outcome, startUpstream } from './raw-upstream.ts';

const QUIET = { hints: false } as const;
const SHORT = [...CALL, ['grpc-timeout', '60m']] as const;

test('before the head: the upstream sees CANCEL, the caller a trailers-only status 4', async () => {
  await using upstream = await startUpstream();
  await using gateway = await startGateway({ zitadel: upstream.address, config: QUIET });
  await upstream.checked;
  using client = await connectFrames(gateway.port('public'), { ca: gateway.ca });
  client.headers(1, SHORT);
  client.data(1, MESSAGE, Flag.END_STREAM);
  assert.deepEqual(await outcome(client, 1), ['HEADERS+END_STREAM']);
  const request = await upstream.request(0);
  await request.peer.next(({ type, stream }) => type === 3 && stream === request.id);
  assert.equal(request.frames.at(-1), 'RST_STREAM code 8');
  const { record } = await gateway.over(({ record }) => record.endpoint !== undefined);
  assert.deepEqual([record.error!.code, record.grpcStatus], ['DEADLINE_EXCEEDED', '4']);
  const [endpoint] = gateway.primary.generation.upstreams.get('zitadel')!.endpoints;
  assert.equal(endpoint!.failures, 0);
});

for (const [where, sent, seen] of [
  ['between two messages it is said in trailers', MESSAGE, 'HEADERS+END_STREAM'],
  ['inside of a message it is a reset', '\0\0\0\0\x09half', 'RST_STREAM code 8'],
] as const) {
  test(`in the middle of the answer the upstream sees CANCEL; ${where}`, async () => {
    await using upstream = await startUpstream((request) => {
      request.head(GRPC_HEAD);
      request.data(sent);
    });
    await using gateway = await startGateway({ zitadel: upstream.address, config: QUIET });
    await upstream.checked;
    using client = await connectFrames(gateway.port('public'), { ca: gateway.ca });
    client.headers(1, SHORT);
    client.data(1, MESSAGE, Flag.END_STREAM);
    assert.deepEqual(await outcome(client, 1), ['HEADERS', 'DATA', seen]);
    const request = await upstream.request(0);
    await request.peer.next(({ type, stream }) => type === 3 && stream === request.id);
    assert.equal(request.frames.at(-1), 'RST_STREAM code 8');
    const { record } = await gateway.over(({ record }) => record.endpoint !== undefined);
    assert.equal(record.error!.code, 'DEADLINE_EXCEEDED');
  });
}

test('while the session is being made the deadline does not wait for connect_timeout_ms', async () => {
  await using mute = await startFrameServer(() => {}, undefined, { settings: 'none' });
  await using gateway = await startGateway({
    zitadel: { endpoints: [mute.address], connect_timeout_ms: 120_000 },
    config: QUIET,
  });
  using client = await connectFrames(gateway.port('public'), { ca: gateway.ca });
  client.headers(1, SHORT);
  client.data(1, MESSAGE, Flag.END_STREAM);
  assert.deepEqual(await outcome(client, 1), ['HEADERS+END_STREAM']);
  const { record } = await gateway.over(({ record }) => record.endpoint !== undefined);
  assert.deepEqual([record.error!.code, record.grpcStatus], ['DEADLINE_EXCEEDED', '4']);
});

test('an upstream that accepts and says nothing is CONNECT_TIMEOUT: status 14 for gRPC', async () => {
  await using mute = await startFrameServer(() => {}, undefined, { settings: 'none' });
  await using gateway = await startGateway({
    zitadel: { endpoints: [mute.address], connect_timeout_ms: 50 },
    config: QUIET,
  });
  using client = await connectFrames(gateway.port('public'), { ca: gateway.ca });
  client.headers(1, CALL);
  client.data(1, MESSAGE, Flag.END_STREAM);
  assert.deepEqual(await outcome(client, 1), ['HEADERS+END_STREAM']);
  const { record } = await gateway.over(({ record }) => record.endpoint !== undefined);
  assert.deepEqual([record.error!.code, record.grpcStatus], ['CONNECT_TIMEOUT', '14']);
});
