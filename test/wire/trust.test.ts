// Whom a listener believes, and whom it serves: redirect listeners, trusted proxies, trust: internal.
// Harm: a redirect that loops locks everybody out; an internal listener that is open lets strangers choose the instance.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startStandIn } from '../../src/demo/stand-in.ts';
import { ask, PROTOCOLS } from '../support/ask.ts';
import { startGateway } from '../support/gateway.ts';
import { connectRaw } from '../support/h1-raw.ts';

const PUBLIC = { name: 'public', address: '127.0.0.1:0', tls: { development: true } };

async function redirected(port: number, target: string, host: string, ...lines: string[]) {
  using client = await connectRaw(port);
  client.request(`GET ${target} HTTP/1.1`, `host: ${host}`, ...lines);
  const answer = await client.answer();
  return [answer?.status, answer?.header('location')];
}

test('a redirect listener sends everything to https with 308; host, path and query stay as they came', async () => {
  await using gateway = await startGateway({
    config: { listeners: [PUBLIC, { name: 'plain', address: '127.0.0.1:0', redirect: {} }] },
  });
  const port = gateway.port('plain');
  assert.deepEqual(await redirected(port, '/ui/%63onsole?a=%2F&b', 'id.example.com'), [
    308,
    'https://id.example.com/ui/%63onsole?a=%2F&b',
  ]);
  assert.deepEqual(await redirected(port, '/', 'id.example.com:8080'), [308, 'https://id.example.com/']);
  assert.deepEqual(await redirected(port, '/no/such/route', '[::1]:8080'), [308, 'https://[::1]/no/such/route']);
  assert.equal(
    (await ask(gateway, { protocol: 'h2', listener: 'plain', method: 'POST', target: '/oauth/v2/token' })).status,
    308,
  );
});

test('a redirect listener names the port it was given', async () => {
  await using gateway = await startGateway({
    config: { listeners: [PUBLIC, { name: 'plain', address: '127.0.0.1:0', redirect: { to_port: 8443 } }] },
  });
  assert.deepEqual(await redirected(gateway.port('plain'), '/x', 'a:8080'), [308, 'https://a:8443/x']);
  assert.deepEqual(await redirected(gateway.port('plain'), '/x', '[::1]'), [308, 'https://[::1]:8443/x']);
});

test('a redirect listener is no open redirect: a malformed host or target is refused', async () => {
  await using gateway = await startGateway({
    config: { hosts: ['id.example.com'], listeners: [PUBLIC, { name: 'plain', address: '127.0.0.1:0', redirect: {} }] },
  });
  const port = gateway.port('plain');
  assert.equal((await redirected(port, '//evil.example/', 'id.example.com'))[0], 400);
  assert.equal((await redirected(port, '/\\evil.example', 'id.example.com'))[0], 400);
  assert.equal((await redirected(port, '/', 'id.example.com@evil.example'))[0], 400);
  assert.equal((await redirected(port, '/', 'evil.example'))[0], 404);
  assert.deepEqual(await redirected(port, '/', 'id.example.com'), [308, 'https://id.example.com/']);
});

test('a redirect listener never loops behind a trusted proxy that says https, and believes nobody else', async () => {
  await using zitadel = await startStandIn();
  const listeners = [PUBLIC, { name: 'plain', address: '127.0.0.1:0', redirect: {} }];
  const at = `127.0.0.1:${zitadel.port}`;
  await using behind = await startGateway({ zitadel: at, config: { listeners, trusted_proxies: ['127.0.0.1'] } });
  assert.equal((await redirected(behind.port('plain'), '/saml/v2/metadata', 'a', 'x-forwarded-proto: https'))[0], 200);
  assert.equal((await redirected(behind.port('plain'), '/saml/v2/metadata', 'a', 'x-forwarded-proto: http'))[0], 308);
  assert.equal((await redirected(behind.port('plain'), '/saml/v2/metadata', 'a', 'forwarded: proto=https'))[0], 308);
  const client_address = { from: 'forwarded' } as const;
  await using other = await startGateway({
    zitadel: at,
    config: { listeners, trusted_proxies: ['127.0.0.1'], client_address },
  });
  assert.equal((await redirected(other.port('plain'), '/saml/v2/metadata', 'a', 'forwarded: proto=https'))[0], 200);
  assert.equal((await redirected(other.port('plain'), '/saml/v2/metadata', 'a', 'x-forwarded-proto: https'))[0], 308);
  await using alone = await startGateway({ zitadel: at, config: { listeners } });
  assert.equal((await redirected(alone.port('plain'), '/saml/v2/metadata', 'a', 'x-forwarded-proto: https'))[0], 308);
});

for (const protocol of PROTOCOLS) {
  test(`${protocol}: an internal listener keeps x-zitadel-* and X-Forwarded-* of its peers, and drops the rest as elsewhere`, async () => {
    await using zitadel = await startStandIn();
    await using gateway = await startGateway({
      zitadel: `127.0.0.1:${zitadel.port}`,
      config: { listeners: [{ name: 'inside', address: '127.0.0.1:0', trust: 'internal', allow: ['127.0.0.0/8'] }] },
    });
    const kept = [
      ['x-zitadel-public-host', 'id.example.com'],
      ['x-zitadel-instance-host', 'id.example.com'],
      ['x-forwarded-host', 'id.example.com'],
      ['x-forwarded-proto', 'https'],
      ['x-forwarded-for', '203.0.113.7'],
    ] as const;
    const dropped = [
      ['grpc-metadata-x-zitadel-instance-host', 'evil'],
      ['x-http-method-override', 'DELETE'],
      ['x-original-url', '/'],
    ] as const;
    const target = '/saml/v2/metadata?inside';
    await ask(gateway, { protocol, listener: 'inside', target, fields: [...kept, ...dropped] });
    const { rawHeaders } = await zitadel.waitFor((one) => one.target === target);
    for (const [name, value] of kept) {
      assert.deepEqual(
        rawHeaders.filter((_, i) => rawHeaders[i - 1]?.toLowerCase() === name && i % 2 === 1),
        [value],
        name,
      );
    }
    for (const [name] of dropped) assert.equal(rawHeaders.includes(name), false, name);
    const { exchange } = await gateway.over(({ exchange }) => exchange.raw.target === target);
    assert.equal(exchange.client.address, '203.0.113.7');
  });

  test(`${protocol}: an internal listener refuses peers outside allow with 403, whatever they send`, async () => {
    await using zitadel = await startStandIn();
    await using gateway = await startGateway({
      zitadel: `127.0.0.1:${zitadel.port}`,
      config: { listeners: [{ name: 'inside', address: '127.0.0.1:0', trust: 'internal', allow: ['10.0.0.0/8'] }] },
    });
    const fields = [['x-forwarded-for', '10.0.0.1']] as const;
    const { status, ended } = await ask(gateway, { protocol, listener: 'inside', target: '/saml/v2/metadata', fields });
    assert.equal(status, 403);
    assert.equal(ended?.record.error?.code, 'TRUST_REFUSED');
    assert.ok(zitadel.requests.every(({ target }) => !target.startsWith('/saml')));
  });

  test(`${protocol}: forwarding headers of a stranger are announced once, with the listener`, async () => {
    await using gateway = await startGateway();
    const fields = [['x-forwarded-for', '1.2.3.4']] as const;
    for (let i = 0; i < 3; i += 1) await ask(gateway, { protocol, target: '/nowhere', fields });
    const told = gateway.announced.filter(({ name }) => name === 'untrusted_proxy').map(({ payload }) => payload);
    assert.deepEqual(told, [{ peerAddress: '127.0.0.1', listener: 'clear', reason: 'forwarding_headers' }]);
  });

  test(`${protocol}: forwarding headers of a trusted proxy that do not parse are refused with 400`, async () => {
    await using gateway = await startGateway({ config: { trusted_proxies: ['127.0.0.1'] } });
    const fields = [['x-forwarded-for', 'host=evil.example']] as const;
    const { status, ended } = await ask(gateway, { protocol, target: '/saml/v2/metadata', fields });
    assert.equal(status, 400);
    assert.equal(ended?.record.error?.code, 'BAD_FORWARDED');
    assert.equal(ended?.exchange.client.address, '127.0.0.1');
  });
}
