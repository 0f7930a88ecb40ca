// Back-pressure end to end: a side that stops reading holds up the other side of its own stream, and nothing else.
// Harm: a gateway that buffers for slow clients is a gateway that any client can fill.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http2, { type ServerHttp2Stream } from 'node:http2';
import net from 'node:net';
import { test } from 'node:test';
import { startStandIn } from '../../src/demo/stand-in.ts';
import { startGateway } from '../support/gateway.ts';
import { connectFrames, Flag, startFrameServer } from '../support/h2-frames.ts';

const MIB = 1024 * 1024;
const DEMO = { routes: [{ name: 'demo', paths: ['/demo/*'] }] };

/** An endless answer, at the pace of whoever takes it; counts what was taken. */
async function startFountain() {
  const taken = { bytes: 0, drained: () => {} };
  const server = http2.createServer();
  server.on('stream', (stream: ServerHttp2Stream) => {
    stream.on('error', () => {});
    if (stream.session?.remoteSettings === undefined) return;
    stream.respond({ ':status': 200 });
    const chunk = Buffer.alloc(16 * 1024, 0x61);
    const pour = (): void => {
      while (!stream.destroyed) {
        taken.bytes += chunk.length;
        if (!stream.write(chunk)) {
          stream.once('drain', pour);
          return;
        }
      }
    };
    pour();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { address: `127.0.0.1:${(server.address() as net.AddressInfo).port}`, taken, close: () => server.close() };
}

/** Resolves when a number has stopped growing for some turns of the event loop. */
async function settled(read: () => number): Promise<number> {
  let last = -1;
  for (let quiet = 0; quiet < 200; ) {
    await new Promise((resolve) => setImmediate(resolve));
    const now = read();
    quiet = now === last ? quiet + 1 : 0;
    last = now;
  }
  return last;
}

test('a reader over HTTP/2 that stops takes no more than the windows from the upstream, and its siblings go on', async () => {
  const fountain = await startFountain();
  await using zitadel = await startStandIn();
  await using gateway = await startGateway({
    config: {
      upstreams: {
        zitadel: { endpoints: [new URL(zitadel.url).host] },
        fountain: { endpoints: [fountain.address], stream_window_bytes: 262_144 },
      },
      routes: [{ name: 'fountain', paths: ['/fountain'], upstream: 'fountain' }],
    },
  });
  const client = http2.connect(gateway.url, { ca: gateway.ca });
  const stopped = client.request({ ':path': '/fountain' });
  stopped.on('error', () => {});
  await once(stopped, 'response');
  stopped.pause();
  const taken = await settled(() => fountain.taken.bytes);
  // The upstream's own socket and stream buffers, our window of the stream, the client's window: far below a MiB each.
  assert.ok(taken < 4 * MIB, `${taken} bytes were taken`);
  for (let i = 0; i < 20; i += 1) {
    const sibling = client.request({ ':path': '/admin/v1/healthz' });
    sibling.resume();
    const [headers] = (await once(sibling, 'response')) as [http2.IncomingHttpHeaders & http2.IncomingHttpStatusHeader];
    assert.equal(headers[':status'], 200);
  }
  assert.equal(fountain.taken.bytes, taken);
  stopped.close(8);
  client.close();
  await gateway.over(({ exchange }) => exchange.route.name === 'fountain');
  fountain.close();
});

test('a reader over HTTP/1.1 that stops takes no more than buffers and windows', async () => {
  const fountain = await startFountain();
  await using gateway = await startGateway({ zitadel: fountain.address });
  const socket = net.connect(gateway.port('clear'), '127.0.0.1');
  socket.pause();
  socket.write('GET /admin/v1/healthz HTTP/1.1\r\nhost: localhost\r\n\r\n');
  const taken = await settled(() => fountain.taken.bytes);
  // The kernel's socket buffers of both loopback ends come on top here.
  assert.ok(taken < 16 * MIB, `${taken} bytes were taken`);
  socket.destroy();
  fountain.close();
});

test('an upstream that takes nothing of an upload holds up the client: no more than the windows is buffered', async () => {
  let check = true;
  await using upstream = await startFrameServer(
    (peer, stream) => {
      if (check) peer.headers(stream, [[':status', '200']], Flag.END_STREAM);
      check = false;
    },
    (peer) => {
      peer.giveWindow = false;
    },
  );
  await using gateway = await startGateway({ zitadel: upstream.address });
  const client = http2.connect(gateway.url, { ca: gateway.ca });
  const upload = client.request({ ':path': '/v2/sessions', ':method': 'POST', 'content-type': 'application/json' });
  upload.on('error', () => {});
  let sent = 0;
  const chunk = Buffer.alloc(16 * 1024, 0x20);
  const pour = (): void => {
    while (!upload.destroyed && upload.write(chunk)) sent += chunk.length;
    upload.once('drain', pour);
  };
  pour();
  const taken = await settled(() => sent);
  assert.ok(taken < 2 * MIB, `${taken} bytes were sent`);
  const peer = await upstream.peer(0);
  assert.equal(peer.body(3).length, 65_535);
  upload.close(8);
  client.close();
});

test('a client that takes nothing for write_idle_ms is given up, and the upstream is told', async () => {
  const fountain = await startFountain();
  await using gateway = await startGateway({
    zitadel: fountain.address,
    config: { limits: { write_idle_ms: 200 } },
  });
  using client = await connectFrames(gateway.port('public'), { ca: gateway.ca });
  client.giveWindow = false;
  client.headers(
    1,
    [
      [':method', 'GET'],
      [':scheme', 'https'],
      [':authority', 'localhost'],
      [':path', '/admin/v1/healthz'],
    ],
    Flag.END_STREAM,
  );
  const { record } = await gateway.over(() => true);
  assert.equal(record.error?.code, 'CLIENT_STALLED');
  assert.match(record.error?.detail ?? '', /write_idle_ms/);
  assert.equal((await client.finished(1)).at(-1), 'RST_STREAM 1 code 8');
  fountain.close();
});

test('64 MiB down and 12 MiB up pass whole through small windows', async () => {
  await using zitadel = await startStandIn();
  await using gateway = await startGateway({ zitadel: new URL(zitadel.url).host, config: DEMO });
  const client = http2.connect(gateway.url, { ca: gateway.ca });
  const down = client.request({ ':path': `/demo/large?bytes=${64 * MIB}` });
  let bytes = 0;
  for await (const chunk of down) bytes += (chunk as Buffer).length;
  assert.equal(bytes, 64 * MIB);
  const up = client.request({ ':path': '/demo/upload', ':method': 'POST' });
  up.end(Buffer.alloc(12 * MIB));
  let text = '';
  for await (const chunk of up) text += chunk;
  assert.match(text, new RegExp(String(12 * MIB)));
  client.close();
});
