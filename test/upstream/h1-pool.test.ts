// Connections to an HTTP/1.1 endpoint: RFC 9112 sections 6 (framing), 8 (incomplete messages), 9 (connections).
// Harm: Login v2 answers that are cut look complete, or requests wait for ever for a connection.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { H1Pool } from '../../src/upstream/h1-pool.ts';
import type { PoolSettings } from '../../src/upstream/pool.ts';
import { startByteServer } from '../support/h1-bytes.ts';
import { addressOf, Observed, poolSettings, request } from './pool-settings.ts';

const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';

function poolOf(address: string, settings: Partial<PoolSettings> = {}) {
  const observed = new Observed();
  const pool = new H1Pool(addressOf(address), poolSettings({ protocol: 'http/1.1', ...settings }), observed);
  return { pool, observed, [Symbol.dispose]: () => pool.destroy() };
}

async function whole(pool: H1Pool, given: Parameters<typeof request>[0] = {}) {
  const one = request(given);
  (await pool.open(one)).resume();
  await one.receiver.seen('close');
  return one.receiver;
}

test('a connection is kept and used again', async () => {
  await using server = await startByteServer((peer) => peer.send(OK));
  using one = poolOf(server.address);
  assert.equal((await whole(one.pool)).body, 'ok');
  assert.equal((await whole(one.pool)).body, 'ok');
  assert.equal(server.peers.length, 1);
});

test('max_idle_connections 0 keeps none', async () => {
  await using server = await startByteServer((peer) => peer.send(OK));
  using one = poolOf(server.address, { maxIdleConnections: 0 });
  await whole(one.pool);
  await whole(one.pool);
  assert.equal(server.peers.length, 2);
});

test('never more connections than max_sessions, even when they are asked for all at once', async () => {
  await using server = await startByteServer(() => {});
  using one = poolOf(server.address, { maxSessions: 2, pendingTimeoutMs: 100 });
  const asked = Array.from({ length: 6 }, () => one.pool.open(request()));
  const outcomes = await Promise.allSettled(asked);
  const refused = outcomes.filter(({ status }) => status === 'rejected') as PromiseRejectedResult[];
  assert.equal(refused.length, 4);
  for (const { reason } of refused) {
    assert.equal(reason.code, 'UPSTREAM_BUSY');
    assert.match(reason.detail, /max_sessions 2/);
  }
  assert.equal(server.peers.length, 2);
});

test('a request that waits has the connection when it is free', async () => {
  await using server = await startByteServer(() => {});
  using one = poolOf(server.address, { maxSessions: 1 });
  const first = request();
  (await one.pool.open(first)).resume();
  const second = request();
  const waiting = one.pool.open(second);
  (await server.peer(0)).send(OK);
  await first.receiver.seen('close');
  (await waiting).resume();
  (await server.peer(0)).send(OK);
  await second.receiver.seen('close');
  assert.equal(second.receiver.body, 'ok');
});

test('a request that nobody wants any more is not sent', async () => {
  await using server = await startByteServer(() => {});
  using one = poolOf(server.address);
  await assert.rejects(one.pool.open(request({ wanted: () => false })), { code: 'CLIENT_LEFT' });
  const peer = await server.peer(0);
  await peer.over();
  assert.equal(peer.text, '');
});

for (const [what, answer] of [
  ['a Content-Length that is not met', 'HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf'],
  ['a chunked body without its last chunk', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n'],
] as const) {
  test(`an answer cut by a FIN is a reset, never an end: ${what}`, async () => {
    await using server = await startByteServer((peer) => {
      peer.send(answer);
      peer.socket.end();
    });
    using one = poolOf(server.address);
    const receiver = await whole(one.pool);
    assert.deepEqual(receiver.events, ['head', 'data', 'reset', 'close']);
    assert.equal(receiver.body, 'half');
  });
}

test('an answer that ends with its connection is complete by FIN and cut by a TCP reset', async () => {
  await using server = await startByteServer((peer, head) => {
    peer.send('HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nbody');
    if (head.includes('/fin')) peer.socket.end();
  });
  using one = poolOf(server.address);
  assert.deepEqual((await whole(one.pool, { path: '/fin' })).events, ['head', 'data', 'end', 'close']);
  const cut = request({ path: '/rst' });
  (await one.pool.open(cut)).resume();
  await cut.receiver.seen('data');
  (await server.peer(1)).abort();
  await cut.receiver.seen('close');
  assert.deepEqual(cut.receiver.events, ['head', 'data', 'reset', 'close']);
});

for (const [method, answer] of [
  ['HEAD', 'HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\n'],
  ['GET', 'HTTP/1.1 304 Not Modified\r\ncontent-length: 5000\r\n\r\n'],
  ['GET', 'HTTP/1.1 204 No Content\r\n\r\n'],
] as const) {
  test(`no body follows ${method} ${answer.slice(9, 12)}, whatever its Content-Length says`, async () => {
    await using server = await startByteServer((peer) => peer.send(answer));
    using one = poolOf(server.address);
    const receiver = await whole(one.pool, { method });
    assert.equal(receiver.heads[0]!.ended, true);
    assert.deepEqual(receiver.events, ['head', 'close']);
  });
}

test('a switch of protocols that nobody asked for is a reset that says so', async () => {
  await using server = await startByteServer((peer) =>
    peer.send('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n'),
  );
  using one = poolOf(server.address);
  const receiver = await whole(one.pool);
  assert.deepEqual(receiver.events, ['reset', 'close']);
  assert.equal((receiver.resets[0]!.cause as { code?: string }).code, 'UPSTREAM_PROTOCOL');
});

test('Cookie fields of HTTP/2 become one, RFC 9113 section 8.2.3; a body of unknown length is chunked', async () => {
  await using server = await startByteServer((peer) => peer.send(OK));
  using one = poolOf(server.address);
  const given = request({ method: 'POST', ended: false, fields: ['cookie', 'a=1', 'x', 'y', 'cookie', 'b=2'] });
  const stream = await one.pool.open(given);
  stream.write(Buffer.from('body'));
  stream.end();
  stream.resume();
  const text = await (await server.peer(0)).has('\r\n0\r\n\r\n');
  assert.match(text, /\r\ncookie: a=1; b=2\r\n/);
  assert.match(text, /\r\ntransfer-encoding: chunked\r\n/);
  assert.match(text, /\r\n4\r\nbody\r\n0\r\n\r\n$/);
});

test('drain closes idle connections at once and others after their answer', async () => {
  await using server = await startByteServer((peer, head) => {
    if (head.includes('/quick')) peer.send(OK);
  });
  using one = poolOf(server.address);
  const slow = request({ path: '/slow' });
  (await one.pool.open(slow)).resume();
  await whole(one.pool, { path: '/quick' });
  one.pool.drain();
  await (await server.peer(1)).over();
  (await server.peer(0)).send(OK);
  await slow.receiver.seen('close');
  await (await server.peer(0)).over();
  await one.observed.until(() => one.observed.closed.length === 2);
  assert.equal(one.pool.sessions, 0);
});

test('a refused connection is CONNECT_FAILED', async () => {
  const server = await startByteServer(() => {});
  await server[Symbol.asyncDispose]();
  using one = poolOf(server.address);
  await assert.rejects(one.pool.open(request()), { code: 'CONNECT_FAILED', detail: /ECONNREFUSED/ });
});
