// The protocol matrix of ZITADEL, asked of the stand-in itself: what a proxy in front of it has to keep.
// Harm: a stand-in that is kinder than ZITADEL lets a broken proxy pass its tests.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { startLoginStandIn } from '../../src/demo/login-stand-in.ts';
import { startStandIn } from '../../src/demo/stand-in.ts';
import { connect, frame, H2Client, PROTOCOLS, webTrailers } from './client.ts';

const standIn = await startStandIn();
after(() => standIn.close());

const HEALTHZ = '/zitadel.admin.v1.AdminService/Healthz';
const LIST_SESSIONS = '/zitadel.session.v2.SessionService/ListSessions';

for (const protocol of PROTOCOLS) {
  test(`1: REST health over ${protocol}`, async () => {
    await using client = connect(standIn.url, protocol);
    for (const service of ['admin', 'management', 'auth']) {
      const answer = await client.ask(`/${service}/v1/healthz`);
      assert.equal(answer.status, 200);
      assert.equal(answer.body.toString(), '{}');
      assert.equal(answer.headers['x-robots-tag'], 'none');
    }
  });

  test(`2: gRPC-Web on a v1 service over ${protocol}`, async () => {
    await using client = connect(standIn.url, protocol);
    const answer = await client.ask(HEALTHZ, {
      headers: { 'content-type': 'application/grpc-web+proto', 'x-grpc-web': '1', origin: 'https://app.example' },
      body: frame(),
    });
    assert.equal(answer.status, 200);
    assert.match(webTrailers(answer.body) ?? '', /grpc-status: 0/);
    assert.equal(answer.headers['access-control-allow-origin'], 'https://app.example');
  });

  test(`2: the same as text over ${protocol}, 415 on a v2 service`, async () => {
    await using client = connect(standIn.url, protocol);
    const text = { headers: { 'content-type': 'application/grpc-web-text' }, body: frame().toString('base64') };
    const answer = await client.ask(HEALTHZ, text);
    assert.equal(answer.status, 200);
    assert.equal(answer.headers['content-type'], 'application/grpc-web-text');
    const groups = answer.body.toString().match(/[^=]+=*/g) ?? [];
    const body = Buffer.concat(groups.map((group) => Buffer.from(group, 'base64')));
    assert.match(webTrailers(body) ?? '', /grpc-status: 0/);
    assert.equal((await client.ask(LIST_SESSIONS, text)).status, 415);
  });

  test(`3: gRPC-Web with JSON on a v1 service over ${protocol} has no trailer frame`, async () => {
    await using client = connect(standIn.url, protocol);
    const headers = { 'content-type': 'application/grpc-web+json' };
    const answer = await client.ask(HEALTHZ, { headers, body: frame('{}') });
    assert.equal(answer.status, 200);
    assert.equal(webTrailers(answer.body), undefined);
  });

  test(`6: REST without a token over ${protocol}`, async () => {
    await using client = connect(standIn.url, protocol);
    const answer = await client.ask('/v2/sessions', { headers: { 'content-type': 'application/json' }, body: '{}' });
    assert.equal(answer.status, 401);
    assert.equal(JSON.parse(answer.body.toString()).code, 16);
  });

  for (const [row, type, body] of [
    ['7', 'application/proto', ''],
    ['8', 'application/json', '{}'],
  ] as const) {
    test(`${row}: Connect with ${type} over ${protocol}`, async () => {
      await using client = connect(standIn.url, protocol);
      const answer = await client.ask(LIST_SESSIONS, { headers: { 'content-type': type }, body });
      assert.equal(answer.status, 401);
      assert.equal(answer.headers['content-type'], 'application/json');
      assert.equal(JSON.parse(answer.body.toString()).code, 'unauthenticated');
    });

    test(`v1 services refuse Connect with ${type} over ${protocol}`, async () => {
      await using client = connect(standIn.url, protocol);
      const answer = await client.ask(HEALTHZ, { headers: { 'content-type': type }, body });
      assert.equal(answer.status, 404);
      assert.deepEqual(JSON.parse(answer.body.toString()), { code: 5, message: 'Not Found', details: [] });
    });
  }

  test(`7: with a token over ${protocol} it lists, and is not to be stored`, async () => {
    await using client = connect(standIn.url, protocol);
    const headers = { 'content-type': 'application/json', authorization: 'Bearer t' };
    const answer = await client.ask(LIST_SESSIONS, { headers, body: '{}' });
    assert.equal(answer.status, 200);
    assert.deepEqual(JSON.parse(answer.body.toString()).details, { processedSequence: '1' });
    assert.equal(answer.headers['cache-control'], 'no-store');
  });

  test(`preflights over ${protocol}: v1 gRPC-Web takes eight headers, v2 and REST twelve`, async () => {
    await using client = connect(standIn.url, protocol);
    const preflight = (path: string, names: string) =>
      client.ask(path, {
        method: 'OPTIONS',
        headers: {
          origin: 'https://app.example',
          'access-control-request-method': 'POST',
          'access-control-request-headers': names,
        },
      });
    const allowed = 'authorization,content-type,x-grpc-web,x-user-agent';
    for (const path of [HEALTHZ, LIST_SESSIONS]) {
      const answer = await preflight(path, allowed);
      assert.equal(answer.status, 204);
      assert.equal(answer.headers['access-control-allow-origin'], 'https://app.example');
      assert.equal(answer.headers['access-control-allow-credentials'], 'true');
      assert.equal(answer.headers['access-control-allow-headers'], allowed);
    }
    const more = 'x-grpc-web,connect-protocol-version';
    assert.equal((await preflight(HEALTHZ, more)).headers['access-control-allow-origin'], undefined);
    assert.equal((await preflight(LIST_SESSIONS, more)).headers['access-control-allow-headers'], more);
    assert.equal((await preflight('/v2/users', 'x-requested-with')).headers['access-control-allow-methods'], 'POST');
  });
}

test('4: gRPC on a v1 service ends with trailers', async () => {
  await using client = new H2Client(standIn.url);
  const headers = { 'content-type': 'application/grpc+proto', te: 'trailers' };
  const answer = await client.ask(HEALTHZ, { headers, body: frame() });
  assert.equal(answer.status, 200);
  assert.deepEqual(answer.body, frame());
  assert.equal(answer.trailers['grpc-status'], '0');
  assert.match(String(answer.headers.trailer), /Grpc-Status/);
});

test('5: gRPC with JSON on a v1 service is an internal error', async () => {
  await using client = new H2Client(standIn.url);
  const headers = { 'content-type': 'application/grpc+json', te: 'trailers' };
  const answer = await client.ask(HEALTHZ, { headers, body: frame('{}') });
  assert.equal(answer.status, 200);
  assert.equal(answer.trailers['grpc-status'], '13');
});

test('gRPC on a v1 service over HTTP/1.1, or with parameters on its type, falls through to the REST 404', async () => {
  await using h1 = connect(standIn.url, 'http/1.1');
  await using h2 = connect(standIn.url, 'h2c');
  const over1 = await h1.ask(HEALTHZ, { headers: { 'content-type': 'application/grpc' }, body: frame() });
  const typed = await h2.ask(HEALTHZ, { headers: { 'content-type': 'application/grpc; v=1' }, body: frame() });
  for (const answer of [over1, typed]) {
    assert.equal(answer.status, 404);
    assert.equal(answer.headers['content-type'], 'application/json');
  }
});

test('9, 10: gRPC on a v2 service without a token, as protobuf and as JSON', async () => {
  await using client = new H2Client(standIn.url);
  for (const [type, body] of [
    ['application/grpc+proto', frame()],
    ['application/grpc+json', frame('{}')],
  ] as const) {
    const answer = await client.ask(LIST_SESSIONS, { headers: { 'content-type': type, te: 'trailers' }, body });
    assert.equal(answer.status, 200);
    assert.equal(answer.trailers['grpc-status'], '16');
  }
});

test('11: the root leads to the login, and the pages are there', async () => {
  await using login = await startLoginStandIn({ apiUrl: standIn.url });
  await using client = connect(standIn.url, 'http/1.1');
  await using pages = connect(login.url, 'http/1.1');
  assert.equal((await client.ask('/')).headers.location, '/ui/login');
  assert.equal((await client.ask('/ui/login')).headers.location, '/ui/login/');
  for (const path of ['/ui/v2/login', '/ui/v2/login/', '/ui/v2/login/healthy', '/ui/v2/login/ready']) {
    assert.equal((await pages.ask(path)).status, 200, path);
  }
  for (const path of ['/ui/console/', '/ui/login/']) {
    const answer = await client.ask(path);
    assert.equal(answer.status, 200);
    assert.equal(answer.headers['content-type'], 'text/html; charset=utf-8');
  }
});

test('12: discovery, keys and SAML metadata', async () => {
  await using client = connect(standIn.url, 'http/1.1');
  const headers = { host: 'login.example' };
  const discovery = JSON.parse((await client.ask('/.well-known/openid-configuration', { headers })).body.toString());
  assert.equal(discovery.issuer, 'https://login.example');
  assert.equal(discovery.token_endpoint, 'https://login.example/oauth/v2/token');
  assert.ok(discovery.authorization_endpoint && discovery.jwks_uri);
  const keys = await client.ask('/oauth/v2/keys');
  assert.match(String(keys.headers['cache-control']), /^max-age=300/);
  assert.equal(JSON.parse(keys.body.toString()).keys[0].kty, 'EC');
  assert.match((await client.ask('/saml/v2/metadata')).body.toString(), /<EntityDescriptor /);
});

test('what is not there: an unknown RPC, an unknown service, an unknown method of a v2 service', async () => {
  await using client = new H2Client(standIn.url);
  const grpc = { headers: { 'content-type': 'application/grpc', te: 'trailers' }, body: frame() };
  const method = await client.ask('/zitadel.admin.v1.AdminService/Nope', grpc);
  assert.equal(method.trailers['grpc-status'], '12');
  assert.equal(method.trailers['grpc-message'], 'unknown method Nope for service zitadel.admin.v1.AdminService');
  assert.equal((await client.ask('/no.such.Service/Nope', grpc)).trailers['grpc-status'], '12');
  assert.equal((await client.ask('/zitadel.session.v2.SessionService/Nope', grpc)).status, 404);
  const web = { headers: { 'content-type': 'application/grpc-web+proto' }, body: frame() };
  assert.match(webTrailers((await client.ask('/no.such.Service/Nope', web)).body) ?? '', /grpc-status: 12/);
});

test('an RPC that does nothing here is unimplemented in each dialect, but only with a token', async () => {
  await using client = new H2Client(standIn.url);
  const path = '/zitadel.user.v2.UserService/LockUser';
  const authorization = 'Bearer t';
  const grpc = await client.ask(path, {
    headers: { 'content-type': 'application/grpc', authorization },
    body: frame(),
  });
  assert.equal(grpc.trailers['grpc-status'], '12');
  const rpc = await client.ask(path, { headers: { 'content-type': 'application/json', authorization }, body: '{}' });
  assert.equal(rpc.status, 501);
  const rest = await client.ask('/v2/users/1/lock', { headers: { authorization }, body: '{}' });
  assert.deepEqual([rest.status, JSON.parse(rest.body.toString()).code], [501, 12]);
  const refused = await client.ask('/v2/users/1/lock', { body: '{}' });
  assert.equal(refused.status, 401);
});

test('the path is routed as decoded', async () => {
  await using client = connect(standIn.url, 'h2c');
  const headers = { 'content-type': 'application/json' };
  assert.equal((await client.ask('/v2/%73essions', { headers, body: '{}' })).status, 401);
  const rpc = await client.ask('/zitadel.session.v2.SessionService/%4cistSessions', { headers, body: '{}' });
  assert.equal(rpc.status, 401);
  const cleaned = await client.ask('/v2/x/../users?a=1');
  assert.deepEqual([cleaned.status, cleaned.headers.location], [301, '/v2/users?a=1']);
  assert.equal((await client.ask('/v2/%zz')).status, 400);
});
