// Paths on the wire: matched by what they mean, forwarded byte for byte.
// Harm: a target that is routed by one reading and served by another passes the limits of the class it is served in.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ask, PROTOCOLS } from '../support/ask.ts';
import { startGateway } from '../support/gateway.ts';
import { connectRaw } from '../support/h1-raw.ts';
import { connectFrames, Flag } from '../support/h2-frames.ts';
import { served } from '../support/served.ts';

const { gateway, zitadel } = await served();

for (const protocol of PROTOCOLS) {
  // Of those that the cache holds, each protocol has its own: the other's answer would be served.
  const own = protocol === 'h2' ? '2' : '1';
  for (const target of [
    `/assets/v1/instance/policy/label/logo?v=%4${own}&x=a%2Fb+c`,
    '/v2/%73essions?%C3%BC=1',
    '/v2/users/a%2Fb?x=/../..//',
    `/ui/console/%E2%82%AC;v=${own}.png`,
    `/v2/users/${'x'.repeat(300)}`,
  ]) {
    test(`${protocol}: ${target.slice(0, 60)} arrives byte for byte`, async () => {
      const { ended } = await ask(gateway, { protocol, target });
      assert.notEqual(ended?.record.answeredBy, 'gateway', ended?.record.error?.code ?? 'no error');
      await zitadel.waitFor((one) => one.target === target);
    });
  }

  for (const [target, limit] of [
    ['/v2/%73essions', 'session'],
    ['/v2/session%73/1', 'session'],
    ['/zitadel.session.v2.SessionService/%43reateSession', 'session'],
    ['/oauth/v2/%74oken', 'token'],
    ['/ui/login/%70assword', 'login'],
  ] as const) {
    test(`${protocol}: ${target} is of class ${limit}, as what it means is`, async () => {
      const { ended } = await ask(gateway, { protocol, target, method: 'POST' });
      assert.equal(ended?.exchange.route.class, limit);
    });
  }

  for (const target of [
    ...['/ui//console', '/ui/./console', '/ui/../console', '/ui/%2e%2e/console', '/ui%5cconsole', '/ui/console%00'],
    ...['/oauth%2Fv2/token', '/oauth/v2%2ftoken', '/v2%2Fsessions', '/ui%2Flogin/x', '/%', '/%c0%af'],
  ]) {
    test(`${protocol}: ${target} is refused with 400 and reaches nobody`, async () => {
      const before = zitadel.requests.length;
      const { status, ended } = await ask(gateway, { protocol, method: 'POST', target });
      assert.equal(status, 400);
      assert.equal(ended?.record.error?.code, 'BAD_PATH');
      assert.equal(zitadel.requests.length, before);
    });
  }

  test(`${protocol}: a fragment in a target is refused`, async () => {
    assert.equal((await ask(gateway, { protocol, target: '/oauth/v2/keys#x' })).ended?.record.error?.code, 'BAD_PATH');
  });

  test(`${protocol}: 16 KiB of query pass, as SAML needs it`, async () => {
    const target = `/saml/v2/metadata?SAMLRequest=${'a'.repeat(16_384)}`;
    assert.equal((await ask(gateway, { protocol, target })).status, 200);
    await zitadel.waitFor((one) => one.target === target);
  });

  test(`${protocol}: OPTIONS * is answered here, and no route takes it`, async () => {
    await using catchAll = await startGateway({
      zitadel: `127.0.0.1:${zitadel.port}`,
      config: { preset: { name: 'none' }, routes: [{ name: 'all', paths: ['/*'] }] },
    });
    const { status, ended } = await ask(catchAll, { protocol, method: 'OPTIONS', target: '*' });
    assert.equal(status, 404);
    assert.equal(ended?.record.answeredBy, 'gateway');
  });

  test(`${protocol}: a method that no route has gets 405 with Allow, also beside a catch-all route`, async () => {
    await using catchAll = await startGateway({
      zitadel: `127.0.0.1:${zitadel.port}`,
      config: { preset: { name: 'none' }, routes: [{ name: 'all', paths: ['/*'] }] },
    });
    for (const method of ['TRACE', 'PROPFIND', 'QUERY', 'MKCOL']) {
      const { status, ended } = await ask(catchAll, { protocol, method, target: '/oauth/v2/keys' });
      assert.equal(status, 405, method);
      assert.ok(ended?.record.error?.allow?.includes('GET'));
    }
  });
}

for (const target of ['', 'oauth/v2/keys', 'http://localhost/oauth/v2/keys', '*']) {
  test(`h2: ${JSON.stringify(target)} as :path of a GET reaches nobody`, async () => {
    const { status } = await ask(gateway, { protocol: 'h2', target });
    assert.ok(status === undefined || status === 400, String(status));
  });
}

test('http/1.1: two targets that differ only in spelling share a connection and keep their order', async () => {
  using client = await connectRaw(gateway.port('clear'));
  client.request('GET /saml/v2/metadata HTTP/1.1', 'host: a');
  client.request('GET /saml/v2/%6detadata HTTP/1.1', 'host: a');
  client.request('GET /nowhere/at/all HTTP/1.1', 'host: a');
  const statuses = [(await client.answer())?.status, (await client.answer())?.status, (await client.answer())?.status];
  assert.deepEqual(statuses, [200, 200, 404]);
});

test('h2: a method in lower case is not the same method', async () => {
  using client = await connectFrames(gateway.port('clear'));
  client.headers(
    1,
    [
      [':method', 'get'],
      [':scheme', 'http'],
      [':authority', 'a'],
      [':path', '/oauth/v2/keys'],
    ],
    Flag.END_STREAM,
  );
  await client.finished(1);
  const { record } = await gateway.over(({ exchange }) => exchange.raw.requestedMethod === 'get');
  assert.equal(record.error?.code, 'METHOD_NOT_ALLOWED');
});
