// curl through the gateway, over HTTP/1.1 and HTTP/2, and a short run of h2load.
// Harm: what curl shows in a report must be what the deployment does; forms, uploads and ranges are what people try.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { needs, program, say } from '../support/programs.ts';
import { startStage } from './stage.ts';

const stage = await startStage();
after(() => stage[Symbol.asyncDispose]());
const { gateway } = stage;
const caFile = join(tmpdir(), `gatehouse-curl-ca-${process.pid}.pem`);
await writeFile(caFile, gateway.ca);
after(() => rm(caFile, { force: true }));

const CURL = needs('curl');
/** Prints status, version and type after the body, on a line of their own. */
const WRITE = ['--write-out', '\n%{http_code} %{http_version} %{content_type} %{size_download}'];

interface Curled {
  readonly body: string;
  readonly status: string;
  readonly version: string;
  readonly type: string;
  readonly bytes: number;
  readonly stderr: string;
}

async function curl(args: readonly string[], input?: Uint8Array): Promise<Curled> {
  const all = ['--silent', '--show-error', '--max-time', '20', '--cacert', caFile, ...WRITE, ...args];
  const { code, stdout, stderr } = await say(program('curl'), all, input === undefined ? {} : { input });
  assert.equal(code, 0, stderr);
  const text = stdout.toString('latin1');
  const at = text.lastIndexOf('\n');
  const [status, version, ...rest] = text.slice(at + 1).split(' ');
  return {
    body: text.slice(0, at),
    status: status!,
    version: version!,
    type: rest.slice(0, -1).join(' '),
    bytes: Number(rest.at(-1)),
    stderr,
  };
}

const WAYS = [
  ['TLS HTTP/1.1', ['--http1.1'], gateway.url, '1.1'],
  ['TLS HTTP/2', ['--http2'], gateway.url, '2'],
  ['cleartext HTTP/1.1', ['--http1.1'], gateway.clearUrl, '1.1'],
  ['cleartext HTTP/2 by prior knowledge', ['--http2-prior-knowledge'], gateway.clearUrl, '2'],
] as const;

const BIG = Buffer.alloc(3 << 20, 'gatehouse');
const BIG_HASH = createHash('sha256').update(BIG).digest('hex');

for (const [name, flags, url, version] of WAYS) {
  test(`${name}: a GET, by the version that was asked for`, CURL, async () => {
    const answer = await curl([...flags, `${url}/admin/v1/healthz`]);
    assert.deepEqual(
      [answer.status, answer.version, answer.body, answer.type],
      ['200', version, '{}', 'application/json'],
    );
  });

  test(`${name}: a form post reaches the token endpoint`, CURL, async () => {
    const form = ['--data-urlencode', 'grant_type=client_credentials', '--data-urlencode', 'scope=✓&x'];
    const answer = await curl([...flags, '--user', 'machine:wrong', ...form, `${url}/oauth/v2/token`]);
    assert.match(answer.status, /^(?:200|400|401)$/);
    assert.equal(answer.type.split(';')[0], 'application/json');
    const seen = stage.standIn.requests.findLast(({ path }) => path === '/oauth/v2/token')!;
    assert.equal(seen.bodyComplete, true);
    assert.equal(seen.bytes, 'grant_type=client_credentials&scope=%E2%9C%93%26x'.length);
  });

  test(`${name}: an upload with Expect: 100-continue arrives whole`, CURL, async () => {
    const upload = ['--header', 'Expect: 100-continue', '--data-binary', '@-', '--verbose'];
    const answer = await curl([...flags, ...upload, `${url}/demo/upload`], BIG);
    assert.deepEqual(JSON.parse(answer.body), { bytes: BIG.length, sha256: BIG_HASH, trailers: [] });
    // HTTP/2 has no need for it, and curl 7.88 does not wait there.
    if (version === '1.1') assert.match(answer.stderr, /< HTTP\/1\.1 100 Continue/);
  });

  test(`${name}: an upload of unknown length from a pipe arrives whole`, CURL, async () => {
    const answer = await curl(
      [...flags, '--header', 'Expect:', '--upload-file', '-', '--request', 'POST', `${url}/demo/upload`],
      BIG,
    );
    assert.equal(JSON.parse(answer.body).sha256, BIG_HASH);
  });

  test(`${name}: HEAD has the head of a GET and no body`, CURL, async () => {
    const answer = await curl([...flags, '--head', `${url}/ui/console/favicon.ico`]);
    assert.equal(answer.status, '200');
    assert.match(answer.body, /content-length: [1-9]/i);
    assert.equal(answer.bytes, 0);
  });

  test(`${name}: a range of a Console file is 206 with those bytes`, CURL, async () => {
    const path = `${url}/ui/console/assets/fonts/lato.woff2`;
    const [whole, part] = [await curl([...flags, path]), await curl([...flags, '--range', '100-299', path])];
    assert.equal(part.status, '206');
    assert.equal(part.body, whole.body.slice(100, 300));
  });

  test(`${name}: a URL of 16 KiB passes`, CURL, async () => {
    const query = `SAMLRequest=${'a'.repeat(16_384)}`;
    const answer = await curl([...flags, `${url}/saml/v2/SSO?${query}`]);
    assert.notEqual(answer.status, '414');
    assert.ok(stage.standIn.requests.some(({ target }) => target === `/saml/v2/SSO?${query}`));
  });

  test(`${name}: a long answer without a length ends where it ends`, CURL, async () => {
    const answer = await curl([...flags, `${url}/demo/bytes?n=2000000`]);
    assert.equal(answer.bytes, 2_000_000);
  });

  test(`${name}: an answer that is cut is an error, not a short answer`, CURL, async () => {
    const args = ['--silent', '--max-time', '20', '--cacert', caFile, '--output', '/dev/null', ...flags];
    const { code } = await say(program('curl'), [...args, `${url}/demo/reset?after=5000`]);
    // 18: partial file; 56: failure in receiving; 92: stream error.
    assert.ok([18, 56, 92].includes(code!), `exit code ${code}`);
  });

  test(`${name}: server-sent events`, CURL, async () => {
    const answer = await curl([...flags, '--no-buffer', `${url}/demo/sse?n=3&ms=5`]);
    assert.equal(answer.body.match(/^event: tick$/gm)?.length, 3);
  });

  if (version !== '2') continue;
  test(`${name}: gRPC by hand, as the welcome text says`, CURL, async () => {
    const grpc = [
      '--header',
      'content-type: application/grpc',
      '--header',
      'te: trailers',
      '--data-binary',
      '@-',
      '--dump-header',
      '-',
    ];
    const answer = await curl([...flags, ...grpc, `${url}/zitadel.admin.v1.AdminService/Healthz`], Buffer.alloc(5));
    assert.match(answer.body, /grpc-status: 0/);
  });
}

test('--http2 in the clear asks for an upgrade, and is answered over HTTP/1.1', CURL, async () => {
  const answer = await curl(['--http2', `${gateway.clearUrl}/admin/v1/healthz`]);
  assert.deepEqual([answer.status, answer.version], ['200', '1.1']);
  const seen = stage.standIn.requests.at(-1)!;
  assert.ok(!seen.rawHeaders.some((field) => /^(?:upgrade|http2-settings)$/i.test(field)));
});

for (const [name, flags, path] of [
  ['TLS h2', [], `${gateway.url}/admin/v1/healthz`],
  ['TLS HTTP/1.1', ['--h1'], `${gateway.url}/admin/v1/healthz`],
  ['h2c', [], `${gateway.clearUrl}/admin/v1/healthz`],
] as const) {
  test(`h2load over ${name}: none of 600 requests fails`, needs('h2load'), async () => {
    const streams = flags.length === 0 ? ['-m', '10'] : [];
    const { stdout, stderr } = await say(program('h2load'), ['-n', '600', '-c', '6', ...streams, ...flags, path]);
    const text = stdout.toString();
    assert.match(
      text,
      /requests: 600 total, 600 started, 600 done, 600 succeeded, 0 failed, 0 errored, 0 timeout/,
      text + stderr,
    );
    assert.match(text, /status codes: 600 2xx/);
  });
}
