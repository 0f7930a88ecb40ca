// Memory is bounded when one side stops: RFC 9113 section 5.2.
// Harm: one reader that stops fills the heap of the gateway, or stops everybody else on its connection.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http2, { type ServerHttp2Stream } from 'node:http2';
import net, { type AddressInfo } from 'node:net';
import { test } from 'node:test';
import { startGateway } from '../support/gateway.ts';
import { connectFrames, SettingId } from '../support/h2-frames.ts';
import { until } from '../support/until.ts';
import { Flag, outcome, plain, startUpstream } from './raw-upstream.ts';

const MIB = 2 ** 20;
/** What a stream may hold: windows of both legs, the buffers of Node and of the kernel's sockets. */
const BOUND = 20 * MIB;

/** An upstream that writes as fast as it may, in the same process: what it was allowed to write is what somebody holds. */
async function startFlood(total: number) {
  let written = 0;
  let stopped: (() => void) | undefined;
  const server = http2.createServer();
  server.on('stream', (stream: ServerHttp2Stream, headers) => {
    stream.on('error', () => {});
    // Node 26.10 resets a stream whose request nobody has read when its answer is written, before it is sent.
    stream.resume();
    stream.respond({ ':status': 200 });
    if (!String(headers[':path']).includes('flood')) return void stream.end('ok');
    const chunk = Buffer.alloc(64 * 1024, 'x');
    const more = (): void => {
      while (written < total) {
        written += chunk.length;
        if (!stream.write(chunk)) {
          stopped?.();
          stream.once('drain', more);
          return;
        }
      }
      stream.end();
    };
    more();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    get written() {
      return written;
    },
    /** Resolves when it was told to hold on and nothing moved for some turns of the loop. */
    async stalled(): Promise<void> {
      for (let before = -1, quiet = 0; quiet < 200; quiet = before === written ? quiet + 1 : 0) {
        before = written;
        await new Promise((resolve) => setImmediate(resolve));
      }
    },
    async [Symbol.asyncDispose]() {
      server.close();
    },
  };
}

test('a client that stops reading 200 MB: little is taken from the upstream, its siblings go on, then it has all', {
  timeout: 60_000,
}, async () => {
  await using upstream = await startFlood(200 * MIB);
  await using gateway = await startGateway({ zitadel: upstream.address, config: { hints: false } });
  using client = await connectFrames(gateway.port('clear'));
  client.keepData = false;
  client.giveWindow = false;
  client.headers(1, plain('GET', '/v2/flood'), Flag.END_STREAM);
  await client.next(({ type, stream }) => type === 0 && stream === 1);
  await upstream.stalled();
  const { external, heapUsed } = process.memoryUsage();
  assert.ok(upstream.written < BOUND, `${upstream.written} bytes were taken`);
  // 1. A sibling on the same connection has its answer: only the stream's window is used up.
  client.headers(3, plain('GET', '/v2/sibling'), Flag.END_STREAM);
  client.send(windowOfConnection(MIB));
  assert.equal((await outcome(client, 3)).at(-1), 'DATA+END_STREAM');
  // 2. Nothing grows meanwhile.
  const later = process.memoryUsage();
  assert.ok(later.external + later.heapUsed - external - heapUsed < BOUND);
  // 3. The reader comes back and has everything.
  client.giveWindow = true;
  client.window(1, 4 * MIB);
  await client.next(({ type, stream, flags }) => stream === 1 && type === 0 && (flags & Flag.END_STREAM) !== 0);
  assert.equal(client.bytes(1), 200 * MIB);
  assert.equal((await gateway.over(({ record }) => record.bytesOut > MIB)).record.bytesOut, 200 * MIB);
});

test('an upstream that stops reading an upload: little is taken from the client, then it has all', {
  timeout: 60_000,
}, async () => {
  const total = 50 * MIB;
  await using upstream = await startUpstream();
  const policies = { body_limit: { max_bytes: 0 } };
  await using gateway = await startGateway({ zitadel: upstream.address, config: { hints: false, policies } });
  await upstream.checked;
  const client = http2.connect(gateway.clearUrl);
  const stream = client.request({ ':method': 'POST', ':path': '/v2/users' });
  const request = await upstream.request(0);
  request.peer.keepData = false;
  request.peer.giveWindow = false;
  let written = 0;
  const chunk = Buffer.alloc(64 * 1024, 'x');
  const more = (): void => {
    while (written < total) {
      written += chunk.length;
      if (!stream.write(chunk)) return void stream.once('drain', more);
    }
    stream.end();
  };
  more();
  for (let before = -1, quiet = 0; quiet < 200; quiet = before === written ? quiet + 1 : 0) {
    before = written;
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.ok(written < BOUND, `${written} bytes were taken`);
  request.peer.giveWindow = true;
  request.peer.window(request.id, 4 * MIB);
  await request.finished();
  assert.equal(request.peer.bytes(request.id), total);
  request.answer();
  const [headers] = await once(stream, 'response');
  assert.equal(headers[':status'], 200);
  client.destroy();
});

test('a client that takes none of a complete answer is given up after write_idle_ms', async () => {
  await using upstream = await startUpstream((request) => request.answer());
  const limits = { write_idle_ms: 100 };
  await using gateway = await startGateway({ zitadel: upstream.address, config: { hints: false, limits } });
  await upstream.checked;
  using client = await connectFrames(gateway.port('public'), {
    ca: gateway.ca,
    settings: [[SettingId.INITIAL_WINDOW_SIZE, 0]],
  });
  client.headers(1, plain('GET'), Flag.END_STREAM);
  assert.deepEqual(await outcome(client, 1), ['HEADERS', 'RST_STREAM code 8']);
  const { record } = await gateway.over(({ record }) => record.endpoint !== undefined);
  assert.equal(record.error!.code, 'CLIENT_STALLED');
});

/** WINDOW_UPDATE for the connection alone. */
function windowOfConnection(bytes: number): Buffer {
  const payload = Buffer.alloc(4);
  payload.writeUInt32BE(bytes);
  return Buffer.concat([Buffer.from([0, 0, 4, 8, 0, 0, 0, 0, 0]), payload]);
}

test('an HTTP/1.1 client that stops reading 200 MB: little is taken from the upstream', async () => {
  await using flood = await startFlood(200 * MIB);
  await using gateway = await startGateway({ zitadel: flood.address, config: { hints: false } });
  const socket = net.connect(gateway.port('clear'), '127.0.0.1');
  socket.pause();
  socket.write('GET /v2/flood HTTP/1.1\r\nhost: localhost\r\n\r\n');
  await until(() => flood.written > 0);
  await flood.stalled();
  assert.ok(flood.written < BOUND, `${flood.written} bytes were taken`);
  socket.destroy();
});
