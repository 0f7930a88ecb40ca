// The checks themselves, against real servers.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import http2, { type ServerHttp2Stream } from 'node:http2';
import net, { type AddressInfo, type Server, type Socket } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { systemClock } from '../../src/core/clock.ts';
import { Events, type GatewayEvents } from '../../src/core/events.ts';
import type { CheckResult } from '../../src/upstream/health/check.ts';
import { makeCheck } from '../../src/upstream/health/checks.ts';
import { healthRequest, healthStatus } from '../../src/upstream/health/grpc-check.ts';
import { type CheckSettings, NO_HEALTH } from '../../src/upstream/health/settings.ts';
import type { PoolSettings } from '../../src/upstream/pool.ts';
import { Upstream } from '../../src/upstream/upstream.ts';
import { Lookout } from '../support/lookout.ts';
import { until } from '../support/until.ts';
import { poolSettings } from './pool-settings.ts';

interface Started extends AsyncDisposable {
  readonly address: string;
  /** Connections that were ever made, and those that are open. */
  readonly connections: { made: number; readonly open: Set<Socket> };
  /** Resolves when no connection is open. */
  quiet(): Promise<void>;
}

async function started(server: Server): Promise<Started> {
  const connections = { made: 0, open: new Set<Socket>() };
  const lookout = new Lookout();
  server.on('connection', (socket: Socket) => {
    connections.made += 1;
    connections.open.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => {
      connections.open.delete(socket);
      lookout.look();
    });
  });
  server.on('sessionError', () => {});
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    connections,
    quiet: () => lookout.until(() => connections.open.size === 0),
    async [Symbol.asyncDispose]() {
      for (const socket of connections.open) socket.destroy();
      await new Promise((done) => server.close(done));
    },
  };
}

function check(address: string, given: Partial<CheckSettings>, pool: Partial<PoolSettings> = {}): Promise<CheckResult> {
  const settings = { ...NO_HEALTH.check, type: 'http', path: '/debug/ready', timeoutMs: 30_000, ...given } as const;
  return makeCheck(settings, poolSettings(pool))!(address, new AbortController().signal);
}

test('http over h2c: 200 is ready and 412 is not, with path and host as configured, on a connection of its own', async () => {
  let status = 200;
  const heads: Record<string, unknown>[] = [];
  const server = http2.createServer();
  server.on('stream', (stream: ServerHttp2Stream, headers) => {
    heads.push(headers);
    stream.respond({ ':status': status });
    stream.end('"ok"');
  });
  await using zitadel = await started(server);
  assert.deepEqual(await check(zitadel.address, { host: 'id.example.com' }), {
    ready: true,
    reachable: true,
    found: 'status 200',
  });
  assert.equal(heads[0]![':path'], '/debug/ready');
  assert.equal(heads[0]![':authority'], 'id.example.com');
  assert.equal(heads[0]![':method'], 'GET');
  status = 412;
  assert.deepEqual(await check(zitadel.address, {}), { ready: false, reachable: true, found: 'status 412' });
  assert.equal((await check(zitadel.address, { statuses: [200, 412] })).ready, true);
  assert.equal(zitadel.connections.made, 3);
  await zitadel.quiet();
});

test('http over HTTP/1.1, for Login v2, leaves no connection behind', async () => {
  const server = http.createServer((request, response) => {
    response.statusCode = request.url === '/ui/v2/login/healthy' ? 200 : 404;
    response.end('{}');
  });
  await using login = await started(server);
  const pool = { protocol: 'http/1.1' } as const;
  assert.equal((await check(login.address, { path: '/ui/v2/login/healthy' }, pool)).ready, true);
  assert.equal((await check(login.address, { path: '/other' }, pool)).found, 'status 404');
  await login.quiet();
});

test('what listens no longer is found by the next check, while old sessions to it still answer', async () => {
  const sessions = http2.createServer();
  sessions.on('stream', (stream: ServerHttp2Stream) => stream.respond({ ':status': 200 }, { endStream: true }));
  // Listens apart, to end as Go does: Node's own server would close its sessions too.
  const server = net.createServer((socket) => sessions.emit('connection', socket));
  await using pod = await started(server);
  const session = http2.connect(`http://${pod.address}`);
  await once(session, 'connect');
  server.close();
  const { ready, reachable, found } = await check(pod.address, {});
  assert.deepEqual([ready, reachable], [false, false]);
  assert.match(found, /^CONNECT_FAILED .*ECONNREFUSED/);
  const stream = session.request({ ':path': '/debug/ready' });
  const [headers] = await once(stream, 'response');
  assert.equal(headers[':status'], 200);
  stream.resume();
  session.close();
  await once(session, 'close');
});

test('an endpoint that accepts and says nothing is given up when the check is told to', async () => {
  await using mute = await started(net.createServer((socket) => socket.resume()));
  const controller = new AbortController();
  for (const type of ['http', 'grpc'] as const) {
    for (const protocol of ['h2c', 'http/1.1'] as const) {
      const settings = { ...NO_HEALTH.check, type, timeoutMs: 30_000 };
      void makeCheck(settings, poolSettings({ protocol }))!(mute.address, controller.signal);
    }
  }
  await until(() => mute.connections.made === 4);
  controller.abort();
  await mute.quiet();
});

test('grpc.health.v1: SERVING is ready; everything else says what it was', async () => {
  let answer: { status?: number; grpc?: string; body?: Buffer } = {};
  const asked: Buffer[] = [];
  const server = http2.createServer();
  server.on('stream', (stream: ServerHttp2Stream, headers) => {
    assert.equal(headers[':path'], '/grpc.health.v1.Health/Check');
    assert.equal(headers['content-type'], 'application/grpc');
    stream.on('data', (chunk: Buffer) => asked.push(chunk));
    stream.on('end', () => {
      const { status = 200, grpc = '0', body } = answer;
      if (body === undefined) {
        stream.respond(
          { ':status': status, 'content-type': 'application/grpc', 'grpc-status': grpc },
          { endStream: true },
        );
        return;
      }
      stream.respond({ ':status': status, 'content-type': 'application/grpc' }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': grpc }));
      stream.end(body);
    });
  });
  await using pod = await started(server);
  const found = async (given: typeof answer): Promise<[boolean, string]> => {
    answer = given;
    const { ready, reachable, found } = await check(pod.address, { type: 'grpc', service: 'zitadel.Users' });
    assert.equal(reachable, true);
    return [ready, found];
  };
  const message = (...bytes: number[]): Buffer => Buffer.from([0, 0, 0, 0, bytes.length, ...bytes]);
  assert.deepEqual(await found({ body: message(0x08, 1) }), [true, 'SERVING']);
  assert.deepEqual(asked[0], Buffer.concat([Buffer.from([0, 0, 0, 0, 15, 0x0a, 13]), Buffer.from('zitadel.Users')]));
  assert.deepEqual(await found({ body: message(0x08, 2) }), [false, 'NOT_SERVING']);
  assert.deepEqual(await found({ body: message() }), [false, 'UNKNOWN']);
  assert.deepEqual(await found({ body: message(0x08, 1), grpc: '14' }), [false, 'grpc-status 14']);
  assert.deepEqual(await found({ grpc: '12' }), [false, 'grpc-status 12']);
  assert.deepEqual(await found({ body: Buffer.from('what?') }), [false, 'no health answer']);
  assert.deepEqual(await found({ status: 503 }), [false, 'status 503']);
});

test('tcp: who accepts is ready, and nothing is left open', async () => {
  const server = net.createServer();
  const pod = await started(server);
  assert.deepEqual(await check(pod.address, { type: 'tcp' }), {
    ready: true,
    reachable: true,
    found: 'accepts connections',
  });
  await pod.quiet();
  await pod[Symbol.asyncDispose]();
  const gone = await check(pod.address, { type: 'tcp' });
  assert.equal(gone.ready, false);
  assert.match(gone.found, /^CONNECT_FAILED .*ECONNREFUSED/);
});

test('an answer that never ends is no answer', async () => {
  const server = http2.createServer();
  server.on('stream', (stream: ServerHttp2Stream) => {
    stream.on('error', () => {});
    stream.respond({ ':status': 200 });
    const more = (): void => {
      while (!stream.destroyed && stream.write(Buffer.alloc(16_384)));
    };
    stream.on('drain', more);
    more();
  });
  await using pod = await started(server);
  assert.deepEqual(await check(pod.address, {}), {
    ready: false,
    reachable: false,
    found: 'UPSTREAM_PROTOCOL answer too large',
  });
  await pod.quiet();
});

test('bytes that are no health answer are told from those that are, whatever they are', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      const status = healthStatus(bytes);
      if (status === undefined) return;
      assert.equal(bytes[0], 0);
      assert.ok(bytes.length === 5 || (bytes.length === 7 && bytes[6] === status && status < 128));
    }),
  );
  assert.equal(healthStatus(Buffer.from([0, 0, 0, 0, 2, 0x08, 1])), 1);
  assert.equal(healthStatus(Buffer.from([1, 0, 0, 0, 2, 0x08, 1])), undefined, 'compressed');
  assert.equal(healthStatus(Buffer.from([0, 0, 0, 0, 3, 0x08, 0x81, 1])), undefined);
  assert.deepEqual([...healthRequest('')], [0, 0, 0, 0, 0]);
  assert.throws(() => healthRequest('ä'.repeat(64)), /longer than 127 bytes/);
});

test('an upstream uses what is ready and leaves out what is not, from its first checks on and as that changes', async () => {
  const status: Record<string, number> = {};
  const pod = async (name: string): Promise<Started> => {
    status[name] = 200;
    const server = http2.createServer();
    server.on('stream', (stream: ServerHttp2Stream) => {
      stream.respond({ ':status': status[name]! }, { endStream: true });
    });
    return started(server);
  };
  await using one = await pod('one');
  await using two = await pod('two');
  status.two = 412;
  const events = new Events();
  const told: GatewayEvents['endpoint_health'][] = [];
  const lookout = new Lookout();
  events.on('endpoint_health', (event) => {
    told.push(event);
    lookout.look();
  });
  const until = (endpoint: string, state: string): Promise<void> =>
    lookout.until(() => told.findLast((event) => event.endpoint === endpoint)?.state === state);
  const check = { ...NO_HEALTH.check, type: 'http', path: '/debug/ready', intervalMs: 100, timeoutMs: 5000 } as const;
  const upstream = new Upstream(
    {
      name: 'zitadel',
      endpoints: [one.address, two.address],
      balancer: 'round_robin',
      health: { ...NO_HEALTH, check },
      pool: poolSettings(),
    },
    events,
    systemClock,
  );
  const used = (): string[] => upstream.usable.map(({ name }) => name);
  assert.deepEqual(used(), [one.address, two.address], 'before the first check nobody is known to be unready');
  upstream.start();
  await upstream.firstChecks;
  assert.deepEqual(used(), [one.address]);
  status.two = 200;
  status.one = 412;
  await until(two.address, 'healthy');
  await until(one.address, 'unhealthy');
  assert.deepEqual(used(), [two.address]);
  assert.equal(told.findLast(({ state }) => state === 'unhealthy')!.reason, 'status 412');
  status.two = 412;
  await until(two.address, 'unhealthy');
  assert.equal(upstream.panic, true);
  assert.deepEqual(used(), [one.address, two.address]);
  upstream.destroy();
});
