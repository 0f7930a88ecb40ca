// Hints: what users behind proxies report most is said in one log line that names the key to change
// (zitadel/zitadel#4452, #5039, #5615, #4475, #11443).
import assert from 'node:assert/strict';
import http2 from 'node:http2';
import { test } from 'node:test';
import { startStandIn } from '../../src/demo/stand-in.ts';
import { checkIssuers } from '../../src/process/hints.ts';
import { startGateway } from '../support/gateway.ts';

const hostOf = (url: string): string => new URL(url).host;

test('at start the issuer of each known host is compared: a wrong scheme names the key', async () => {
  await using zitadel = await startStandIn({ domains: ['id.example.com'], externalSecure: false });
  await using gateway = await startGateway({
    zitadel: hostOf(zitadel.url),
    config: {
      hosts: ['id.example.com'],
      listeners: [{ name: 'public', address: '127.0.0.1:0', tls: { development: true }, external_scheme: 'http' }],
    },
  });
  // The gateway says http, and so does ZITADEL: nothing to tell. The host fits.
  await checkIssuers(gateway.config, gateway.primary.generation.upstreams, gateway.primary.events);
  assert.deepEqual(
    gateway.announced.filter(({ name }) => name === 'hint'),
    [],
  );
  // ZITADEL with ExternalSecure says https whatever comes.
  await using secure = await startStandIn({ domains: ['id.example.com'], externalSecure: true });
  await using other = await startGateway({
    zitadel: hostOf(secure.url),
    config: {
      hosts: ['id.example.com'],
      listeners: [{ name: 'public', address: '127.0.0.1:0', external_scheme: 'http' }],
    },
  });
  const hint = await other.announcement('hint');
  assert.equal(hint.topic, 'issuer_scheme');
  assert.match(hint.found, /https:\/\/id\.example\.com/);
  assert.match(hint.key, /external_scheme/);
});

test('a host that ZITADEL has no instance for is told at start', async () => {
  await using zitadel = await startStandIn({ domains: ['id.example.com'] });
  await using gateway = await startGateway({ zitadel: hostOf(zitadel.url), config: { hosts: ['login.example.com'] } });
  const hint = await gateway.announcement('hint');
  assert.equal(hint.topic, 'unknown_instance');
  assert.equal(hint.host, 'login.example.com');
  assert.match(hint.key, /ExternalDomain/);
});

test('a ZITADEL that does not answer does not keep the gateway from starting, and is told', async () => {
  await using gateway = await startGateway({ zitadel: '127.0.0.1:1', config: { hosts: ['id.example.com'] } });
  assert.equal((await gateway.announcement('hint')).topic, 'discovery_unread');
});

const UNKNOWN = { ':authority': 'nobody.example.com' };
for (const [dialect, path, headers, body] of [
  ['http', '/.well-known/openid-configuration', {}, ''],
  ['rest', '/v2/users/1', { 'content-type': 'application/json' }, ''],
  ['connect', '/zitadel.session.v2.SessionService/ListSessions', { 'content-type': 'application/json' }, '{}'],
  [
    'grpc',
    '/zitadel.session.v2.SessionService/ListSessions',
    { 'content-type': 'application/grpc', te: 'trailers' },
    '\0\0\0\0\0',
  ],
  [
    'grpc-web',
    '/zitadel.session.v2.SessionService/ListSessions',
    { 'content-type': 'application/grpc-web+proto' },
    '\0\0\0\0\0',
  ],
] as const) {
  test(`the unknown-instance answer is recognised in ${dialect}, told once per host, and passed on`, async () => {
    await using zitadel = await startStandIn({ domains: ['id.example.com'] });
    await using gateway = await startGateway({ zitadel: hostOf(zitadel.url) });
    const session = http2.connect(gateway.url, { ca: gateway.ca });
    for (let i = 0; i < 2; i += 1) {
      const stream = session.request({
        ...UNKNOWN,
        ':method': body === '' ? 'GET' : 'POST',
        ':path': path,
        ...headers,
      });
      if (body !== '') stream.end(body);
      let text = '';
      let trailers = '';
      stream.on('response', (fields) => {
        trailers += JSON.stringify(fields);
      });
      stream.on('trailers', (fields) => {
        trailers += JSON.stringify(fields);
      });
      for await (const chunk of stream) text += chunk;
      assert.match(text + trailers, /[Ii]nstance/);
    }
    session.close();
    const hint = await gateway.announcement('hint');
    assert.equal(hint.topic, 'unknown_instance');
    assert.equal(hint.host, 'nobody.example.com');
    assert.equal(gateway.announced.filter(({ name }) => name === 'hint').length, 1);
  });
}
