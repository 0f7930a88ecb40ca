// Whoever gives up says so to both sides, with the right code, and a cut message is never shown as a complete one:
// RFC 9113 sections 5.4.2, 7 and 8.1; RFC 9112 section 8.
// Harm: an abort that becomes an end is half an answer that a client believes, or half an upload that ZITADEL stores.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { test } from 'node:test';
import { startGateway } from '../support/gateway.ts';
import { connectFrames, Flag, type FramePeer, startFrameServer } from '../support/h2-frames.ts';

const GRPC = [
  [':method', 'POST'],
  [':scheme', 'https'],
  [':authority', 'localhost'],
  [':path', '/zitadel.admin.v1.AdminService/Healthz'],
  ['content-type', 'application/grpc'],
  ['te', 'trailers'],
] as const;
const REST = [
  [':method', 'GET'],
  [':scheme', 'https'],
  [':authority', 'localhost'],
  [':path', '/admin/v1/healthz'],
] as const;

/** An upstream whose behaviour for each stream is handed in; the health check of the start is answered by itself. */
function upstreamThat(onStream: (peer: FramePeer, stream: number) => void) {
  let seen = 0;
  return startFrameServer((peer, stream) => {
    seen += 1;
    if (seen > 1) return onStream(peer, stream);
    peer.headers(stream, [[':status', '200']], Flag.END_STREAM);
  });
}

/** Waits until the first check of the gateway has been answered, so that the next stream is the test's own. */
async function started(upstream: { address: string }) {
  const gateway = await startGateway({ zitadel: upstream.address });
  while (!gateway.primary.ready().ok) await new Promise((resolve) => setImmediate(resolve));
  return gateway;
}

for (const [when, act] of [
  ['before the answer began', () => {}],
  [
    'after headers',
    (peer: FramePeer, stream: number) =>
      peer.headers(stream, [
        [':status', '200'],
        ['content-type', 'application/grpc'],
      ]),
  ],
] as const) {
  test(`a client that cancels ${when} is a RST_STREAM(CANCEL) for the upstream, and no END_STREAM`, async () => {
    await using upstream = await upstreamThat(act);
    await using gateway = await started(upstream);
    using client = await connectFrames(gateway.port('public'), { ca: gateway.ca });
    client.headers(1, GRPC);
    client.data(1, '\0\0\0\0\0');
    const peer = await upstream.peer(0);
    await peer.next(({ stream, type }) => stream === 3 && type === 0);
    if (when === 'after headers') await client.next(({ stream, type }) => stream === 1 && type === 1);
    client.reset(1, 8);
    const frames = await peer.finished(3);
    assert.equal(frames.at(-1), 'RST_STREAM 3 code 8');
    assert.equal(
      frames.some((frame) => frame.includes('END_STREAM')),
      false,
    );
    const { record } = await gateway.over(() => true);
    assert.equal(record.error?.code, 'CLIENT_LEFT');
    assert.equal(
      gateway.announced.some(({ name }) => name === 'attempt_failed'),
      false,
    );
  });
}

test('a client whose connection is lost in the middle of an upload never looks complete to the upstream', async () => {
  await using upstream = await upstreamThat(() => {});
  await using gateway = await started(upstream);
  const client = await connectFrames(gateway.port('public'), { ca: gateway.ca });
  client.headers(1, GRPC);
  client.data(1, '\0\0\0\0\x64half');
  const peer = await upstream.peer(0);
  await peer.next(({ stream, type }) => stream === 3 && type === 0);
  client.socket.destroy();
  assert.equal((await peer.finished(3)).at(-1), 'RST_STREAM 3 code 8');
});

for (const [framing, head] of [
  ['Content-Length', 'content-length: 100\r\n\r\nhalf'],
  ['chunks', 'transfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n'],
] as const) {
  test(`an upload by HTTP/1.1 in ${framing} that is cut never looks complete to the upstream`, async () => {
    await using upstream = await upstreamThat(() => {});
    await using gateway = await started(upstream);
    const socket = net.connect(gateway.port('clear'), '127.0.0.1');
    await once(socket, 'connect');
    socket.write(`POST /v2/sessions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n${head}`);
    const peer = await upstream.peer(0);
    await peer.next(({ stream, type }) => stream === 3 && type === 0);
    socket.destroy();
    const frames = await peer.finished(3);
    assert.equal(frames.at(-1), 'RST_STREAM 3 code 8');
    assert.equal(peer.body(3).toString(), 'half');
  });
}

for (const code of [1, 2, 8, 11]) {
  test(`an upstream that resets with ${code} in the middle of a message is a reset with ${code} for the client`, async () => {
    await using upstream = await upstreamThat((peer, stream) => {
      peer.headers(stream, [
        [':status', '200'],
        ['content-type', 'application/grpc'],
      ]);
      peer.data(stream, '\0\0\0\0\x64half');
      peer.reset(stream, code);
    });
    await using gateway = await started(upstream);
    using client = await connectFrames(gateway.port('public'), { ca: gateway.ca });
    client.headers(1, GRPC);
    client.data(1, '\0\0\0\0\0', Flag.END_STREAM);
    const frames = await client.finished(1);
    assert.equal(frames.at(-1), `RST_STREAM 1 code ${code}`);
    assert.equal((await gateway.over(() => true)).record.error?.code, 'UPSTREAM_CUT');
  });
}

for (const code of [0, 7]) {
  test(`a reset with ${code} in the middle of an answer is INTERNAL_ERROR for the client: ${code} would be read as an end or an invitation`, async () => {
    await using upstream = await upstreamThat((peer, stream) => {
      peer.headers(stream, [[':status', '200']]);
      peer.data(stream, 'half');
      peer.reset(stream, code);
    });
    await using gateway = await started(upstream);
    using client = await connectFrames(gateway.port('public'), { ca: gateway.ca });
    client.headers(1, REST, Flag.END_STREAM);
    assert.equal((await client.finished(1)).at(-1), 'RST_STREAM 1 code 2');
  });
}

test('an upstream that dies between two whole gRPC messages is said in trailers: status 14', async () => {
  await using upstream = await upstreamThat((peer, stream) => {
    peer.headers(stream, [
      [':status', '200'],
      ['content-type', 'application/grpc'],
    ]);
    peer.data(stream, '\0\0\0\0\x04full');
    peer.socket.end();
  });
  await using gateway = await started(upstream);
  using client = await connectFrames(gateway.port('public'), { ca: gateway.ca });
  client.headers(1, GRPC);
  client.data(1, '\0\0\0\0\0', Flag.END_STREAM);
  assert.deepEqual(await client.finished(1), ['HEADERS 1', 'DATA 1', 'HEADERS+END_STREAM 1']);
  const { record } = await gateway.over(() => true);
  assert.deepEqual([record.grpcStatus, record.error?.code], ['14', 'UPSTREAM_CUT']);
});

for (const [framing, fields] of [
  [
    'Content-Length',
    [
      [':status', '200'],
      ['content-length', '100'],
    ],
  ],
  ['chunks', [[':status', '200']]],
] as const) {
  test(`an answer that is cut ends an HTTP/1.1 connection without the rest (${framing})`, async () => {
    await using upstream = await upstreamThat((peer, stream) => {
      peer.headers(stream, fields);
      peer.data(stream, 'half');
      peer.reset(stream, 2);
    });
    await using gateway = await started(upstream);
    const socket = net.connect(gateway.port('clear'), '127.0.0.1');
    socket.on('error', () => {});
    socket.write('GET /admin/v1/healthz HTTP/1.1\r\nhost: localhost\r\n\r\n');
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk;
    });
    await new Promise((resolve) => socket.on('close', resolve));
    // A reset may overtake what was sent before; what may not come is an end.
    assert.doesNotMatch(text, /\r\n0\r\n/);
    assert.ok((text.split('\r\n\r\n')[1] ?? '').length < 100);
  });
}

test('a client of HTTP/1.0, whose bodies end with the connection, is told by a TCP reset', async () => {
  await using upstream = await upstreamThat((peer, stream) => {
    peer.headers(stream, [[':status', '200']]);
    peer.data(stream, 'half');
    peer.reset(stream, 2);
  });
  await using gateway = await started(upstream);
  const socket = net.connect(gateway.port('clear'), '127.0.0.1');
  socket.write('GET /admin/v1/healthz HTTP/1.0\r\nhost: localhost\r\n\r\n');
  socket.resume();
  const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
  assert.equal(error.code, 'ECONNRESET');
});

test('an upstream that answers before the upload is over: the client has the whole answer, then RST_STREAM(NO_ERROR)', async () => {
  await using upstream = await upstreamThat((peer, stream) => {
    peer.headers(stream, [
      [':status', '413'],
      ['content-type', 'text/plain'],
    ]);
    peer.data(stream, 'too large', Flag.END_STREAM);
    peer.reset(stream, 0);
  });
  await using gateway = await started(upstream);
  using client = await connectFrames(gateway.port('public'), { ca: gateway.ca });
  client.headers(1, [...GRPC.slice(0, 3), [':path', '/v2/sessions'], ['content-type', 'application/json']]);
  client.data(1, '{');
  const end = await client.next(({ stream, type }) => stream === 1 && type === 3);
  assert.equal(end?.payload.readUInt32BE(0), 0);
  assert.equal(client.body(1).toString(), 'too large');
  const frames = client.of(1);
  assert.ok(
    frames.some((frame) => frame.startsWith('DATA+END_STREAM')),
    frames.join(', '),
  );
  assert.equal((await gateway.over(() => true)).record.error, undefined);
});
