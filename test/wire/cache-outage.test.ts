// All pods of ZITADEL die: what the preset caches outlives them, so that tokens are validated and the Console's page opens.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { startStandIn } from '../../src/demo/stand-in.ts';
import { CLEAR, get } from '../support/cached.ts';
import { startGateway } from '../support/gateway.ts';
import { HandClock } from '../support/hand-clock.ts';

const HOUR_MS = 3_600_000;

test('keys, discovery and the Console outlive the death of all pods, are marked as stale, and come back with them', async () => {
  const clock = new HandClock();
  const standIn = await startStandIn();
  await using gateway = await startGateway({
    zitadel: `127.0.0.1:${standIn.port}`,
    clock,
    config: { listeners: [CLEAR] },
  });
  const page = await get(gateway, '/ui/console/');
  assert.equal(page.status, 200);
  const script = /src="([^"]+\.js)"/.exec(page.text)![1]!;
  const targets = [
    '/oauth/v2/keys',
    '/.well-known/openid-configuration',
    '/ui/console/',
    '/ui/console/users/1/general',
    new URL(script, `${gateway.clearUrl}/ui/console/`).pathname,
  ];
  const alive = new Map<string, Buffer>();
  for (const target of targets) alive.set(target, (await get(gateway, target)).body);
  await standIn.close();

  for (const hours of [1, 22]) {
    clock.pass(hours * HOUR_MS);
    for (const target of targets) {
      const got = await get(gateway, target);
      assert.equal(got.status, 200, target);
      assert.ok(got.body.equals(alive.get(target)!), target);
      assert.match(got.cache!, /^gatehouse; hit; ttl=/, target);
    }
    const keys = await get(gateway, '/oauth/v2/keys');
    assert.match(keys.cache!, /ttl=-\d+; detail=origin-failed$/);
    assert.ok(Number(keys.of('age')) >= hours * 3600);
  }
  assert.equal((await get(gateway, '/ui/console/assets/environment.json')).status, 502, 'never from the store');
  assert.equal((await get(gateway, '/oidc/v1/userinfo', { fields: { authorization: 'Bearer x' } })).status, 502);

  // A day of outage is the most for keys: whoever was locked out must not be let in for ever.
  clock.pass(3 * HOUR_MS);
  assert.equal((await get(gateway, '/oauth/v2/keys')).status, 502);
  assert.equal((await get(gateway, '/ui/console/')).status, 200);

  const { promise: listening, resolve } = Promise.withResolvers<void>();
  const back = http2.createServer((request, response) => {
    response.setHeader('cache-control', 'no-store');
    response.end(request.url === '/oauth/v2/keys' ? '{"keys":[]}' : 'back');
  });
  back.listen(standIn.port, '127.0.0.1', resolve);
  await listening;
  assert.equal((back.address() as AddressInfo).port, standIn.port);
  const sessions = new Set<http2.ServerHttp2Session>();
  back.on('session', (session) => sessions.add(session));
  const keys = await get(gateway, '/oauth/v2/keys');
  assert.deepEqual([keys.status, keys.text], [200, '{"keys":[]}']);
  for (const session of sessions) session.destroy();
  back.close();
  await once(back, 'close');
});
