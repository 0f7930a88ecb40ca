// What was certainly not processed is sent once more on another session, and nothing else is: RFC 9113 sections 6.8 and 8.7.
// Harm: a rolling update is a 502 for every login in flight (zitadel/zitadel#8772); a login sent twice is worse.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { test } from 'node:test';
import { startGateway } from '../support/gateway.ts';
import { connectFrames, Flag, type FramePeer, FrameType, frame, startFrameServer } from '../support/h2-frames.ts';

const POST = [
  [':method', 'POST'],
  [':scheme', 'https'],
  [':authority', 'localhost'],
  [':path', '/v2/sessions'],
  ['content-type', 'application/json'],
] as const;

const ok = (peer: FramePeer, stream: number): void => peer.headers(stream, [[':status', '200']], Flag.END_STREAM);

interface Seen {
  readonly peer: FramePeer;
  readonly stream: number;
}

/** An upstream that does one thing with each request after the start's health check, and remembers them all. */
async function upstreamOf(...acts: ((peer: FramePeer, stream: number) => void)[]) {
  const seen: Seen[] = [];
  let check = true;
  const server = await startFrameServer((peer, stream) => {
    if (check) {
      check = false;
      return ok(peer, stream);
    }
    seen.push({ peer, stream });
    (acts[seen.length - 1] ?? ok)(peer, stream);
  });
  return Object.assign(server, { seen });
}

async function started(...addresses: string[]) {
  const gateway = await startGateway({ zitadel: { endpoints: addresses, connect_timeout_ms: 500 } });
  while (!gateway.primary.ready().ok) await new Promise((resolve) => setImmediate(resolve));
  return gateway;
}

for (const [what, act] of [
  ['REFUSED_STREAM', (peer: FramePeer, stream: number) => peer.reset(stream, 7)],
  ['GOAWAY(NO_ERROR) with a lower last stream id', (peer: FramePeer, stream: number) => peer.goaway(stream - 2, 0)],
  [
    'GOAWAY(INTERNAL_ERROR) with a lower last stream id',
    (peer: FramePeer, stream: number) => peer.goaway(stream - 2, 2),
  ],
] as const) {
  test(`${what}: the request is sent once more, with its body`, async () => {
    await using upstream = await upstreamOf(act);
    await using gateway = await started(upstream.address);
    using client = await connectFrames(gateway.port('public'), { ca: gateway.ca });
    client.headers(1, POST);
    client.data(1, '{"a":1}', Flag.END_STREAM);
    assert.deepEqual(await client.finished(1), ['HEADERS+END_STREAM 1']);
    const { record } = await gateway.over(() => true);
    assert.deepEqual([record.status, record.attempts], [200, 2]);
    assert.equal(upstream.seen.length, 2);
    const again = upstream.seen[1]!;
    await again.peer.finished(again.stream);
    assert.equal(again.peer.body(again.stream).toString(), '{"a":1}');
    if (what !== 'REFUSED_STREAM') assert.notEqual(again.peer, upstream.seen[0]!.peer);
  });
}

test('refused twice is enough: 503, and no third attempt', async () => {
  const refuse = (peer: FramePeer, stream: number): void => peer.reset(stream, 7);
  await using upstream = await upstreamOf(refuse, refuse, refuse);
  await using gateway = await started(upstream.address);
  using client = await connectFrames(gateway.port('public'), { ca: gateway.ca });
  client.headers(1, POST, Flag.END_STREAM);
  await client.finished(1);
  const { record } = await gateway.over(() => true);
  assert.deepEqual([record.status, record.error?.code, record.attempts], [503, 'UPSTREAM_REFUSED', 2]);
  assert.equal(upstream.seen.length, 2);
});

for (const [what, act] of [
  ['a reset with CANCEL', (peer: FramePeer, stream: number) => peer.reset(stream, 8)],
  ['a reset with INTERNAL_ERROR', (peer: FramePeer, stream: number) => peer.reset(stream, 2)],
  ['a lost connection', (peer: FramePeer) => peer.socket.resetAndDestroy()],
  ['a closed connection', (peer: FramePeer) => peer.socket.end()],
  [
    'GOAWAY that covers it, and then the end',
    (peer: FramePeer, stream: number) => {
      peer.goaway(stream, 0);
      peer.socket.end();
    },
  ],
] as const) {
  test(`${what} before an answer: a POST may have been processed and is not sent again`, async () => {
    await using upstream = await upstreamOf(act);
    await using gateway = await started(upstream.address);
    using client = await connectFrames(gateway.port('public'), { ca: gateway.ca });
    client.headers(1, POST, Flag.END_STREAM);
    await client.finished(1);
    const { record } = await gateway.over(() => true);
    assert.deepEqual([record.status, record.error?.code, record.attempts], [502, 'UPSTREAM_RESET', 1]);
    assert.equal(upstream.seen.length, 1);
  });
}

test('a GET that is lost with its connection is safe and sent once more', async () => {
  await using upstream = await upstreamOf((peer) => peer.socket.resetAndDestroy());
  await using gateway = await started(upstream.address);
  using client = await connectFrames(gateway.port('public'), { ca: gateway.ca });
  client.headers(1, [[':method', 'GET'], ...POST.slice(1, 4)], Flag.END_STREAM);
  await client.finished(1);
  const { record } = await gateway.over(() => true);
  assert.deepEqual([record.status, record.attempts], [200, 2]);
});

test('a body that is no longer all here is not sent again', async () => {
  await using upstream = await upstreamOf((peer, stream) => {
    peer
      .next((one) => one.type === FrameType.DATA && one.stream === stream && peer.body(stream).length > 65_536)
      .then(() => peer.reset(stream, 7));
  });
  await using gateway = await started(upstream.address);
  using client = await connectFrames(gateway.port('public'), { ca: gateway.ca });
  client.headers(1, POST);
  await client.next(({ type }) => type === FrameType.SETTINGS);
  for (let i = 0; i < 6; i += 1) client.data(1, Buffer.alloc(16_000, 0x20));
  await client.finished(1);
  const { record } = await gateway.over(() => true);
  assert.deepEqual([record.error?.code, record.attempts], ['UPSTREAM_REFUSED', 1]);
});

test('an endpoint that refuses the connection: the other one gets the request', async () => {
  const closed = net.createServer().listen(0, '127.0.0.1');
  await once(closed, 'listening');
  const { port } = closed.address() as AddressInfo;
  closed.close();
  await once(closed, 'close');
  await using upstream = await upstreamOf();
  await using gateway = await started(`127.0.0.1:${port}`, upstream.address);
  using client = await connectFrames(gateway.port('public'), { ca: gateway.ca });
  for (const stream of [1, 3]) {
    client.headers(stream, POST);
    client.data(stream, '{}', Flag.END_STREAM);
    await client.finished(stream);
  }
  await gateway.over(() => gateway.ended.length === 2);
  assert.deepEqual(
    gateway.ended.map(({ record }) => record.status),
    [200, 200],
  );
  assert.equal(upstream.seen.length, 2);
});

for (const [what, end] of [
  ['a TCP reset', (peer: FramePeer) => peer.socket.resetAndDestroy()],
  ['a FIN', (peer: FramePeer) => peer.socket.end()],
  ['GOAWAY(NO_ERROR)', (peer: FramePeer) => peer.goaway(1, 0)],
  ['GOAWAY(PROTOCOL_ERROR)', (peer: FramePeer) => peer.goaway(1, 1)],
  ['a frame that is none', (peer: FramePeer) => peer.send(frame(FrameType.SETTINGS, 0, 5, 'x'))],
] as const) {
  test(`@fastify/reply-from 12.6.5 ends the process there: ${what} on an idle session, and the next request is served`, async () => {
    await using upstream = await upstreamOf();
    await using gateway = await started(upstream.address);
    const first = await upstream.peer(0);
    end(first);
    await gateway.announcement('session_closed');
    using client = await connectFrames(gateway.port('public'), { ca: gateway.ca });
    client.headers(1, POST);
    client.data(1, '{}', Flag.END_STREAM);
    await client.finished(1);
    assert.equal((await gateway.over(() => true)).record.status, 200);
    assert.equal(upstream.peers.length, 2);
  });
}

test('a peer that accepts and says nothing is given up after connect_timeout_ms', async () => {
  const mute = net.createServer((socket) => socket.on('error', () => {}).resume()).listen(0, '127.0.0.1');
  await once(mute, 'listening');
  await using gateway = await startGateway({
    zitadel: { endpoints: [`127.0.0.1:${(mute.address() as AddressInfo).port}`], connect_timeout_ms: 100 },
  });
  using client = await connectFrames(gateway.port('public'), { ca: gateway.ca });
  client.headers(1, POST, Flag.END_STREAM);
  await client.finished(1);
  const { record } = await gateway.over(() => true);
  assert.deepEqual([record.status, record.error?.code], [504, 'CONNECT_TIMEOUT']);
  mute.close();
});

test('a session that no longer answers PING is ended, and its streams with it', async () => {
  await using upstream = await startFrameServer((peer, stream) => {
    if (stream === 1) return ok(peer, stream);
    peer.answerPings = false;
  });
  await using gateway = await startGateway({
    zitadel: { endpoints: [upstream.address], ping_interval_ms: 1000, ping_timeout_ms: 100 },
  });
  while (!gateway.primary.ready().ok) await new Promise((resolve) => setImmediate(resolve));
  using client = await connectFrames(gateway.port('public'), { ca: gateway.ca });
  client.headers(1, POST, Flag.END_STREAM);
  await client.finished(1);
  const { record } = await gateway.over(() => true);
  assert.deepEqual([record.status, record.error?.code], [502, 'UPSTREAM_RESET']);
  assert.match((await gateway.announcement('session_closed')).reason, /PING/);
});
