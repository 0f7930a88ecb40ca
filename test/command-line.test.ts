// The commands that answer and end: check, explain, schema, help, and calls that are wrong.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtempDisposable } from 'node:fs/promises';
import net, { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { makeAuthority } from './support/authority.ts';
import { certificateFor } from './support/certificate.ts';
import { runProcess } from './support/started-process.ts';

const ROOT = join(import.meta.dirname, '..');
const finished = (args: readonly string[]) =>
  runProcess(process.execPath, [join(ROOT, 'src', 'main.ts'), ...args], { env: process.env });

describe('check', () => {
  test('says what a config would do, and ends with 0', async () => {
    const { code, stdout, stderr } = await finished(['check', join(ROOT, 'config', 'gateway.yaml')]);
    assert.equal(code, 0);
    // It is mounted where the gateway runs, and need not be where the config is checked.
    assert.match(stderr, /^warning: listener public: \/etc\/gatehouse\/tls\/tls\.crt: cannot be read \(ENOENT\)\n$/);
    assert.match(stdout, /gateway\.yaml: ok\n\nListeners\n {2}public {4}\[::\]:8443 {7}TLS: h2, http\/1\.1\n/);
    assert.match(stdout, /\nUpstreams\n {2}zitadel {2}h2c {2}zitadel:8080\n/);
    assert.match(stdout, /\nCache\n {2}memory {2}256 MiB, answers up to 16 MiB\n {2}disk {4}none/);
    assert.match(stdout, /\n {2}routes {2}[^\n]*\bconsole\b/);
    assert.match(stdout, /\n {2}oidc-token +\/oauth\/v2\/token +POST +any +token +zitadel\n/);
    assert.match(stdout, /\n {2}system +\/system\/v1\/\* +any +any +internal +refused: INTERNAL_ROUTE\n/);
  });

  test('says until when certificates are valid, and ends with 1 where one cannot be used', async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'gatehouse-check-'));
    const file = join(folder.path, 'gateway.yaml');
    const [pair, other] = await Promise.all([certificateFor(['id.example.com'], { to: 10.5 }), certificateFor(['b'])]);
    writeFileSync(join(folder.path, 'tls.crt'), pair.certificate);
    writeFileSync(join(folder.path, 'tls.key'), pair.key);
    writeFileSync(join(folder.path, 'ca.crt'), (await makeAuthority('Clients')).certificate);
    writeFileSync(
      file,
      `preset: zitadel
listeners:
  - name: public
    address: '127.0.0.1:0'
    tls:
      certificates: [{ certificate_file: tls.crt, key_file: tls.key }]
      client_certificates: { ca_files: [ca.crt], mode: optional }
upstreams: { zitadel: { endpoints: ['127.0.0.1:1'] } }
`,
    );
    const good = await finished(['check', file]);
    assert.deepEqual([good.code, good.stderr], [0, '']);
    assert.match(good.stdout, /TLS: h2, http\/1\.1, client certificates optional\n/);
    assert.match(good.stdout, /\nCertificates\n {2}public +\S+tls\.crt +id\.example\.com +until \S+Z, 10 days\n/);
    writeFileSync(join(folder.path, 'tls.key'), other.key);
    const bad = await finished(['check', file]);
    assert.equal(bad.code, 1);
    assert.match(bad.stderr, /^error: listener public: \S+tls\.crt: the key does not belong to this certificate\n$/);
    writeFileSync(join(folder.path, 'tls.key'), pair.key);
    writeFileSync(join(folder.path, 'ca.crt'), other.certificate);
    assert.match((await finished(['check', file])).stderr, /^error: listener public: \S+ca\.crt: CN=b is no authority/);
  });

  test('says which listeners wait for a PROXY header', async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'gatehouse-check-'));
    const file = join(folder.path, 'gateway.yaml');
    writeFileSync(
      file,
      `preset: zitadel
trusted_proxies: [10.0.0.0/8]
listeners:
  - { name: clear, address: '127.0.0.1:0', proxy_protocol: true }
upstreams:
  zitadel: { endpoints: ['127.0.0.1:1'] }
`,
    );
    const { code, stdout } = await finished(['check', file]);
    assert.equal(code, 0);
    assert.match(stdout, /\n {2}clear +127\.0\.0\.1:0 +cleartext: h2c, http\/1\.1, after a PROXY header\n/);
  });

  test('says what is kept on disk, which routes have a cache, and which of them are warmed', async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'gatehouse-check-'));
    const file = join(folder.path, 'gateway.yaml');
    const directory = join(folder.path, 'cache');
    writeFileSync(
      file,
      `preset: zitadel
listeners: [{ name: clear, address: '127.0.0.1:0', external_scheme: https }]
upstreams: { zitadel: { endpoints: ['127.0.0.1:1'] } }
cache: { disk: { directory: '${directory}' }, warm_hosts: [a.example, b.example] }
routes: [{ name: console, policies: { cache: { single_page_app: { warm: true } } } }]
`,
    );
    const kept = await finished(['check', file]);
    assert.equal(kept.code, 0);
    assert.ok(kept.stdout.includes(`\n  disk    ${directory}, up to 1024 MiB\n`), kept.stdout);
    assert.match(kept.stdout, /\n {2}warmed {2}console for a\.example, b\.example\n/);
    assert.equal(existsSync(directory), false, 'checking makes no folder');
  });

  test('ends also where limits are shared, whose server it leaves alone', { timeout: 20_000 }, async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'gatehouse-check-'));
    const file = join(folder.path, 'gateway.yaml');
    // Accepts, and never says a word.
    const server = net.createServer((socket) => void socket.on('error', () => {}).resume());
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    writeFileSync(
      file,
      `preset: zitadel
listeners: [{ name: clear, address: '127.0.0.1:0', external_scheme: https }]
upstreams: { zitadel: { endpoints: ['127.0.0.1:1'] } }
limiter: { shared: { url: 'redis://127.0.0.1:${port}', password: x } }
`,
    );
    assert.equal((await finished(['check', file])).code, 0);
    server.close();
  });

  test('names what is wrong, every problem of it, and ends with 1', async () => {
    const { code, stdout, stderr } = await finished(['check', join(ROOT, 'test', 'config', 'bad', 'listeners.yaml')]);
    assert.deepEqual({ code, stdout }, { code: 1, stdout: '' });
    const expected = readFileSync(join(ROOT, 'test', 'config', 'bad', 'listeners.txt'), 'utf8')
      .trimEnd()
      .split('\n');
    const lines = stderr.trimEnd().split('\n');
    assert.equal(lines.length, expected.length);
    for (const [index, line] of lines.entries()) assert.ok(line.endsWith(expected[index]!), line);
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
