// Listeners: two protocols on one cleartext port, both address families, draining, and errors that say what to do.
// Harm: a client of HTTP/2 that meets HTTP/1.1 sees garbage; a restart that drops requests is seen by everybody.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { networkInterfaces } from 'node:os';
import { test } from 'node:test';
import { Events } from '../../src/core/events.ts';
import { Listener } from '../../src/transport/listener.ts';
import { startGateway, testCertificate } from '../support/gateway.ts';
import { connectRaw, RawClient } from '../support/h1-raw.ts';
import { connectFrames, Flag, FrameType, frame, headerBlock } from '../support/h2-frames.ts';
import { AMPLE, startListener } from '../support/listener.ts';

const GET: [string, string][] = [
  [':method', 'GET'],
  [':scheme', 'http'],
  [':authority', 'a'],
  [':path', '/'],
];
const hasIPv6 = Object.values(networkInterfaces()).some((all) => all?.some(({ family }) => family === 'IPv6'));

test('cleartext: HTTP/1.1 and HTTP/2 with prior knowledge on one port', async () => {
  await using server = await startListener();
  using h1 = await connectRaw(server.port);
  h1.request('GET / HTTP/1.1', 'host: a');
  assert.equal((await h1.answer())?.status, 200);
  using h2 = await connectFrames(server.port);
  h2.headers(1, GET, Flag.END_STREAM);
  assert.ok((await h2.finished(1)).at(-1)?.includes('END_STREAM'));
  assert.deepEqual(
    server.requests.map(({ httpVersionMajor }) => httpVersionMajor),
    [1, 2],
  );
});

/** Sends bytes one by one, each in a segment of its own: the next when the kernel has taken the one before. */
async function drip(socket: net.Socket, bytes: Buffer): Promise<void> {
  for (const byte of bytes) {
    await new Promise<void>((resolve) => socket.write(Buffer.from([byte]), () => setImmediate(resolve)));
  }
}

test('cleartext: a preface and a first request that come byte by byte are HTTP/2', async () => {
  await using server = await startListener();
  const socket = net.connect({ port: server.port, host: '127.0.0.1', noDelay: true });
  socket.resume();
  await once(socket, 'connect');
  const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
  await drip(
    socket,
    Buffer.concat([preface, frame(FrameType.SETTINGS, 0, 0), frame(FrameType.HEADERS, 5, 1, headerBlock(GET))]),
  );
  assert.equal((await server.request(0)).httpVersionMajor, 2);
  socket.destroy();
});

test('cleartext: a request that begins like the preface and goes on otherwise is HTTP/1.1', async () => {
  await using server = await startListener();
  using client = new RawClient(net.connect({ port: server.port, host: '127.0.0.1', noDelay: true }));
  await drip(client.socket, Buffer.from('P'));
  await drip(client.socket, Buffer.from('OST / HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n'));
  assert.equal((await client.answer())?.status, 200);
  assert.equal((await server.request(0)).method, 'POST');
});

test('cleartext: preface, settings, request and body in one segment are all served', async () => {
  await using server = await startListener();
  const socket = net.connect({ port: server.port, host: '127.0.0.1' });
  socket.resume();
  socket.write(
    Buffer.concat([
      Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
      frame(FrameType.SETTINGS, 0, 0),
      frame(FrameType.HEADERS, Flag.END_HEADERS, 1, headerBlock(GET.with(0, [':method', 'POST']))),
      frame(FrameType.DATA, Flag.END_STREAM, 1, 'abc'),
      frame(FrameType.HEADERS, 5, 3, headerBlock(GET)),
    ]),
  );
  assert.equal((await server.request(1)).method, 'GET');
  socket.destroy();
});

test('cleartext: pipelined HTTP/1.1 requests in one segment are answered in order', async () => {
  await using server = await startListener({ answer: (request, reply) => reply.end(request.target) });
  using client = await connectRaw(server.port);
  client.send(['/1', '/2', '/3'].map((target) => `GET ${target} HTTP/1.1\r\nhost: a\r\n\r\n`).join(''));
  const bodies = [await client.answer(), await client.answer(), await client.answer()].map((one) =>
    one?.body.toString(),
  );
  assert.deepEqual(bodies, ['/1', '/2', '/3']);
});

test('cleartext: a broken preface is answered as HTTP/1.1, and the connection ends', async () => {
  await using server = await startListener();
  using client = await connectRaw(server.port);
  client.send('PRI * HTTP/2.1\r\n\r\n');
  assert.equal((await client.answer())?.status, 400);
  await client.gone();
});

test('a listener on [::] takes IPv4 and IPv6, and both clients have their own address', async (context) => {
  if (!hasIPv6) return context.skip('this machine has no IPv6');
  await using server = await startListener({ host: '::' });
  using v4 = await connectRaw(server.port, { host: '127.0.0.1' });
  v4.request('GET / HTTP/1.1', 'host: a');
  await v4.answer();
  using v6 = await connectRaw(server.port, { host: '::1' });
  v6.request('GET / HTTP/1.1', 'host: a');
  await v6.answer();
  assert.deepEqual(
    server.requests.map(({ connection }) => connection.peerAddress),
    ['127.0.0.1', '::1'],
  );
});

test('a port that is taken is told with the listener and the address', async () => {
  await using server = await startListener();
  const second = new Listener(
    { name: 'public', host: '127.0.0.1', port: server.port, limits: AMPLE },
    { request() {}, wantsUpgrade: () => false, upgrade() {} },
    new Events(),
  );
  await assert.rejects(second.listen(), {
    message: `listener public: 127.0.0.1:${server.port}: the port is taken by another process (EADDRINUSE)`,
  });
  second.destroy();
});

test('an address that is not ours is told with the listener and the address', async () => {
  const listener = new Listener(
    { name: 'public', host: '192.0.2.1', port: 0, limits: AMPLE },
    { request() {}, wantsUpgrade: () => false, upgrade() {} },
    new Events(),
  );
  await assert.rejects(
    listener.listen(),
    /^Error: listener public: 192\.0\.2\.1:0: no interface of this machine has the address/,
  );
  listener.destroy();
});

test('drain: no new connections, an answer in flight says connection: close, then its connection ends', async () => {
  const replies: (() => void)[] = [];
  await using server = await startListener({ answer: (_request, reply) => replies.push(() => reply.end('late')) });
  using client = await connectRaw(server.port);
  client.request('GET / HTTP/1.1', 'host: a');
  await server.request(0);
  const drained = server.listener.drain();
  const late = net.connect(server.port, '127.0.0.1');
  const [error] = (await once(late, 'error')) as [NodeJS.ErrnoException];
  assert.equal(error.code, 'ECONNREFUSED');
  replies[0]!();
  const answer = await client.answer();
  assert.equal(answer?.body.toString(), 'late');
  assert.equal(answer.header('connection'), 'close');
  await client.gone();
  await drained;
});

test('drain: kept-alive, fresh and undecided connections of HTTP/1.1 end at once, on both kinds of listener', async () => {
  const { certificate, key } = await testCertificate();
  for (const secure of [false, true]) {
    const tls = { certificates: [{ certificate, key, source: 'test' }], minVersion: '1.2' as const };
    await using server = await startListener(secure ? { tls } : {});
    const options = secure ? { ca: certificate } : {};
    using kept = await connectRaw(server.port, options);
    kept.request('GET / HTTP/1.1', 'host: a');
    await kept.answer();
    using fresh = await connectRaw(server.port, options);
    if (secure) await server.until(() => server.open === 2);
    // A round trip on another connection: by then the fresh one was accepted.
    kept.request('GET / HTTP/1.1', 'host: a');
    await kept.answer();
    await server.listener.drain();
    await Promise.all([kept.gone(), fresh.gone()]);
  }
});

test('drain may be asked for twice, and both are told', async () => {
  await using server = await startListener();
  using client = await connectRaw(server.port);
  client.request('GET /hold HTTP/1.1', 'host: a');
  await server.request(0);
  const both = [server.listener.drain(), server.listener.drain()];
  client.socket.destroy();
  await Promise.all(both);
});

test('destroy ends every connection, whatever it is doing', async () => {
  await using server = await startListener();
  using busy = await connectRaw(server.port);
  busy.request('GET /hold HTTP/1.1', 'host: a');
  await server.request(0);
  using silent = await connectRaw(server.port);
  using h2 = await connectFrames(server.port);
  h2.headers(1, GET, Flag.END_STREAM);
  await h2.finished(1);
  server.listener.destroy();
  await Promise.all([busy.gone(), silent.gone(), h2.next(() => false)]);
});

test('a listener of requests that throws does not take the process, over HTTP/1.1 either', async () => {
  await using server = await startListener({
    answer(request, reply) {
      if (request.target === '/throws') throw new Error('a defect');
      reply.end('ok');
    },
  });
  using bad = await connectRaw(server.port);
  bad.request('GET /throws HTTP/1.1', 'host: a');
  await bad.gone();
  assert.deepEqual([(await server.end()).reason, (await server.end()).code], ['defect', 'a defect']);
  using good = await connectRaw(server.port);
  good.request('GET / HTTP/1.1', 'host: a');
  assert.equal((await good.answer())?.status, 200);
});

test('an upgrade that nobody wants is a request without one', async () => {
  await using server = await startListener();
  using client = await connectRaw(server.port);
  client.request('GET / HTTP/1.1', 'host: a', 'connection: Upgrade', 'upgrade: websocket', 'sec-websocket-version: 13');
  assert.equal((await client.answer())?.status, 200);
});

for (const [title, answer] of [
  ['an answer with Content-Length and Trailer', ['content-length', '2', 'trailer', 'x']],
  ['an answer with Trailer to a client that asked for none', ['trailer', 'x']],
] as const) {
  test(`http/1.1: ${title} is an answer, not a defect`, async () => {
    await using server = await startListener({
      answer(request) {
        request.stream.respond(200, [...answer], false);
        request.stream.write(Buffer.from('ok'));
        request.stream.end(['x', '1']);
      },
    });
    using client = await connectRaw(server.port);
    client.request('GET / HTTP/1.1', 'host: a');
    const got = await client.answer();
    assert.equal(got?.body.toString(), 'ok');
    assert.equal(got.header('trailer'), undefined);
    assert.deepEqual(server.ends, []);
  });
}

test('http/1.1: trailers reach a client that asked for them', async () => {
  await using server = await startListener({
    answer(request) {
      request.stream.respond(200, ['trailer', 'x-t'], false);
      request.stream.write(Buffer.from('ok'));
      request.stream.end(['x-t', '1']);
    },
  });
  using client = await connectRaw(server.port);
  client.request('GET / HTTP/1.1', 'host: a', 'te: trailers', 'connection: te, close');
  await client.gone();
  assert.match(client.rest.toString(), /trailer: x-t\r\n.*\r\n0\r\nx-t: 1\r\n\r\n$/s);
});

test('http/1.1: a field value that is the name of another field is only a value', async () => {
  await using server = await startListener({
    answer: (request) => request.stream.respond(200, ['access-control-allow-headers', 'content-length'], true),
  });
  using client = await connectRaw(server.port);
  client.request('GET / HTTP/1.1', 'host: a');
  assert.equal((await client.answer())?.header('content-length'), '0');
});

test('max_connections counts the connections of all listeners together', async () => {
  await using gateway = await startGateway({ config: { limits: { max_connections: 2 } } });
  using first = await connectFrames(gateway.port('public'), { ca: gateway.ca });
  using second = await connectFrames(gateway.port('clear'));
  assert.deepEqual([first.closed, second.closed], [false, false]);
  const third = net.connect(gateway.port('clear'), '127.0.0.1');
  third.on('error', () => {});
  const ended = await gateway.announcement('connection_ended', ({ limit }) => limit === 'limits.max_connections');
  assert.equal(ended.listener, 'clear');
  third.destroy();
});
