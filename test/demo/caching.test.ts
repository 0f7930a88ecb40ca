// Cache, security and validator headers of what a proxy may want to keep, as ZITADEL sends them.
// Harm: a cache that is tested against kinder headers keeps the wrong things for a week.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Script } from 'node:vm';
import { gzipSync } from 'node:zlib';
import { consoleFiles } from '../../src/demo/console/files.ts';
import { startStandIn } from '../../src/demo/stand-in.ts';
import { type Answer, connect } from './client.ts';

const now = new Date('2026-11-24T12:00:00Z');
const standIn = await startStandIn({ now: () => now });
after(() => standIn.close());
const client = connect(standIn.url, 'http/1.1');
after(() => client[Symbol.asyncDispose]());

const SHORT = 'public, max-age=0, s-maxage=300';
const LONG = 'public, max-age=43200, s-maxage=604800';
const files = [...consoleFiles().keys()];
const main = files.find((name) => name.startsWith('main.'))!;
const LOGO = '/assets/v1/163840776801878273/policy/label/logo';

function directives(answer: Answer): string[] {
  return String(answer.headers['content-security-policy']).split(';');
}

for (const [path, cacheControl] of [
  ['/ui/console/', SHORT],
  ['/ui/console', SHORT],
  ['/ui/console/users/me', SHORT],
  ['/ui/console/manifest.webmanifest', SHORT],
  [`/ui/console/${main}`, LONG],
  ['/ui/console/assets/i18n/en.json', LONG],
  ['/ui/console/favicon.ico', LONG],
  ['/ui/login/resources/themes/zitadel/css/zitadel.css?v=1', LONG],
] as const) {
  test(`${path} is ${cacheControl}`, async () => {
    const answer = await client.ask(path);
    assert.equal(answer.status, 200);
    assert.equal(answer.headers['cache-control'], cacheControl);
    const expires = cacheControl === SHORT ? '2026-11-24T11:00:00Z' : '2026-11-25T00:00:00Z';
    assert.equal(answer.headers.expires, new Date(expires).toUTCString());
    assert.equal(answer.headers.etag, undefined);
    const isFallback = path.endsWith('/users/me');
    assert.equal(answer.headers['last-modified'] !== undefined, isFallback);
    assert.equal(answer.headers['strict-transport-security'], 'max-age=31536000; includeSubDomains');
    assert.equal(answer.headers['x-frame-options'], 'DENY');
    assert.equal(answer.headers['feature-policy'], "payment 'none'");
  });
}

test('a Console file that is gone is a 404 not to be stored, the index by name a redirect', async () => {
  const missing = await client.ask('/ui/console/101.0000000000000000.js');
  assert.equal(missing.status, 404);
  assert.equal(missing.headers['cache-control'], 'no-store');
  assert.equal(missing.headers.pragma, 'no-cache');
  const index = await client.ask('/ui/console/index.html');
  assert.deepEqual([index.status, index.headers.location, index.headers['cache-control']], [301, './', SHORT]);
});

test('environment.json depends on the host and says nothing about caching', async () => {
  const answer = await client.ask('/ui/console/assets/environment.json', { headers: { host: 'login.example:8443' } });
  assert.equal(answer.headers['cache-control'], undefined);
  assert.equal(answer.headers['content-type'], 'text/plain; charset=utf-8');
  const environment = JSON.parse(answer.body.toString());
  assert.equal(environment.api, 'https://login.example:8443');
  assert.equal(environment.issuer, 'https://login.example:8443');
});

test('the policy of the Console names the host, in an order of its own each time', async () => {
  const headers = { host: 'login.example' };
  const answers = await Promise.all(Array.from({ length: 8 }, () => client.ask('/ui/console/', { headers })));
  assert.ok(directives(answers[0]!).includes("connect-src 'self' login.example"));
  const sorted = answers.map((answer) => directives(answer).sort().join(';'));
  assert.equal(new Set(sorted).size, 1);
  assert.ok(new Set(answers.map((answer) => directives(answer).join(';'))).size > 1);
});

test('Range and If-Modified-Since as in Go: no validator, no 304, and an If-Range never holds', async () => {
  const whole = await client.ask(`/ui/console/${main}`);
  const part = await client.ask(`/ui/console/${main}`, { headers: { range: 'bytes=10-19' } });
  assert.equal(part.status, 206);
  assert.equal(part.headers['content-range'], `bytes 10-19/${whole.body.length}`);
  assert.deepEqual(part.body, whole.body.subarray(10, 20));
  const tail = await client.ask(`/ui/console/${main}`, { headers: { range: 'bytes=-5' } });
  assert.deepEqual(tail.body, whole.body.subarray(-5));
  const beyond = await client.ask(`/ui/console/${main}`, { headers: { range: 'bytes=99999999-' } });
  assert.equal(beyond.status, 416);
  const conditional = { range: 'bytes=0-0', 'if-range': '"x"' };
  assert.equal((await client.ask(`/ui/console/${main}`, { headers: conditional })).status, 200);
  const since = { 'if-modified-since': now.toUTCString() };
  assert.equal((await client.ask(`/ui/console/${main}`, { headers: since })).status, 200);
  assert.equal((await client.ask('/ui/console/users/me', { headers: since })).status, 304);
  const head = await client.ask(`/ui/console/${main}`, { method: 'HEAD' });
  assert.equal(head.headers['content-length'], String(whole.body.length));
  assert.equal(head.body.length, 0);
});

test('assets: one ETag is compared as it stands; Cache-Control comes with the 304 only', async () => {
  const first = await client.ask(`${LOGO}?v=1`);
  assert.equal(first.status, 200);
  assert.equal(first.headers['cache-control'], undefined);
  assert.match(String(first.headers['last-modified']), / UTC$/);
  const etag = String(first.headers.etag);
  assert.match(etag, /^"[0-9a-f]+"$/);
  const ask = async (tag: string) => client.ask(LOGO, { headers: { 'if-none-match': tag } });
  const same = await ask(etag);
  assert.equal(same.status, 304);
  assert.equal(same.headers['cache-control'], 'public, max-age=5, s-maxage=604800');
  for (const tag of [`W/${etag}`, `"other", ${etag}`, '*']) assert.equal((await ask(tag)).status, 200, tag);
  const missing = await client.ask('/assets/v1/163840776801878273/nope');
  assert.deepEqual([missing.status, missing.headers['cache-control']], [404, 'no-store']);
  const dynamic = await client.ask('/ui/login/resources/dynamic?filename=policy/label/logo');
  assert.equal(dynamic.headers.etag, etag);
});

test('assets: an upload is a multipart form with a token, and replaces what was there', async () => {
  const boundary = 'b0undary';
  const part = (size: number) =>
    `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="l.svg"\r\nContent-Type: image/svg+xml\r\n\r\n${'x'.repeat(size)}\r\n--${boundary}--\r\n`;
  const headers = { 'content-type': `multipart/form-data; boundary=${boundary}`, authorization: 'Bearer t' };
  const path = '/assets/v1/instance/policy/label/icon';
  assert.equal((await client.ask(path, { headers: { ...headers, authorization: '' }, body: part(9) })).status, 401);
  const big = await client.ask(path, { headers, body: part(600_000) });
  assert.equal(big.status, 400);
  assert.match(big.body.toString(), /file too big/);
  assert.equal((await client.ask(path, { headers, body: part(9) })).status, 200);
  const icon = await client.ask('/assets/v1/163840776801878273/policy/label/icon');
  assert.equal(icon.body.toString(), 'xxxxxxxxx');
});

test('every script of the Console is one that a browser takes', () => {
  for (const name of files.filter((file) => file.endsWith('.js'))) {
    new Script(consoleFiles().get(name)!.body.toString(), { filename: name });
  }
});

test('the Console has the size and the entropy of a real one, and is the same in every run', () => {
  const bytes = [...consoleFiles().values()].reduce((sum, { body }) => sum + body.length, 0);
  const script = consoleFiles().get(main)!.body;
  assert.ok(script.length > 1_600_000 && script.length < 1_650_000);
  assert.ok(bytes > 4_000_000 && bytes < 7_000_000);
  const ratio = script.length / gzipSync(script).length;
  assert.ok(ratio > 3.5 && ratio < 4.5, `${ratio}`);
  assert.equal(files.filter((name) => /^1\d\d\./.test(name)).length, 30);
  assert.match(main, /^main\.[0-9a-f]{16}\.js$/);
});
