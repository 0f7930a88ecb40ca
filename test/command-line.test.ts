// The commands that answer and end: check, explain, schema, help, and calls that are wrong.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { runProcess } from './support/started-process.ts';

const ROOT = join(import.meta.dirname, '..');
const finished = (args: readonly string[]) =>
  runProcess(process.execPath, [join(ROOT, 'src', 'main.ts'), ...args], { env: process.env });

describe('check', () => {
  test('says what a config would do, and ends with 0', async () => {
    const { code, stdout, stderr } = await finished(['check', join(ROOT, 'config', 'gateway.yaml')]);
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
    assert.match(stdout, /gateway\.yaml: ok\n\nListeners\n {2}public {4}\[::\]:8443 {7}TLS: h2, http\/1\.1\n/);
    assert.match(stdout, /\nUpstreams\n {2}zitadel {2}h2c {2}zitadel:8080\n/);
    assert.match(stdout, /\n {2}oidc-token +\/oauth\/v2\/token +POST +any +token +zitadel\n/);
    assert.match(stdout, /\n {2}system +\/system\/v1\/\* +any +any +internal +refused: INTERNAL_ROUTE\n/);
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
