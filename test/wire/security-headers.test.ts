// Security headers and Server-Timing on the wire: what ZITADEL says stays as it is, and gaps are filled on pages only.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { type StandIn, startStandIn } from '../../src/demo/stand-in.ts';
import { startGateway, type TestGateway } from '../support/gateway.ts';

const HSTS = 'max-age=31536000; includeSubDomains';
const FILLED = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'same-origin',
  'strict-transport-security': HSTS,
} as const;
const CONSOLE_FILE = '/ui/console/main.0123456789abcdef.js';

/** What the upstream of a test adds to its answers. */
let origin: http2.OutgoingHttpHeaders = {};
let upstream: http2.Http2Server;
let zitadel: string;
let gateway: TestGateway;
let standIn: StandIn;

before(async () => {
  upstream = http2.createServer();
  upstream.on('stream', (stream: http2.ServerHttp2Stream) => {
    stream.on('error', () => {});
    stream.respond({ ':status': 200, 'content-type': 'text/html', ...origin });
    stream.end('<p>');
  });
  upstream.listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  zitadel = `127.0.0.1:${(upstream.address() as AddressInfo).port}`;
  gateway = await startGateway({ zitadel, login: zitadel, config: withLogin() });
  standIn = await startStandIn();
});

after(async () => {
  await gateway[Symbol.asyncDispose]();
  await standIn.close();
  upstream.close();
});

/** The stand-in of a test speaks h2c for Login v2 too. */
function withLogin() {
  return {
    upstreams: { zitadel: { endpoints: [zitadel] }, login: { endpoints: [zitadel] } },
    listeners: [
      { name: 'public', address: '127.0.0.1:0', tls: { development: true } },
      { name: 'clear', address: '127.0.0.1:0', external_scheme: 'https' as const },
      { name: 'plain', address: '127.0.0.1:0' },
    ],
  };
}

type Got = Record<string, string | string[] | undefined>;

/** The fields of the answer to a GET by HTTP/2; a field that comes twice is joined by Node, and so would not be equal. */
async function get(url: string, path: string, ca = ''): Promise<Got> {
  const session = http2.connect(url, ca === '' ? {} : { ca });
  try {
    const stream = session.request({ ':path': path, ':authority': 'localhost:8443' });
    const [headers] = (await once(stream, 'response')) as [Got];
    stream.resume();
    await once(stream, 'close');
    return headers;
  } finally {
    session.destroy();
  }
}

const page = (path: string): Promise<Got> => get(gateway.url, path, gateway.ca);

function picked(headers: Got, names: readonly string[]): Got {
  return Object.fromEntries(names.map((name) => [name, headers[name]]));
}

/** Directives come in any order. */
const directives = (headers: Got): string[] =>
  String(headers['content-security-policy'])
    .split(';')
    .map((one) => one.trim())
    .sort();

test("the Console's security headers are those of ZITADEL, cold and from the store", async () => {
  await using front = await startGateway({ zitadel: `127.0.0.1:${standIn.port}` });
  const direct = await get(`http://127.0.0.1:${standIn.port}`, '/ui/console/');
  const names = Object.keys(direct).filter((name) => /^x-|security|policy/.test(name) && name !== 'x-request-id');
  assert.ok(names.length >= 7, names.join());
  for (const outcome of ['miss', 'hit']) {
    const through = await get(front.url, '/ui/console/', front.ca);
    const others = names.filter((name) => name !== 'content-security-policy');
    assert.deepEqual(picked(through, others), picked(direct, others), outcome);
    assert.deepEqual(directives(through), directives(direct), outcome);
    assert.equal((await front.over(({ record }) => record.cache === outcome)).record.status, 200);
  }
});

for (const path of [
  '/ui/login/login',
  '/ui/login/mfa/otp/verify',
  '/ui/login/password/reset',
  '/device',
  '/ui/console/',
]) {
  test(`${path} of an origin that says nothing gets the security headers by https`, async () => {
    origin = {};
    const headers = await page(path);
    assert.deepEqual(picked(headers, Object.keys(FILLED)), FILLED);
    const kept = path === '/ui/console/' ? undefined : 'no-store';
    assert.equal(headers['cache-control'], kept);
  });
}

test('a page of Login v2 gets them too, but no Referrer-Policy: service providers would see `Origin: null`', async () => {
  origin = { 'cache-control': 'private, no-store' };
  for (const path of ['/', '/ui/v2/login/loginname', '/ui/v2/login/device']) {
    const headers = await page(path);
    assert.deepEqual(picked(headers, Object.keys(FILLED)), { ...FILLED, 'referrer-policy': undefined }, path);
    assert.equal(headers['cache-control'], 'private, no-store');
  }
});

test('what the origin says stays, each field once', async () => {
  origin = {
    'x-content-type-options': 'other',
    'x-frame-options': 'SAMEORIGIN',
    'referrer-policy': 'no-referrer',
    'strict-transport-security': 'max-age=1',
    'cache-control': 'private, max-age=5',
  };
  assert.deepEqual(picked(await page('/ui/login/login'), Object.keys(origin)), origin);
});

test('where frames are allowed by name, no X-Frame-Options forbids them', async () => {
  origin = { 'content-security-policy': "default-src 'self';frame-ancestors https://portal.example" };
  for (const path of ['/ui/login/login', '/ui/v2/login/loginname']) {
    const headers = await page(path);
    assert.equal(headers['x-frame-options'], undefined, path);
    assert.equal(headers['x-content-type-options'], 'nosniff', path);
  }
});

test('by http there is no HSTS, unless a proxy in front has ended TLS', async () => {
  origin = {};
  const plain = await get(`http://127.0.0.1:${gateway.port('plain')}`, '/ui/login/login');
  assert.equal(plain['strict-transport-security'], undefined);
  assert.equal(plain['x-content-type-options'], 'nosniff');
  const behind = await get(gateway.clearUrl, '/ui/login/login');
  assert.equal(behind['strict-transport-security'], HSTS);
});

test('answers of the API, redirects of protocols and files of the login get nothing', async () => {
  origin = {};
  for (const path of ['/v2/users/1', '/oauth/v2/authorize', '/saml/v2/SSO', '/ui/login/resources/a.css']) {
    const headers = await page(path);
    for (const name of [...Object.keys(FILLED), 'cache-control']) assert.equal(headers[name], undefined, path + name);
  }
});

test('Server-Timing is not there unless it is asked for', async () => {
  origin = { 'cache-control': 'public, max-age=60' };
  for (const path of [CONSOLE_FILE, CONSOLE_FILE, '/v2/users/1']) {
    assert.equal((await page(path))['server-timing'], undefined);
  }
});

test("with `server_timing` each answer tells its own times after the origin's, also one from the store", async () => {
  origin = { 'cache-control': 'public, max-age=60', 'server-timing': 'db;dur=53' };
  const config = { policies: { server_timing: {} } };
  await using timed = await startGateway({ zitadel, config });
  const said = async (path: string) => String((await get(timed.url, path, timed.ca))['server-timing']);
  const number = '\\d+(?:\\.\\d)?';
  const fetched = `upstream;dur=${number}, gatehouse;dur=${number}$`;
  assert.match(await said(CONSOLE_FILE), new RegExp(`^db;dur=53, cache;desc=miss, ${fetched}`));
  assert.match(await said(CONSOLE_FILE), new RegExp(`^db;dur=53, cache;desc=hit, gatehouse;dur=${number}$`));
  assert.match(await said('/v2/users/1'), new RegExp(`^db;dur=53, ${fetched}`));
  // What the gateway answers by itself.
  assert.match(await said('/debug/pprof/heap'), new RegExp(`^gatehouse;dur=${number}$`));
});
