// What a client can do to hold the process, or to keep probes out.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import test from 'node:test';
import { metricsOf, startAdmin } from './started-admin.ts';

async function connect(port: number): Promise<net.Socket> {
  const socket = net.connect(port, '127.0.0.1');
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

test('close waits for an answer that is being made', async () => {
  const asked = Promise.withResolvers<void>();
  const answered = Promise.withResolvers<string>();
  await using admin = await startAdmin({
    metrics: metricsOf(() => {
      asked.resolve();
      return answered.promise;
    }),
  });
  const got = admin.get('/metrics');
  await asked.promise;
  const closed = admin.close(60_000);
  answered.resolve('late 1\n');
  assert.equal((await got).text, 'late 1\n');
  await closed;
});

test('close does not wait for a source that hangs', async () => {
  const asked = Promise.withResolvers<void>();
  const admin = await startAdmin({
    metrics: metricsOf(() => {
      asked.resolve();
      return new Promise(() => {});
    }),
  });
  const got = admin.get('/metrics').catch((error: Error) => error);
  await asked.promise;
  await admin.close(20);
  assert.ok((await got) instanceof Error);
});

test('close does not wait for a client that reads nothing, sends half a request, or keeps its connection', async () => {
  const admin = await startAdmin({
    metrics: metricsOf(async () => 'x'.repeat(64 * 1024 * 1024)),
  });
  const deaf = await connect(admin.port);
  deaf.pause();
  deaf.write('GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await once(deaf, 'readable');
  const slow = await connect(admin.port);
  slow.write('GET /live HTTP/1.1\r\nHo');
  const idle = await connect(admin.port);
  idle.write('GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await once(idle, 'data');
  const ended = Promise.all([deaf, slow, idle].map((socket) => once(socket.resume(), 'close')));
  await admin.close(20);
  await ended;
});

test('after close nobody is let in, and closing twice is closing once', async () => {
  const admin = await startAdmin();
  await admin.close(0);
  await admin.close(0);
  await assert.rejects(admin.get('/live'), { code: 'ECONNREFUSED' });
});

test('a head that comes too slowly gets 408 and the end of the connection, soon after its limit', async () => {
  await using admin = await startAdmin({ headerTimeoutMs: 50, requestTimeoutMs: 100 });
  const socket = await connect(admin.port);
  socket.write('GET /live HTTP/1.1\r\nHost: lo');
  const [answer] = (await once(socket, 'data')) as [Buffer];
  assert.match(answer.toString(), /^HTTP\/1\.1 408 .*\r\n/);
  assert.match(answer.toString(), /\{"error":\{"code":"REQUEST_TIMEOUT"/);
  await once(socket.resume(), 'close');
});

test('what is not HTTP gets 400 in the same form', async () => {
  await using admin = await startAdmin();
  const socket = await connect(admin.port);
  socket.write('\x16\x03\x01 hello\r\n\r\n');
  const [answer] = (await once(socket, 'data')) as [Buffer];
  assert.match(answer.toString(), /^HTTP\/1\.1 400 [\s\S]*\{"error":\{"code":"BAD_HEADER"/);
});

test('a client that takes nothing of its answer is cut off, and its connection is free for others', async () => {
  await using admin = await startAdmin({
    idleTimeoutMs: 50,
    maxConnections: 1,
    metrics: metricsOf(async () => 'x'.repeat(64 * 1024 * 1024)),
  });
  const deaf = await connect(admin.port);
  deaf.write('GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await once(deaf, 'readable');
  const ask = (): Promise<number> =>
    admin.get('/live').then(
      ({ status }) => status,
      () => 0,
    );
  assert.equal(await ask(), 0);
  // Asked until the one connection is free: the listener ends it by itself.
  while ((await ask()) !== 200);
  deaf.destroy();
});

test('connections are bounded', async () => {
  await using admin = await startAdmin({ maxConnections: 3, headerTimeoutMs: 60_000, requestTimeoutMs: 60_000 });
  const sockets: net.Socket[] = [];
  for (let i = 0; i < 3; i += 1) sockets.push(await connect(admin.port));
  const refused = await connect(admin.port);
  refused.on('data', () => assert.fail('it was answered'));
  await once(refused, 'close');
  for (const socket of sockets) socket.destroy();
});
