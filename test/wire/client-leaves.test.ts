// Whoever gives up is heard on the other side: RFC 9113 sections 5.4.2 and 7, RFC 9112 section 8.
// Harm: an abort that becomes an end. ZITADEL would store half an upload, a client would take half an answer for all.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startGateway } from '../support/gateway.ts';
import { connectBytes } from '../support/h1-bytes.ts';
import { connectFrames } from '../support/h2-frames.ts';
import { CALL, Flag, GRPC_HEAD, MESSAGE, outcome, plain, startUpstream } from './raw-upstream.ts';

const QUIET = { hints: false } as const;

test('a client that cancels before the answer: the upstream sees RST_STREAM CANCEL', async () => {
  await using upstream = await startUpstream();
  await using gateway = await startGateway({ zitadel: upstream.address, config: QUIET });
  await upstream.checked;
  using client = await connectFrames(gateway.port('public'), { ca: gateway.ca });
  client.headers(1, CALL);
  client.data(1, MESSAGE, Flag.END_STREAM);
  const request = await upstream.request(0);
  await request.received(5);
  client.reset(1, 8);
  await request.peer.next(({ type, stream }) => type === 3 && stream === request.id);
  assert.equal(request.frames.at(-1), 'RST_STREAM code 8');
  const { record } = await gateway.over(({ record }) => record.error !== undefined);
  assert.equal(record.error!.code, 'CLIENT_LEFT');
  assert.equal(record.attempts, 1);
  assert.equal(record.bytesIn, 5);
});

test('a client that cancels in the middle of the answer: the upstream sees RST_STREAM CANCEL', async () => {
  await using upstream = await startUpstream((request) => {
    request.head(GRPC_HEAD);
    request.data(MESSAGE);
  });
  await using gateway = await startGateway({ zitadel: upstream.address, config: QUIET });
  await upstream.checked;
  using client = await connectFrames(gateway.port('public'), { ca: gateway.ca });
  client.headers(1, CALL);
  client.data(1, MESSAGE, Flag.END_STREAM);
  await client.next(({ type, stream }) => type === 0 && stream === 1);
  client.reset(1, 8);
  const request = await upstream.request(0);
  await request.peer.next(({ type, stream }) => type === 3 && stream === request.id);
  assert.equal(request.frames.at(-1), 'RST_STREAM code 8');
  const { record } = await gateway.over(({ record }) => record.error !== undefined);
  assert.deepEqual([record.error!.code, record.status, record.bytesOut], ['CLIENT_LEFT', 200, 5]);
});

for (const code of [0, 8]) {
  test(`a client that resets with ${code} in the middle of its upload: the upstream sees CANCEL, never END_STREAM`, async () => {
    await using upstream = await startUpstream();
    await using gateway = await startGateway({ zitadel: upstream.address, config: QUIET });
    await upstream.checked;
    using client = await connectFrames(gateway.port('public'), { ca: gateway.ca });
    client.headers(1, plain('POST'));
    client.data(1, 'half');
    const request = await upstream.request(0);
    await request.received(4);
    client.reset(1, code);
    assert.deepEqual(await request.finished(), ['HEADERS', 'DATA', 'RST_STREAM code 8']);
  });
}

test('a client whose connection is lost in the middle of its upload: the upstream sees CANCEL, never END_STREAM', async () => {
  await using upstream = await startUpstream();
  await using gateway = await startGateway({ zitadel: upstream.address, config: QUIET });
  await upstream.checked;
  using client = await connectFrames(gateway.port('clear'));
  client.headers(1, plain('POST'));
  client.data(1, 'half');
  const request = await upstream.request(0);
  await request.received(4);
  client.socket.resetAndDestroy();
  assert.deepEqual(await request.finished(), ['HEADERS', 'DATA', 'RST_STREAM code 8']);
});

for (const [framing, body] of [
  ['content-length: 10', 'half'],
  ['transfer-encoding: chunked', '4\r\nhalf\r\n'],
] as const) {
  for (const how of ['RST', 'FIN'] as const) {
    test(`an HTTP/1.1 upload with ${framing} cut by ${how}: the upstream sees CANCEL, never END_STREAM`, async () => {
      await using upstream = await startUpstream();
      await using gateway = await startGateway({ zitadel: upstream.address, config: QUIET });
      await upstream.checked;
      using client = await connectBytes(gateway.port('clear'));
      client.send(`POST /v2/users HTTP/1.1\r\nhost: localhost\r\n${framing}\r\n\r\n${body}`);
      const request = await upstream.request(0);
      await request.received(4);
      if (how === 'RST') client.abort();
      else client.socket.end();
      assert.deepEqual(await request.finished(), ['HEADERS', 'DATA', 'RST_STREAM code 8']);
      const { record } = await gateway.over(({ record }) => record.error !== undefined);
      assert.equal(record.error!.code, 'CLIENT_LEFT');
    });
  }
}

test('an HTTP/1.1 client that leaves before and in the middle of the answer: the upstream sees CANCEL', async () => {
  await using upstream = await startUpstream((request, index) => {
    if (index === 0) return;
    request.head();
    request.data('half');
  });
  await using gateway = await startGateway({ zitadel: upstream.address, config: QUIET });
  await upstream.checked;
  using before = await connectBytes(gateway.port('public'), { ca: gateway.ca });
  before.send('GET /v2/users HTTP/1.1\r\nhost: localhost\r\n\r\n');
  const first = await upstream.request(0);
  before.close();
  await first.peer.next(({ type, stream }) => type === 3 && stream === first.id);
  using middle = await connectBytes(gateway.port('public'), { ca: gateway.ca });
  middle.send('GET /v2/users HTTP/1.1\r\nhost: localhost\r\n\r\n');
  await middle.has('half');
  middle.close();
  const second = await upstream.request(1);
  await second.peer.next(({ type, stream }) => type === 3 && stream === second.id);
  assert.equal(second.frames.at(-1), 'RST_STREAM code 8');
});

for (const [code, seen] of [
  [0, 2],
  [1, 1],
  [2, 2],
  [7, 2],
  [8, 8],
  [11, 11],
] as const) {
  test(`RST_STREAM ${code} of the upstream in the middle of an answer is RST_STREAM ${seen} for the client`, async () => {
    await using upstream = await startUpstream((request) => {
      request.head();
      request.data('half');
    });
    await using gateway = await startGateway({ zitadel: upstream.address, config: QUIET });
    await upstream.checked;
    using client = await connectFrames(gateway.port('public'), { ca: gateway.ca });
    client.headers(1, plain('GET'), Flag.END_STREAM);
    await client.next(({ type, stream }) => type === 0 && stream === 1);
    (await upstream.request(0)).reset(code);
    assert.deepEqual(await outcome(client, 1), ['HEADERS', 'DATA', `RST_STREAM code ${seen}`]);
    const { record } = await gateway.over(({ record }) => record.error !== undefined);
    assert.deepEqual([record.error!.code, record.bytesOut, record.status], ['UPSTREAM_CUT', 4, 200]);
  });
}

test('gRPC: between two messages a cut is told in trailers, inside of one by a reset', async () => {
  await using upstream = await startUpstream((request, index) => {
    request.head(GRPC_HEAD);
    request.data(index === 0 ? MESSAGE : '\0\0\0\0\x09half');
  });
  await using gateway = await startGateway({ zitadel: upstream.address, config: QUIET });
  await upstream.checked;
  using client = await connectFrames(gateway.port('public'), { ca: gateway.ca });
  for (const id of [1, 3]) {
    client.headers(id, CALL);
    client.data(id, MESSAGE, Flag.END_STREAM);
    await client.next(({ type, stream }) => type === 0 && stream === id);
    (await upstream.request(id === 1 ? 0 : 1)).reset(2);
  }
  assert.deepEqual(await outcome(client, 1), ['HEADERS', 'DATA', 'HEADERS+END_STREAM']);
  assert.deepEqual(await outcome(client, 3), ['HEADERS', 'DATA', 'RST_STREAM code 2']);
  const [first] = gateway.ended.filter(({ record }) => record.error !== undefined);
  assert.equal(first!.record.grpcStatus, '14');
});

test('a head and a reset in one segment: the client gets an error or a reset, and nothing hangs', async () => {
  await using upstream = await startUpstream((request) => {
    request.head();
    request.reset(2);
  });
  await using gateway = await startGateway({ zitadel: upstream.address, config: QUIET });
  await upstream.checked;
  using client = await connectFrames(gateway.port('public'), { ca: gateway.ca });
  client.headers(1, plain('GET'), Flag.END_STREAM);
  const seen = await outcome(client, 1);
  const { record } = await gateway.over(({ record }) => record.endpoint !== undefined);
  assert.ok(record.error !== undefined);
  assert.ok(seen.at(-1)!.startsWith('RST_STREAM') || record.status === 502, seen.join());
});

test('what a client causes speaks against no endpoint: it leaves, or its stream gets PROTOCOL_ERROR or CANCEL', async () => {
  await using upstream = await startUpstream((request, index) => {
    if (index > 0) request.reset(index === 1 ? 1 : 8);
  });
  await using gateway = await startGateway({ zitadel: upstream.address, config: QUIET });
  await upstream.checked;
  using client = await connectFrames(gateway.port('public'), { ca: gateway.ca });
  client.headers(1, plain('POST'));
  await upstream.request(0);
  client.reset(1, 8);
  for (const id of [3, 5]) {
    client.headers(id, plain('POST'), Flag.END_STREAM);
    assert.match((await client.finished(id)).join(), /HEADERS/);
  }
  const [endpoint] = gateway.primary.generation.upstreams.get('zitadel')!.endpoints;
  assert.equal(endpoint!.failures, 0);
  assert.deepEqual(
    gateway.ended.filter(({ record }) => record.endpoint !== undefined).map(({ record }) => record.error?.code),
    ['CLIENT_LEFT', 'UPSTREAM_RESET', 'UPSTREAM_RESET'],
  );
});

test('a client that leaves while the session is being made: no stream is opened for it', async () => {
  await using upstream = await startUpstream();
  await using gateway = await startGateway({
    zitadel: { endpoints: [upstream.address], max_sessions: 1, max_streams_per_session: 1 },
    config: QUIET,
  });
  await upstream.checked;
  using client = await connectFrames(gateway.port('public'), { ca: gateway.ca });
  // 1. The only place of the only session is taken.
  client.headers(1, plain('GET'), Flag.END_STREAM);
  const first = await upstream.request(0);
  // 2. The second waits, and leaves.
  client.headers(3, plain('GET'), Flag.END_STREAM);
  await client.settled();
  client.reset(3, 8);
  await gateway.over(({ record }) => record.error?.code === 'CLIENT_LEFT');
  // 3. The third has the place.
  client.headers(5, plain('GET'), Flag.END_STREAM);
  first.answer();
  (await upstream.request(1)).answer();
  assert.deepEqual(await outcome(client, 5), ['HEADERS', 'DATA', 'DATA+END_STREAM']);
  assert.equal(upstream.arrived.length, 2);
});

test('RST_STREAM(NO_ERROR) when all of the Content-Length is there cuts nothing; when some is missing it does', async () => {
  await using upstream = await startUpstream((request, index) => {
    request.head([
      [':status', '200'],
      ['content-length', index === 0 ? '5' : '6'],
    ]);
    request.data('whole');
    request.reset(0);
  });
  await using gateway = await startGateway({ zitadel: upstream.address, config: QUIET });
  await upstream.checked;
  using client = await connectFrames(gateway.port('public'), { ca: gateway.ca });
  client.headers(1, plain('GET'), Flag.END_STREAM);
  assert.deepEqual(await outcome(client, 1), ['HEADERS', 'DATA', 'DATA+END_STREAM']);
  client.headers(3, plain('GET'), Flag.END_STREAM);
  assert.equal((await outcome(client, 3)).at(-1), 'RST_STREAM code 2');
});
