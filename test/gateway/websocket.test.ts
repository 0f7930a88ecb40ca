// WebSocket to HTTP/1.1 upstreams, on routes that opt in: RFC 6455 section 4, RFC 9110 section 7.8.
// Harm: Next.js in development reloads its pages over one; and an upgrade that passes where nobody asked for it is a
// tunnel past every policy.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { WebSocket } from 'ws';
import { startLoginStandIn, WEBSOCKET_PATH } from '../../src/demo/login-stand-in.ts';
import { DnsServer } from '../support/dns-server.ts';
import { startGateway } from '../support/gateway.ts';

const OPEN = { routes: [{ name: 'login-v2', websocket: true }] };

async function echo(socket: WebSocket, text: string): Promise<string> {
  socket.send(text);
  const [data] = (await once(socket, 'message')) as [Buffer];
  return data.toString();
}

/** What a handshake was answered with instead; its connection is over then. */
async function refused(socket: WebSocket): Promise<{ statusCode: number }> {
  socket.on('error', () => {}); // ws calls a terminated handshake an error
  const [, response] = (await once(socket, 'unexpected-response')) as [unknown, { statusCode: number }];
  socket.terminate();
  return response;
}

test('a route that opts in relays a WebSocket, and its record tells the whole time', async () => {
  await using login = await startLoginStandIn();
  const address = new URL(login.url).host;
  await using gateway = await startGateway({ login: address, config: OPEN });
  const socket = new WebSocket(gateway.url.replace('https', 'wss') + WEBSOCKET_PATH, { ca: gateway.ca });
  await once(socket, 'open');
  assert.match(await echo(socket, 'over the gate'), /over the gate/);
  assert.equal(login.openWebSockets, 1);
  assert.equal(gateway.ended.length, 0);
  socket.close();
  const { record, exchange } = await gateway.over(() => true);
  assert.equal(record.status, 101);
  assert.equal(record.answeredBy, 'upstream');
  assert.equal(exchange.route.name, 'login-v2');
});

test('it works after a reload too, and an old one lives on', async () => {
  await using login = await startLoginStandIn();
  const address = new URL(login.url).host;
  await using gateway = await startGateway({ login: address, config: OPEN });
  const url = gateway.url.replace('https', 'wss') + WEBSOCKET_PATH;
  const before = new WebSocket(url, { ca: gateway.ca });
  await once(before, 'open');
  await gateway.primary.reload({ ...gateway.config, trace_context: 'drop' });
  assert.match(await echo(before, 'still here'), /still here/);
  const after = new WebSocket(url, { ca: gateway.ca });
  await once(after, 'open');
  assert.match(await echo(after, 'new one'), /new one/);
  before.close();
  after.close();
  await Promise.all([once(before, 'close'), once(after, 'close')]);
});

test('a route that does not opt in answers as if Upgrade had not been sent', async () => {
  await using login = await startLoginStandIn();
  await using gateway = await startGateway({ login: new URL(login.url).host });
  const socket = new WebSocket(gateway.url.replace('https', 'wss') + WEBSOCKET_PATH, { ca: gateway.ca });
  const response = await refused(socket);
  assert.equal(response.statusCode, 200);
  assert.equal(login.openWebSockets, 0);
  assert.equal(
    login.requests
      .at(-1)!
      .rawHeaders.map((h) => h.toLowerCase())
      .includes('upgrade'),
    false,
  );
});

test('an upstream whose endpoints are not found refuses the handshake', async () => {
  await using dns = await DnsServer.start();
  const discovery = { dns: { name: 'login.test', port: 1 }, resolver: [dns.address] };
  const upstreams = { zitadel: { endpoints: ['127.0.0.1:1'] }, login: { protocol: 'http/1.1' as const, discovery } };
  await using gateway = await startGateway({ login: '127.0.0.1:1', config: { ...OPEN, upstreams } });
  const socket = new WebSocket(gateway.url.replace('https', 'wss') + WEBSOCKET_PATH, { ca: gateway.ca });
  assert.equal((await refused(socket)).statusCode, 503);
  const { record } = await gateway.over(() => true);
  assert.equal(record.error?.code, 'NO_ENDPOINT');
});

test('the handshake passes header hygiene: what a client may not say does not arrive', async () => {
  await using login = await startLoginStandIn();
  await using gateway = await startGateway({ login: new URL(login.url).host, config: OPEN });
  const socket = new WebSocket(gateway.url.replace('https', 'wss') + WEBSOCKET_PATH, {
    ca: gateway.ca,
    headers: { 'x-zitadel-instance-host': 'evil.example', 'x-forwarded-for': '1.2.3.4', cookie: 'a=b' },
  });
  await once(socket, 'open');
  assert.match(await echo(socket, 'hi'), /hi/);
  socket.close();
  const { exchange } = await gateway.over(() => true);
  assert.equal(exchange.client.address, '127.0.0.1');
});

test('what is refused on the way in is refused for a WebSocket too', async () => {
  await using login = await startLoginStandIn();
  await using gateway = await startGateway({
    login: new URL(login.url).host,
    config: { ...OPEN, hosts: ['id.example.com'] },
  });
  const socket = new WebSocket(gateway.url.replace('https', 'wss') + WEBSOCKET_PATH, { ca: gateway.ca });
  const response = await refused(socket);
  assert.equal(response.statusCode, 404);
  assert.equal((await gateway.over(() => true)).record.error?.code, 'UNKNOWN_HOST');
});

test('an upstream that is down: the client is told, nothing crashes, the next request is served', async () => {
  await using gateway = await startGateway({ login: '127.0.0.1:1', config: OPEN });
  const socket = new WebSocket(gateway.url.replace('https', 'wss') + WEBSOCKET_PATH, { ca: gateway.ca });
  socket.on('error', () => {});
  await once(socket, 'close');
  const { record } = await gateway.over(() => true);
  assert.equal(record.status, 101);
  assert.equal((await fetch(`${gateway.clearUrl}/debug/healthz`)).status, 403);
});
