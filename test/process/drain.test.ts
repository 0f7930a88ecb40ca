// SIGTERM of one of two gateways behind a load balancer, with clients on it: none of them loses a request.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { createClient } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { Client, credentials } from '@grpc/grpc-js';
import { StreamService } from '../../src/demo/rpc/stream-service.ts';
import { startStandIn } from '../../src/demo/stand-in.ts';
import { type StartedProcess, startProcess } from '../support/started-process.ts';

const MAIN = join(import.meta.dirname, '..', '..', 'src', 'main.ts');
const FOLDER = mkdtempSync(join(tmpdir(), 'gatehouse-drain-'));
after(() => rmSync(FOLDER, { recursive: true, force: true }));
const CURL = '/usr/bin/curl';

interface Gateway {
  readonly process: StartedProcess;
  readonly port: number;
  readonly admin: string;
}

async function startOne(name: string, upstream: string): Promise<Gateway> {
  const file = join(FOLDER, `${name}.yaml`);
  writeFileSync(
    file,
    `
preset: { name: zitadel, open: [health] }
listeners:
  - { name: public, address: "127.0.0.1:0" }
upstreams:
  zitadel: { endpoints: ["${upstream}"] }
routes:
  - { name: demo, paths: ["/gatehouse.demo.v1.StreamService/{rpc}"] }
admin: { address: "127.0.0.1:0" }
shutdown: { drain_delay_ms: 1000, timeout_ms: 5000 }
limits: { per_address: { connections_per_s: 0, open_connections: 0 } }
workers: 0
hints: false
`,
  );
  const process_ = startProcess(process.execPath, [MAIN, 'serve', '--config', file], { env: process.env });
  after(() => process_[Symbol.asyncDispose]());
  const url = async (listener: string): Promise<string> =>
    String((await process_.line((line) => line.event === 'listening' && line.listener === listener)).url);
  const [listening, admin] = [await url('public'), await url('admin')];
  await process_.line(({ event }) => event === 'ready');
  return { process: process_, port: Number(new URL(listening).port), admin };
}

async function statusOf(url: string, options: http.RequestOptions = {}): Promise<number | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<number | undefined>();
  const request = http.request(url, options, (answer) => {
    answer.resume();
    answer.on('error', reject);
    answer.on('end', () => resolve(answer.statusCode));
  });
  request.on('error', reject);
  request.end();
  return promise;
}

/** Passes new connections to the first that says it is ready, as it was when asked last. */
async function startBalancer(gateways: readonly Gateway[]): Promise<AsyncDisposable & { port: number }> {
  let target = gateways[0]!;
  const sockets = new Set<net.Socket>();
  const timer = setInterval(async () => {
    const answers = await Promise.all(
      gateways.map(({ admin }) => statusOf(`${admin}/ready`, { agent: false }).catch(() => 0)),
    );
    target = gateways[answers.indexOf(200)] ?? target;
  }, 50);
  const server = net.createServer({ allowHalfOpen: true }, (client) => {
    const upstream = net.connect({ port: target.port, host: '127.0.0.1', allowHalfOpen: true });
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(one);
      one.on('error', () => other.destroy());
      one.on('close', () => sockets.delete(one));
      one.pipe(other);
    }
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      // First, so that nobody is let in whom nobody would close.
      const closed = new Promise((done) => server.close(done));
      server.on('connection', (socket) => socket.destroy());
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** Asks until it is over; `once` rejects where a request failed. */
async function loop(what: string, once: () => Promise<unknown>, over: () => boolean) {
  const failed: string[] = [];
  let asked = 0;
  while (!over()) {
    asked += 1;
    await once().catch((error: Error) => failed.push(`${what}: ${error.message}`));
  }
  return { what, asked, failed };
}

test('SIGTERM behind a load balancer: grpc-js, connect-node, HTTP/1.1 and curl lose nothing', async (t) => {
  // Not with the end of this block, to which a test that takes too long never comes.
  const open = new AsyncDisposableStack();
  t.after(() => open.disposeAsync());
  const zitadel = open.use(await startStandIn());
  const upstream = new URL(zitadel.url).host;
  const [one, two] = await Promise.all(['one', 'two'].map((name) => startOne(name, upstream)));
  for (const { process: process_ } of [one!, two!]) open.use(process_);
  const balancer = open.use(await startBalancer([one!, two!]));
  const url = `http://127.0.0.1:${balancer.port}`;
  const grpc = new Client(`127.0.0.1:${balancer.port}`, credentials.createInsecure());
  const connect = createClient(StreamService, createGrpcTransport({ baseUrl: url }));
  const agent = new http.Agent({ keepAlive: true, maxSockets: 4 });
  const bytes = (value: Buffer): Buffer => value;
  let over = false;
  // Whatever fails: nobody goes on asking, and no connection is left.
  open.defer(() => {
    over = true;
    agent.destroy();
    grpc.close();
  });
  const run = (what: string, once: () => Promise<unknown>) => loop(what, once, () => over);
  const ok = async (status: Promise<number | undefined>): Promise<void> => assert.equal(await status, 200);
  const curl = (): Promise<unknown> =>
    promisify(execFile)(CURL, [
      ...['--max-time', '30', '-sS', '--fail', '--http2-prior-knowledge', '-o', '/dev/null'],
      // Without `immediate`, curl 7.88 fails seven of the eight by itself, with any server.
      ...['--parallel', '--parallel-immediate', '--parallel-max', '8'],
      `${url}/admin/v1/healthz?[1-8]`,
    ]);
  const load = Promise.all([
    run('grpc-js', () => {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const path = `/${StreamService.typeName}/Unary`;
      grpc.makeUnaryRequest(path, bytes, bytes, Buffer.alloc(0), (error) => (error ? reject(error) : resolve()));
      return promise;
    }),
    run('connect-node', () => connect.unary({})),
    run('kept alive', () => ok(statusOf(`${url}/admin/v1/healthz`, { agent }))),
    run('new connections', () => ok(statusOf(`${url}/admin/v1/healthz`, { agent: false }))),
    ...(existsSync(CURL) ? [run('curl', curl)] : []),
  ]);
  const { code } = await (async () => {
    // Traffic is there.
    while (zitadel.sessions === 0) await statusOf(`${url}/admin/v1/healthz`, { agent: false });
    one!.process.signal('SIGTERM');
    return one!.process.ended;
  })();
  over = true;
  const loads = await load;
  assert.equal(code, 0);
  for (const { what, asked, failed } of loads) {
    assert.ok(asked > 1, `${what}: only ${asked} requests`);
    assert.deepEqual(failed, []);
  }
});

test('`drain` turns readiness off while the gateway serves on, and --undo on again', async () => {
  await using zitadel = await startStandIn();
  const gateway = await startOne('drained', new URL(zitadel.url).host);
  await using _process = gateway.process;
  const ready = () => statusOf(`${gateway.admin}/ready`, { agent: false });
  const drain = (method: string) => statusOf(`${gateway.admin}/drain`, { method, agent: false });
  while ((await ready()) !== 200);
  assert.equal(await drain('POST'), 200);
  assert.equal(await ready(), 503);
  assert.equal(await statusOf(`http://127.0.0.1:${gateway.port}/admin/v1/healthz`, { agent: false }), 200);
  assert.equal(await drain('DELETE'), 200);
  assert.equal(await ready(), 200);
});
