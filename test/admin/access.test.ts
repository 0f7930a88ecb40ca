// Who may ask the admin listener. Its config and upstreams say how the gateway can be attacked, /reload changes it.

import assert from 'node:assert/strict';
import test from 'node:test';
import { bearer, startAdmin, TOKEN } from './started-admin.ts';

const GUARDED = ['/metrics', '/config', '/upstreams'];

test('on loopback without a token everything is open', async () => {
  await using admin = await startAdmin({ reload: async () => {} });
  for (const path of ['/live', '/ready', '/ready?verbose', ...GUARDED])
    assert.equal((await admin.get(path)).status, 200, path);
  assert.equal((await admin.get('/reload', { method: 'POST' })).status, 200);
});

test('loopback is the default, and localhost is loopback', async () => {
  await using first = await startAdmin();
  assert.equal((await first.get('/config')).status, 200);
  await using second = await startAdmin({ host: 'localhost' });
  assert.equal((await second.get('/config')).status, 200);
  await using third = await startAdmin({ host: '::1' });
  assert.equal((await third.get('/config')).status, 200);
});

for (const [where, host] of [
  ['wider', '0.0.0.0'],
  ['on loopback with a token', '127.0.0.1'],
] as const) {
  test(`bound ${where}, probes need no token and everything else does`, async () => {
    await using admin = await startAdmin({ host, token: TOKEN, reload: async () => {} });
    assert.equal((await admin.get('/live')).text, 'ok\n');
    assert.equal((await admin.get('/ready')).text, 'ok\n');
    assert.equal((await admin.get('/ready?verbose')).text, 'ok\n');
    for (const path of GUARDED) {
      const refused = await admin.get(path);
      assert.equal(refused.status, 401, path);
      assert.equal(JSON.parse(refused.text).error.code, 'UNAUTHORIZED');
      assert.equal(refused.headers['www-authenticate'], 'Bearer realm="gatehouse admin"');
      assert.equal((await admin.get(path, { headers: bearer(TOKEN) })).status, 200, path);
    }
    assert.equal((await admin.get('/reload', { method: 'POST' })).status, 401);
    assert.equal((await admin.get('/reload', { method: 'POST', headers: bearer(TOKEN) })).status, 200);
    assert.match((await admin.get('/ready?verbose', { headers: bearer(TOKEN) })).text, /"details"/);
  });
}

test('bound wider without a token, nothing but the probes is open to anybody', async () => {
  await using admin = await startAdmin({ host: '0.0.0.0' });
  assert.equal((await admin.get('/live')).status, 200);
  assert.equal((await admin.get('/ready?verbose')).text, 'ok\n');
  for (const path of GUARDED) {
    assert.equal((await admin.get(path)).status, 401, path);
    assert.equal((await admin.get(path, { headers: bearer('') })).status, 401, path);
    assert.equal((await admin.get(path, { headers: bearer('undefined') })).status, 401, path);
  }
});

test('an empty token is a mistake, not an open door', async () => {
  await assert.rejects(startAdmin({ token: '' }), RangeError);
});

test('only Bearer with the very token is right; the scheme is written in any case, RFC 9110 section 11.1', async () => {
  await using admin = await startAdmin({ token: TOKEN, wrongTokens: { max: 100, windowMs: 60_000 } });
  for (const authorization of [
    `Bearer ${TOKEN}x`,
    `Bearer ${TOKEN.slice(1)}`,
    `Bearer ${TOKEN.toUpperCase()}`,
    `Bearer ${TOKEN} ${TOKEN}`,
    `Basic ${TOKEN}`,
    TOKEN,
    'Bearer',
    'Bearer ',
  ])
    assert.equal((await admin.get('/config', { headers: { authorization } })).status, 401, authorization);
  for (const authorization of [`Bearer ${TOKEN}`, `bearer  ${TOKEN}`])
    assert.equal((await admin.get('/config', { headers: { authorization } })).status, 200, authorization);
});

test('a wrong token is told as such, to the client and to the log', async () => {
  const refused: unknown[] = [];
  await using admin = await startAdmin({ token: TOKEN, onRefused: (what) => refused.push(what) });
  const { headers } = await admin.get('/config?x=1', { headers: bearer('wrong') });
  assert.equal(headers['www-authenticate'], 'Bearer realm="gatehouse admin", error="invalid_token"');
  await admin.get('/config');
  assert.deepEqual(refused, [{ code: 'UNAUTHORIZED', path: '/config?x=1', peerAddress: '127.0.0.1' }]);
});

test('a wrong token on /ready?verbose is refused and counted: else it would be where tokens are tried', async () => {
  await using admin = await startAdmin({ token: TOKEN, wrongTokens: { max: 2, windowMs: 60_000 } });
  const statuses = [];
  for (let i = 0; i < 3; i += 1)
    statuses.push((await admin.get('/ready?verbose', { headers: bearer(`wrong${i}`) })).status);
  assert.deepEqual(statuses, [401, 401, 429]);
  assert.equal((await admin.get('/ready', { headers: bearer('wrong') })).status, 200);
});

test('/metrics is open to the networks that are listed, and nothing else is', async () => {
  await using admin = await startAdmin({
    host: '0.0.0.0',
    token: TOKEN,
    metricsAllow: ['127.0.0.2/31', '2001:db8::/32'],
  });
  assert.equal((await admin.get('/metrics', { from: '127.0.0.3' })).status, 200);
  assert.equal((await admin.get('/metrics', { from: '127.0.0.4' })).status, 401);
  assert.equal((await admin.get('/config', { from: '127.0.0.3' })).status, 401);
  assert.equal((await admin.get('/ready?verbose', { from: '127.0.0.3' })).text, 'ok\n');
});

test('what a client says about its address opens nothing', async () => {
  await using admin = await startAdmin({ host: '0.0.0.0', token: TOKEN, metricsAllow: ['192.0.2.1'] });
  const headers = { 'x-forwarded-for': '192.0.2.1', forwarded: 'for=192.0.2.1', 'x-real-ip': '192.0.2.1' };
  assert.equal((await admin.get('/metrics', { headers })).status, 401);
});

test('a list of networks that is none is a mistake that is told', async () => {
  await assert.rejects(startAdmin({ metricsAllow: ['10.0.0.0/33'] }), /10\.0\.0\.0\/33/);
  await assert.rejects(startAdmin({ metricsAllow: ['everybody'] }), /everybody/);
});

// DNS rebinding: a page makes its own name resolve to 127.0.0.1 and reads what the browser takes for its own origin.
test('on loopback a Host that is not of this machine reads nothing', async () => {
  await using admin = await startAdmin({ hosts: ['Ops.internal'] });
  for (const host of [
    'evil.example',
    'evil.example:9090',
    'localhost.evil.example',
    '10.0.0.1',
    '[2001:db8::1]',
    'a@localhost',
  ])
    for (const path of GUARDED) {
      const got = await admin.get(path, { headers: { host } });
      assert.equal(got.status, 404, host);
      assert.equal(JSON.parse(got.text).error.code, 'UNKNOWN_HOST');
    }
  assert.equal((await admin.get('/ready?verbose', { headers: { host: 'evil.example' } })).text, 'ok\n');
  assert.equal((await admin.get('/live', { headers: { host: 'evil.example' } })).status, 200);
  for (const host of [
    'localhost',
    'LOCALHOST:1',
    'localhost.',
    '127.0.0.1',
    '127.1.2.3:80',
    '[::1]',
    '[::1]:9090',
    'ops.internal:9090',
  ])
    assert.equal((await admin.get('/config', { headers: { host } })).status, 200, host);
});

test('bound wider, where the token protects, any Host will do: probes and Prometheus come by many names', async () => {
  await using admin = await startAdmin({ host: '0.0.0.0', token: TOKEN });
  const headers = { host: 'gatehouse.monitoring.svc:9090', ...bearer(TOKEN) };
  assert.equal((await admin.get('/metrics', { headers })).status, 200);
});

// Cross-site request forgery: a page may post to 127.0.0.1 without being able to read the answer.
test('a page in a browser cannot reload a listener that needs no token', async () => {
  let reloads = 0;
  await using admin = await startAdmin({ reload: async () => ++reloads });
  for (const headers of [
    { origin: 'https://evil.example' },
    { origin: 'null' },
    { 'sec-fetch-site': 'cross-site' },
  ] as Record<string, string>[])
    assert.equal((await admin.get('/reload', { method: 'POST', headers })).status, 401);
  assert.equal(reloads, 0);
});
