// How the instance is found: by which header, in which order, and what an unknown host is answered.
// Harm: a header that a proxy forgets to drop chooses the instance and the issuer (ZITADEL
// internal/api/http/middleware/origin_interceptor.go).

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { startStandIn } from '../../src/demo/stand-in.ts';
import { connect, frame, H2Client, PROTOCOLS } from './client.ts';

const insecure = await startStandIn({ externalSecure: false });
const strict = await startStandIn({ domains: ['login.example'], trustedDomains: ['public.example'] });
after(() => Promise.all([insecure.close(), strict.close()]));
const DISCOVERY = '/.well-known/openid-configuration';

async function issuer(url: string, protocol: (typeof PROTOCOLS)[number], headers: Record<string, string>) {
  await using client = connect(url, protocol);
  const host = protocol === 'h2c' ? ':authority' : 'host';
  const answer = await client.ask(DISCOVERY, { headers: { [host]: 'a.example:8080', ...headers } });
  return JSON.parse(answer.body.toString()).issuer as string;
}

for (const protocol of PROTOCOLS) {
  for (const [headers, expected] of [
    [{}, 'http://a.example:8080'],
    [{ 'x-forwarded-host': 'b.example' }, 'http://b.example'],
    [{ 'x-forwarded-for': '192.0.2.1' }, 'http://a.example:8080'],
    [{ 'x-forwarded-for': 'host=c.example', 'x-forwarded-host': 'b.example' }, 'http://c.example'],
    [{ 'x-zitadel-forwarded': 'host=d.example', 'x-forwarded-for': 'host=c.example' }, 'http://d.example'],
    [{ forwarded: 'for=192.0.2.1;host="e.example:8";proto=https, host=f.example' }, 'https://e.example:8'],
    [{ forwarded: 'host=e.example', 'x-zitadel-forwarded': 'host=d.example' }, 'http://e.example'],
    [{ forwarded: 'nonsense' }, 'http://a.example:8080'],
    [{ 'x-zitadel-instance-host': 'g.example', forwarded: 'host=e.example' }, 'http://g.example'],
    [{ 'x-zitadel-public-host': 'h.example' }, 'http://h.example'],
    [{ 'x-forwarded-proto': 'https' }, 'https://a.example:8080'],
    [{ 'x-forwarded-proto': 'ftp' }, 'http://a.example:8080'],
    [{ forwarded: 'proto=http', 'x-forwarded-proto': 'https' }, 'http://a.example:8080'],
  ] as [Record<string, string>, string][]) {
    test(`over ${protocol}, ${JSON.stringify(headers)} gives ${expected}`, async () => {
      assert.equal(await issuer(insecure.url, protocol, headers), expected);
    });
  }
}

test('over h2 a literal host field beside :authority wins', async () => {
  assert.equal(await issuer(insecure.url, 'h2c', { host: 'evil.example' }), 'http://evil.example');
});

test('with ExternalSecure the issuer is https, whatever the headers say', async () => {
  await using client = connect(strict.url, 'http/1.1');
  const answer = await client.ask(DISCOVERY, { headers: { host: 'login.example', 'x-forwarded-proto': 'http' } });
  assert.equal(JSON.parse(answer.body.toString()).issuer, 'https://login.example');
});

test('the REST layer takes Grpc-Metadata-* for metadata, past all of the above', async () => {
  await using client = connect(strict.url, 'http/1.1');
  const host = { host: 'login.example', authorization: 'Bearer t' };
  assert.equal((await client.ask('/v2/settings', { headers: host })).status, 200);
  const evil = { ...host, 'grpc-metadata-x-zitadel-instance-host': 'evil.example' };
  assert.equal((await client.ask('/v2/settings', { headers: evil })).status, 404);
});

test('an unknown host is told so in each dialect', async () => {
  await using client = new H2Client(strict.url);
  const host = { ':authority': 'other.example:8080' };
  const message =
    /^unable to set instance using origin &\{other\.example:8080 {2}https\} \(ExternalDomain is login\.example\): ID=QUERY-\w+ Message=Instance not found/;

  const text = await client.ask(DISCOVERY, { headers: host });
  assert.deepEqual([text.status, text.headers['content-type']], [404, 'text/plain; charset=utf-8']);
  assert.match(text.body.toString(), message);

  const rest = await client.ask('/admin/v1/healthz', { headers: host });
  assert.equal(rest.status, 404);
  const { code, message: told } = JSON.parse(rest.body.toString());
  assert.equal(code, 5);
  assert.match(told, message);

  for (const path of ['/zitadel.admin.v1.AdminService/Healthz', '/zitadel.session.v2.SessionService/ListSessions']) {
    const grpc = await client.ask(path, { headers: { ...host, 'content-type': 'application/grpc' }, body: frame() });
    assert.equal(grpc.trailers['grpc-status'], '5');
    assert.match(decodeURIComponent(String(grpc.trailers['grpc-message'])), message);
  }

  const connectPath = '/zitadel.session.v2.SessionService/ListSessions';
  const rpc = await client.ask(connectPath, { headers: { ...host, 'content-type': 'application/json' }, body: '{}' });
  assert.equal(rpc.status, 404);
  assert.equal(JSON.parse(rpc.body.toString()).code, 'not_found');
});

test('a public host must be a domain that is trusted', async () => {
  await using client = connect(strict.url, 'http/1.1');
  const ask = (shown: string) =>
    client.ask(DISCOVERY, { headers: { host: 'login.example', 'x-zitadel-public-host': shown } });
  assert.equal(JSON.parse((await ask('public.example')).body.toString()).issuer, 'https://public.example');
  const refused = await ask('192.0.2.7:3000');
  assert.equal(refused.status, 404);
  assert.match(refused.body.toString(), /public domain "192\.0\.2\.7" not trusted/);
});

test('probes, the System API and static files need no instance', async () => {
  await using client = new H2Client(strict.url);
  const headers = { ':authority': 'other.example' };
  for (const path of ['/debug/healthz', '/debug/ready', '/healthz', '/ui/console/', '/system/v1/healthz']) {
    assert.equal((await client.ask(path, { headers })).status, 200, path);
  }
  assert.equal((await client.ask('/ui/console/assets/environment.json', { headers })).status, 404);
});
