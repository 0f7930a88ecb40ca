// TLS sessions over replicas: with one secret in a file a client resumes at any of them.
// Harm: behind a load balancer every second connection costs a full handshake.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import tls from 'node:tls';
import { startGateway, type TestGateway } from '../support/gateway.ts';

const secret = (): string => `${randomBytes(48).toString('base64')}\n`;
const folder = () => mkdtempDisposable(join(tmpdir(), 'gatehouse-tickets-'));
const replica = (keys_file?: string): Promise<TestGateway> =>
  startGateway({ config: { tls: { tickets: keys_file === undefined ? {} : { keys_file } } } });

async function visit(gateway: TestGateway, session?: Buffer) {
  const socket = tls.connect({
    port: gateway.port('public'),
    host: '127.0.0.1',
    servername: 'localhost',
    ca: gateway.ca,
    ...(session !== undefined && { session }),
  });
  let next: Buffer | undefined;
  socket.once('session', (given) => {
    next = given;
  });
  await once(socket, 'secureConnect');
  const resumed = socket.isSessionReused();
  // The tickets of TLS 1.3 come with the answer at the latest.
  socket.end('GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n');
  socket.resume();
  await once(socket, 'close');
  return { resumed, session: next };
}

test('two gateways with the same secret resume the sessions of each other', async () => {
  await using files = await folder();
  const file = join(files.path, 'secret');
  await writeFile(file, secret());
  await using here = await replica(file);
  await using there = await replica(file);
  const { session } = await visit(here);
  assert.equal((await visit(there, session)).resumed, true);
});

test('without one they do not', async () => {
  await using here = await replica();
  await using there = await replica();
  const { session } = await visit(here);
  assert.equal((await visit(here, session)).resumed, true);
  assert.equal((await visit(there, session)).resumed, false);
});

test('another secret in the file is used, and one that is none is told and changes nothing', async () => {
  await using files = await folder();
  const file = join(files.path, 'secret');
  await writeFile(file, secret());
  await using gateway = await replica(file);
  const { session } = await visit(gateway);
  await writeFile(file, 'too short');
  const { problem } = await gateway.announcement('ticket_keys_refused');
  assert.match(problem, /secret: has 9 bytes, expected 32 to 4096/);
  assert.match(JSON.stringify(gateway.primary.ready().details), /keys_file: .*has 9 bytes/);
  assert.equal((await visit(gateway, session)).resumed, true);
  await writeFile(file, secret());
  await gateway.announcement('ticket_key_rotated');
  assert.equal((await visit(gateway, session)).resumed, false);
  assert.doesNotMatch(JSON.stringify(gateway.primary.ready().details), /keys_file/);
});

test('a secret that cannot be used keeps the gateway from starting, by name', async () => {
  await using files = await folder();
  const file = join(files.path, 'secret');
  await assert.rejects(replica(file), /secret: cannot be read \(ENOENT\)/);
  await writeFile(file, 'a'.repeat(48));
  await assert.rejects(replica(file), /secret: is not random/);
});
