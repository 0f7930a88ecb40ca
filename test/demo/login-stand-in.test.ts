// The stand-in for Login v2: a Next.js server in shape, over HTTP/1.1 only.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { WebSocket } from 'ws';
import { startLoginStandIn, WEBSOCKET_PATH } from '../../src/demo/login-stand-in.ts';
import { PASSWORD_ACTION } from '../../src/demo/login-v2.ts';
import { startStandIn } from '../../src/demo/stand-in.ts';
import { connect } from './client.ts';

const login = await startLoginStandIn();
after(() => login.close());
const client = connect(login.url, 'http/1.1');
after(() => client[Symbol.asyncDispose]());

test('pages: their own policy, never stored, compressed when asked', async () => {
  const page = await client.ask('/ui/v2/login/loginname?authRequest=V2_1');
  assert.equal(page.status, 200);
  assert.match(String(page.headers['content-security-policy']), /frame-ancestors 'none'/);
  assert.match(String(page.headers['cache-control']), /no-store/);
  assert.equal(page.headers['set-cookie']?.length, 2);
  const compressed = await client.ask('/ui/v2/login/loginname', { headers: { 'accept-encoding': 'gzip, br' } });
  assert.equal(compressed.headers['content-encoding'], 'gzip');
  assert.match(gunzipSync(compressed.body).toString(), /Login v2 stand-in/);
});

test('chunks are immutable, what is not there is a 404', async () => {
  const page = (await client.ask('/ui/v2/login/')).body.toString();
  const chunk = /src="([^"]+)"/.exec(page)![1]!;
  const answer = await client.ask(chunk);
  assert.equal(answer.headers['cache-control'], 'public, max-age=31536000, immutable');
  assert.equal((await client.ask('/ui/v2/login/_next/static/chunks/gone.js')).status, 404);
  assert.equal((await client.ask('/elsewhere')).status, 404);
});

test('hosts are read in the order of Login v2, links are https but for localhost', async () => {
  const metas = async (headers: Record<string, string>) => {
    const page = (await client.ask('/ui/v2/login/', { headers })).body.toString();
    return Array.from(
      page.matchAll(/<meta name="(?:instance-host|public-origin)" content="([^"]*)"/g),
      ([, value]) => value,
    );
  };
  assert.deepEqual(await metas({ host: 'a.example' }), ['a.example', 'https://a.example']);
  assert.deepEqual(await metas({ host: 'localhost:3000' }), ['localhost:3000', 'http://localhost:3000']);
  const forwarded = { host: 'a.example', 'x-forwarded-host': 'b.example' };
  assert.deepEqual(await metas(forwarded), ['a.example', 'https://b.example']);
  // CVE-2025-67494: this header chooses the API that is called.
  const evil = { ...forwarded, 'x-zitadel-forward-host': 'evil.example' };
  assert.deepEqual(await metas(evil), ['evil.example', 'https://evil.example']);
});

test('a server action wants its Origin to be the host', async () => {
  const act = (origin: string, password: string) =>
    client.ask('/ui/v2/login/password', {
      headers: {
        host: 'a.example',
        origin,
        'next-action': PASSWORD_ACTION,
        'content-type': 'application/x-www-form-urlencoded',
      },
      body: new URLSearchParams({ loginName: 'road-runner@acme.localhost', password }).toString(),
    });
  assert.equal((await act('https://evil.example', 'x')).status, 500);
  const wrong = await act('https://a.example', 'x');
  assert.deepEqual([wrong.status, wrong.headers['content-type']], [200, 'text/x-component']);
  assert.match(wrong.body.toString(), /Failed to authenticate/);
  assert.equal(login.wrongAttempts.get('road-runner@acme.localhost'), 1);
  assert.match((await act('https://a.example', 'Password1!')).body.toString(), /signedin/);
});

test('probes: healthy by itself, ready with the API', async () => {
  await using api = await startStandIn();
  await using dependent = await startLoginStandIn({ apiUrl: api.url });
  await using probe = connect(dependent.url, 'http/1.1');
  assert.equal((await probe.ask('/ui/v2/login/ready')).status, 200);
  await api.fail({ mode: 'unready' });
  assert.equal((await probe.ask('/ui/v2/login/ready')).status, 503);
  assert.equal((await probe.ask('/ui/v2/login/healthy')).status, 200);
});

test('headers are echoed, the security file depends on the host', async () => {
  const echoed = JSON.parse((await client.ask('/ui/v2/login/headers', { headers: { cookie: 'a=b' } })).body.toString());
  assert.equal(echoed.cookie, 'a=b');
  const security = await client.ask('/ui/v2/login/security', { headers: { host: 'a.example' } });
  assert.equal(security.headers['cache-control'], 'public, max-age=3600, stale-while-revalidate=86400');
  assert.equal(JSON.parse(security.body.toString()).host, 'a.example');
});

test('a WebSocket echoes at the path of the development server, and nowhere else', async () => {
  const address = `ws://127.0.0.1:${login.port}`;
  const socket = new WebSocket(address + WEBSOCKET_PATH);
  await once(socket, 'open');
  assert.equal(login.openWebSockets, 1);
  socket.send('text');
  const [text, textIsBinary] = await once(socket, 'message');
  assert.deepEqual([String(text), textIsBinary], ['text', false]);
  socket.send(Buffer.from([0, 1]));
  const [bytes, isBinary] = await once(socket, 'message');
  assert.deepEqual([bytes, isBinary], [Buffer.from([0, 1]), true]);
  socket.close(4001, 'bye');
  const [code] = await once(socket, 'close');
  assert.equal(code, 4001);
  const refused = new WebSocket(`${address}/elsewhere`);
  const [error] = await once(refused, 'error');
  assert.match(error.message, /404/);
});
