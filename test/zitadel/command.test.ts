// `npm run test:zitadel`: what it prints, and what its exit code is worth.
// Harm: a table that is green in front of a broken proxy sends its reader to look elsewhere.

import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { startStage } from '../conformance/stage.ts';
import { testCertificate } from '../support/gateway.ts';
import { say } from '../support/programs.ts';
import { startBadProxy } from './bad-proxy.ts';
import type { Result } from './run.ts';

const MAIN = join(import.meta.dirname, 'main.ts');
const ask = (...args: string[]) => say(process.execPath, [MAIN, ...args]);

const stage = await startStage({ standIn: { domains: ['127.0.0.1'] } });
after(() => stage[Symbol.asyncDispose]());
const caFile = join(tmpdir(), `gatehouse-ca-${process.pid}.pem`);
await writeFile(caFile, stage.gateway.ca);
after(() => rm(caFile, { force: true }));

test('in front of this gateway everything passes, and the exit code is 0', async () => {
  const { code, stdout } = await ask('--url', stage.gateway.url, '--ca', caFile);
  const text = stdout.toString();
  assert.match(text, /\n(\d+) passed, 0 failed, 0 skipped\n$/);
  assert.match(text, /h2 over TLSv1\.3, ALPN h2/);
  assert.match(text, /asked by gatehouse \d/);
  assert.equal(code, 0);
});

test('a certificate that is not trusted fails every row, unless --insecure', async () => {
  const refused = await ask('--url', stage.gateway.url);
  assert.equal(refused.code, 1);
  assert.match(refused.stdout.toString(), /\n0 passed, /);
  assert.match(refused.stdout.toString(), /FAIL {2}1 .*self-signed certificate/);
  assert.equal((await ask('--url', stage.gateway.url, '--insecure', '--json')).code, 0);
});

test('in front of a proxy that rewrites Host, trusts clients and loses trailers the rows say so', async () => {
  const { certificate, key } = await testCertificate();
  await using proxy = await startBadProxy(stage.standIn.url, { cert: certificate, key });
  const { code, stdout } = await ask('--url', proxy.url, '--ca', caFile, '--json', '--timeout-ms', '1000');
  assert.equal(code, 1);
  const { results } = JSON.parse(stdout.toString()) as { results: Result[] };
  const outcomes = (id: string) => new Set(results.filter((result) => result.id === id).map(({ outcome }) => outcome));
  for (const lost of ['4', '5', '9', '10', '6 te']) assert.deepEqual([...outcomes(lost)], ['fail'], lost);
  for (const kept of ['1', '2', '7', '8', '12']) assert.deepEqual([...outcomes(kept)], ['pass'], kept);
  const failed = results.filter(({ outcome }) => outcome === 'fail').map(({ title }) => title);
  assert.ok(failed.includes('the issuer is the public address'));
  assert.ok(failed.some((title) => title.startsWith('x-zitadel-instance-host')));
  const trailer = results.find(({ id }) => id === '4');
  assert.equal(trailer?.detail, 'no trailer grpc-status');
});

test('--host asks for another host, and what is not served fails', async () => {
  const { code, stdout } = await ask('--url', stage.gateway.url, '--ca', caFile, '--host', 'evil.invalid', '--json');
  assert.equal(code, 1);
  const { host, results } = JSON.parse(stdout.toString()) as { host: string; results: Result[] };
  assert.equal(host, 'evil.invalid');
  assert.match(results.find(({ title }) => title === 'OIDC discovery')!.detail!, /certificate|altnames|404/i);
});

test('where nobody listens it fails at once, and without a URL it explains itself', async () => {
  const nobody = await ask('--url', 'http://127.0.0.1:9', '--json');
  assert.equal(nobody.code, 1);
  const { code, stderr } = await ask();
  assert.equal(code, 2);
  assert.match(stderr, /--url URL/);
});
