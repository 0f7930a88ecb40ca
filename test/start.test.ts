// The gateway as a user starts and ends it: child processes, real sockets, exit codes and what stands on the screen.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import http2 from 'node:http2';
import net, { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { type ProcessOptions, runProcess, type StartedProcess, startProcess } from './support/started-process.ts';

const ROOT = join(import.meta.dirname, '..');
const MAIN = join(ROOT, 'src', 'main.ts');
const FOLDER = mkdtempSync(join(tmpdir(), 'gatehouse-start-'));
after(() => rmSync(FOLDER, { recursive: true, force: true }));

/** What a shell would have, without what would change a run. */
const { GATEHOUSE_CONFIG: _, ...ENV } = process.env;
const gatehouse = (args: readonly string[], options: ProcessOptions = {}) =>
  startProcess(process.execPath, [MAIN, ...args], { env: ENV, ...options });
const finished = (args: readonly string[], options: ProcessOptions = {}) =>
  runProcess(process.execPath, [MAIN, ...args], { env: ENV, ...options });

function write(name: string, text: string): string {
  const file = join(FOLDER, name);
  writeFileSync(file, text);
  return file;
}

interface Settings {
  readonly zitadel?: number;
  readonly port?: number;
  readonly timeoutMs?: number;
  readonly routes?: string;
}

const config = ({ zitadel = 1, port = 0, timeoutMs = 100, routes = '[]' }: Settings = {}): string => `
listeners:
  - name: public
    address: "127.0.0.1:${port}"
upstreams:
  zitadel: { endpoints: ["127.0.0.1:${zitadel}"] }
routes: ${routes}
admin: { address: "127.0.0.1:0" }
shutdown: { drain_delay_ms: 0, timeout_ms: ${timeoutMs} }
hints: false
`;

async function addressOf(started: StartedProcess, listener: string): Promise<string> {
  return String((await started.line((line) => line.event === 'listening' && line.listener === listener)).url);
}

async function get(url: string): Promise<{ status: number | undefined; body: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number | undefined; body: string }>();
  const request = http.get(url, { agent: false }, async (answer) => {
    let body = '';
    for await (const chunk of answer) body += chunk;
    resolve({ status: answer.statusCode, body });
  });
  request.on('error', reject);
  return promise;
}

/** A ZITADEL that takes every request and answers none. */
async function silentUpstream(): Promise<AsyncDisposable & { port: number; asked: Promise<void> }> {
  const server = http2.createServer();
  const { promise: asked, resolve } = Promise.withResolvers<void>();
  const sessions = new Set<http2.ServerHttp2Session>();
  server.on('session', (session) => {
    sessions.add(session);
    session.on('error', () => {});
  });
  server.on('stream', (stream: http2.ServerHttp2Stream, headers) => {
    stream.on('error', () => {});
    if (headers[':path'] === '/debug/ready') stream.respond({ ':status': 200 }, { endStream: true });
    else resolve();
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    port: (server.address() as AddressInfo).port,
    asked,
    async [Symbol.asyncDispose]() {
      for (const session of sessions) session.destroy();
      await new Promise((done) => server.close(done));
    },
  };
}

/** A client with a request in flight that nobody answers. */
async function heldOpen(url: string): Promise<Disposable> {
  const session = http2.connect(url);
  session.on('error', () => {});
  const stream = session.request({ ':path': '/v2/users/1' });
  stream.on('error', () => {});
  return { [Symbol.dispose]: () => session.destroy() };
}

describe('serve', () => {
  test('starts with a config, prints its addresses, answers, and ends with 0 on SIGTERM', async () => {
    await using started = gatehouse(['serve', '--config', write('plain.yaml', config())]);
    const [url, admin] = [await addressOf(started, 'public'), await addressOf(started, 'admin')];
    await started.line(({ event }) => event === 'ready');
    assert.equal((await get(`${url}/nobody-serves-this`)).status, 404);
    assert.deepEqual(await get(`${admin}/live`), { status: 200, body: 'ok\n' });
    started.signal('SIGTERM');
    const { code, stdout, stderr } = await started.ended;
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
    assert.match(stdout, /"event":"draining","signal":"SIGTERM"/);
    assert.match(stdout.trimEnd().split('\n').at(-1)!, /"event":"stopped"/);
  });

  test('takes the config that GATEHOUSE_CONFIG names, and --config before it', async () => {
    const named = write('named.yaml', config());
    await using started = gatehouse(['serve'], { env: { ...ENV, GATEHOUSE_CONFIG: named } });
    assert.equal((await started.line(({ event }) => event === 'starting')).config, named);
    await using other = gatehouse(['serve', '--config', named], { env: { ...ENV, GATEHOUSE_CONFIG: '/nowhere.yaml' } });
    assert.equal((await other.line(({ event }) => event === 'starting')).config, named);
  });

  test('without a config says how to name one and ends with 2', async () => {
    for (const env of [ENV, { ...ENV, GATEHOUSE_CONFIG: '' }]) {
      const { code, stdout, stderr } = await finished(['serve'], { env });
      assert.deepEqual({ code, stdout }, { code: 2, stdout: '' });
      assert.match(stderr, /^gatehouse: no config\. Give --config FILE or set GATEHOUSE_CONFIG/);
    }
  });

  test('with a config that cannot be read names it and ends with 1', async () => {
    const { code, stderr } = await finished(['serve', '--config', join(FOLDER, 'absent.yaml')]);
    assert.equal(code, 1);
    assert.match(stderr, /absent\.yaml:1:1: cannot be read \(ENOENT\)/);
  });

  test('with a wrong config names every problem by file, line and column, and ends with 1', async () => {
    const file = write(
      'wrong.yaml',
      config().replace('upstreams:', 'upstreems: 1\nupstreams:').replace('127.0.0.1:1', 'nowhere'),
    );
    const { code, stdout, stderr } = await finished(['serve', '--config', file]);
    assert.deepEqual({ code, stdout }, { code: 1, stdout: '' });
    const lines = stderr.trimEnd().split('\n');
    assert.equal(lines[0], `${file}:5:1: upstreems: unknown key, did you mean upstreams?`);
    assert.ok(lines[1]!.startsWith(`${file}:7:26: upstreams.zitadel.endpoints[0]: expected `), lines[1] ?? 'nothing');
    assert.equal(lines.length, 2);
  });

  test('on a port that is taken says which, and ends with 1', async (t) => {
    const taken = net.createServer().listen(0, '127.0.0.1');
    t.after(() => taken.close());
    await new Promise((done) => taken.once('listening', done));
    const { port } = taken.address() as AddressInfo;
    const { code, stderr } = await finished(['serve', '--config', write('taken.yaml', config({ port }))]);
    assert.equal(code, 1);
    assert.match(stderr, new RegExp(`listener public: 127\\.0\\.0\\.1:${port}: the port is taken by another process`));
  });

  test('a client that holds a stream open cannot hold the process', async () => {
    await using upstream = await silentUpstream();
    await using started = gatehouse(['serve', '--config', write('held.yaml', config({ zitadel: upstream.port }))]);
    using _client = await heldOpen(await addressOf(started, 'public'));
    await upstream.asked;
    started.signal('SIGTERM');
    const { code, stdout } = await started.ended;
    assert.equal(code, 0);
    assert.match(stdout, /"error":"DRAINING"/);
  });

  test('once nothing is open it ends, and does not wait for timeout_ms to pass', async () => {
    await using started = gatehouse(['serve', '--config', write('idle.yaml', config({ timeoutMs: 3_600_000 }))]);
    await started.line(({ event }) => event === 'ready');
    started.signal('SIGTERM');
    assert.equal((await started.ended).code, 0);
  });

  test('a second signal ends it at once, with 1', async () => {
    await using upstream = await silentUpstream();
    const file = write('patient.yaml', config({ zitadel: upstream.port, timeoutMs: 3_600_000 }));
    await using started = gatehouse(['serve', '--config', file]);
    using _client = await heldOpen(await addressOf(started, 'public'));
    await upstream.asked;
    started.signal('SIGINT');
    await started.line(({ event }) => event === 'draining');
    started.signal('SIGINT');
    const { code, stdout } = await started.ended;
    assert.equal(code, 1);
    assert.match(stdout, /"event":"forced"/);
  });

  test('SIGHUP puts a changed config in force, and refuses a wrong one while the old one stays', async () => {
    const file = write('reloaded.yaml', config());
    await using started = gatehouse(['serve', '--config', file]);
    const url = await addressOf(started, 'public');
    await started.line(({ event }) => event === 'ready');
    const moved = "[{ name: moved, paths: [/old], action: redirect, redirect: { location: 'https://new.example/' } }]";
    write('reloaded.yaml', config({ routes: moved }));
    started.signal('SIGHUP');
    assert.equal((await started.line(({ event }) => event === 'reloaded')).generation, 2);
    const before = (await get(`${url}/old`)).status;
    assert.ok(before !== undefined && before >= 300 && before < 400, String(before));
    write('reloaded.yaml', 'listeners: nonsense');
    started.signal('SIGHUP');
    const refused = await started.line(({ event }) => event === 'reload_failed');
    assert.match(String(refused.problems), /reloaded\.yaml:1:12: listeners: expected/);
    assert.equal((await get(`${url}/old`)).status, before);
  });

  test('--demo starts in front of the stand-in and prints three lines to try', async (t) => {
    const probe = net.createServer().listen(8443, 'localhost');
    const free = await new Promise((done) =>
      probe.once('listening', () => done(true)).once('error', () => done(false)),
    );
    await new Promise((done) => probe.close(done));
    const admin = net.createServer().listen(9090, '127.0.0.1');
    const adminFree = await new Promise((done) =>
      admin.once('listening', () => done(true)).once('error', () => done(false)),
    );
    await new Promise((done) => admin.close(done));
    if (!free || !adminFree) return t.skip('port 8443 or 9090, which the demo uses, is taken on this machine');
    await using started = gatehouse(['serve', '--demo']);
    await started.line(({ event }) => event === 'ready');
    started.signal('SIGTERM');
    const { code, stdout } = await started.ended;
    assert.equal(code, 0);
    assert.match(stdout, /running on https:\/\/localhost:8443 in front of a stand-in for ZITADEL/);
    const tries = stdout.split('Three things to try:')[1]!;
    for (const part of ['curl -sk --http2', 'curl -sk --http1.1', 'grpcurl -insecure'])
      assert.ok(tries.includes(part), part);
  });
});
