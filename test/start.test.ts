// The command line as a user has it: child processes, real sockets, exit codes and what stands on the screen.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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
    if (headers[':path'] === '/debug/healthz') stream.respond({ ':status': 200 }, { endStream: true });
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

describe('check', () => {
  test('says what a config would do, and ends with 0', async () => {
    const { code, stdout, stderr } = await finished(['check', join(ROOT, 'config', 'gateway.yaml')]);
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
    assert.match(stdout, /gateway\.yaml: ok\n\nListeners\n {2}public {4}\[::\]:8443 {7}TLS: h2, http\/1\.1\n/);
    assert.match(stdout, /\nUpstreams\n {2}zitadel {2}h2c {2}zitadel:8080\n/);
    assert.match(stdout, /\n {2}oidc-token +\/oauth\/v2\/token +POST +any +token +zitadel\n/);
    assert.match(stdout, /\n {2}system +\/system\/v1\/\* +any +any +internal +refused: INTERNAL_ROUTE\n/);
  });

  test('names what is wrong, and ends with 1', async () => {
    const { code, stdout, stderr } = await finished([
      'check',
      write('wrong-key.yaml', config().replace('hints', 'hint')),
    ]);
    assert.deepEqual({ code, stdout }, { code: 1, stdout: '' });
    assert.match(stderr, /wrong-key\.yaml:10:1: hint: unknown key, did you mean hints\?/);
  });
});

describe('explain', () => {
  const file = join(ROOT, 'config', 'gateway.yaml');

  test('shows route, upstream, policies, and the headers that are set and dropped', async () => {
    const asked = ['POST', 'https://id.example.com/oauth/v2/token', '--ip', '198.51.100.7'];
    const headers = ['--header', 'x-zitadel-instance-host: evil.example', '--header', 'accept: */*'];
    const { code, stdout, stderr } = await finished(['explain', file, ...asked, ...headers]);
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
    assert.match(stdout, /^route +oidc-token \(from the preset\)$/m);
    assert.match(stdout, /^upstream +zitadel: h2c to zitadel:8080$/m);
    assert.match(stdout, /^policy body_limit +\{"max_bytes":262144\}$/m);
    assert.match(stdout, /^ {2}x-forwarded-for +198\.51\.100\.7$/m);
    assert.match(stdout, /^headers dropped\n {2}x-zitadel-instance-host +only from a listener with trust: internal$/m);
  });

  test('ends with 1 where the request would be refused', async () => {
    const { code, stdout } = await finished(['explain', file, 'GET', '/debug/pprof']);
    assert.equal(code, 1);
    assert.match(stdout, /refused: INTERNAL_ROUTE/);
  });
});

describe('the rest of the command line', () => {
  test('schema prints the schema that editors use', async () => {
    const { code, stdout } = await finished(['schema']);
    assert.equal(code, 0);
    assert.deepEqual(JSON.parse(stdout), JSON.parse(readFileSync(join(ROOT, 'config', 'gateway.schema.json'), 'utf8')));
  });

  for (const command of ['serve', 'check', 'explain', 'schema']) {
    test(`${command} --help says how it is called`, async () => {
      const { code, stdout, stderr } = await finished([command, '--help']);
      assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
      assert.match(stdout, new RegExp(`^Usage: gatehouse ${command}`));
    });
  }

  test('--help names every command, and no command at all is a wrong call', async () => {
    const { code, stdout } = await finished(['--help']);
    assert.equal(code, 0);
    for (const command of ['serve', 'check', 'explain', 'schema'])
      assert.match(stdout, new RegExp(`^  ${command} `, 'm'));
    assert.equal((await finished([])).code, 2);
  });

  test('a wrong call names the mistake, shows the help and ends with 2', async () => {
    const calls = [
      [['serv'], /no command 'serv'/],
      [['serve', '--confg', 'x'], /--confg/],
      [['check'], /expected FILE, got nothing/],
      [['explain', 'a.yaml'], /expected FILE METHOD URL, got a\.yaml/],
    ] as const;
    for (const [args, expected] of calls) {
      const { code, stderr } = await finished(args);
      assert.equal(code, 2, args.join(' '));
      assert.match(stderr, expected);
      assert.match(stderr, /Usage: gatehouse/);
    }
  });

  test('`npx gatehouse --version` runs the project itself', async () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
    const said = execFileSync('npx', ['--no', '--', 'gatehouse', '--version'], {
      cwd: ROOT,
      encoding: 'utf8',
      stdio: 'pipe',
    });
    assert.equal(said.trim(), version);
  });
});

describe('scripts/runtime.cjs', () => {
  const script = join(ROOT, 'scripts', 'runtime.cjs');
  /** The script under a Node that says it is another. */
  const under = (version: string) =>
    runProcess(process.execPath, [
      '--eval',
      `Object.defineProperty(process.versions, 'node', { value: '${version}' }); require(${JSON.stringify(script)})`,
    ]);

  test('is silent on a Node that will do', async () => {
    for (const version of [process.versions.node, '26.10.0', '26.11.3', '27.0.0'])
      assert.deepEqual(await under(version), { code: 0, signal: null, stdout: '', stderr: '' });
  });

  test('on an older one says what it found, what it needs and what to do, and ends with 1', async () => {
    for (const version of ['20.20.2', '26.9.9']) {
      const { code, stderr } = await under(version);
      assert.equal(code, 1);
      assert.match(stderr, new RegExp(`needs Node >=26\\.10, found ${version.replaceAll('.', '\\.')}`));
      assert.match(stderr, /run `npm ci` without --omit=optional/);
    }
  });

  test('is JavaScript that an old Node can read', () => {
    assert.doesNotMatch(readFileSync(script, 'utf8'), /\?\?|\?\.|^import /m);
  });
});
