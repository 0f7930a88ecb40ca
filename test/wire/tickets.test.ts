// TLS sessions that are resumed: RFC 8446 section 4.6.1, RFC 5077.
// Harm: a ticket that no other thread or replica can read costs a handshake with each connection; one that everybody can
// read for ever is the key to what was recorded.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { before, test } from 'node:test';
import tls from 'node:tls';
import { promisify } from 'node:util';
import type { CertificatePair } from '../../src/transport/certificates.ts';
import { TicketKeys } from '../../src/transport/ticket-keys.ts';
import { certificateFor } from '../support/certificate.ts';
import { HandClock } from '../support/hand-clock.ts';
import { startListener, type TestListener } from '../support/listener.ts';

let one: CertificatePair;
let two: CertificatePair;
let newer: CertificatePair;
before(async () => {
  [one, two, newer] = await Promise.all([
    certificateFor(['one.example']),
    certificateFor(['two.example']),
    certificateFor(['one.example']),
  ]);
});

async function visit({ port }: Pick<TestListener, 'port'>, options: tls.ConnectionOptions) {
  const socket = tls.connect({
    port,
    host: '127.0.0.1',
    servername: 'one.example',
    rejectUnauthorized: false,
    ...options,
  });
  let session: Buffer | undefined;
  socket.on('session', (given) => {
    session = given;
  });
  await once(socket, 'secureConnect');
  const resumed = socket.isSessionReused();
  const { fingerprint256 } = socket.getPeerX509Certificate() ?? {};
  socket.end('GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n');
  socket.resume();
  await once(socket, 'close');
  return { resumed, session, fingerprint256 };
}

const settings = () => ({ certificates: [one, two], minVersion: '1.2' }) as const;

test('a ticket tells that it is good for an hour', async (context) => {
  await using server = await startListener({ tls: settings() });
  const args = ['s_client', '-connect', `127.0.0.1:${server.port}`, '-tls1_2', '-servername', 'one.example'];
  const run = promisify(execFile)('openssl', args, { timeout: 5000 });
  run.child.stdin?.end();
  const output = await run.catch((error: NodeJS.ErrnoException & { stdout?: string }) =>
    error.code === 'ENOENT' ? undefined : { stdout: error.stdout ?? '' },
  );
  if (output === undefined) return context.skip('openssl is not installed');
  assert.match(output.stdout, /ticket lifetime hint: 3600 \(seconds\)/);
});

for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
  test(`${maxVersion}: two replicas with one secret resume each other's sessions, for every server name`, async () => {
    const secret = randomBytes(48);
    await using here = await startListener({ tls: settings() });
    await using there = await startListener({ tls: settings() });
    for (const { listener } of [here, there]) {
      // Each made for itself: nothing but the secret and the time is shared.
      const keys = new TicketKeys({ clock: new HandClock(), rotateMs: 60_000, secret, onKey() {} });
      listener.setTicketKeys(keys.current);
    }
    for (const servername of ['one.example', 'two.example', 'unknown.example']) {
      const { session } = await visit(here, { maxVersion, servername });
      assert.equal((await visit(there, { maxVersion, servername, session })).resumed, true, servername);
    }
  });

  test(`${maxVersion}: a session for one server name is not resumed for another`, async () => {
    await using server = await startListener({ tls: settings() });
    const { session } = await visit(server, { maxVersion, servername: 'one.example' });
    for (const servername of ['two.example', 'unknown.example', '']) {
      assert.equal((await visit(server, { maxVersion, servername, session })).resumed, false, servername);
    }
  });

  test(`${maxVersion}: sessions survive another certificate, and new ones see it`, async () => {
    await using server = await startListener({ tls: settings() });
    server.listener.setTicketKeys(randomBytes(48));
    const before = await visit(server, { maxVersion });
    server.listener.useTls({ certificates: [newer, two], minVersion: '1.2' });
    assert.equal((await visit(server, { maxVersion, session: before.session })).resumed, true);
    const after = await visit(server, { maxVersion });
    assert.equal(after.resumed, false);
    assert.notEqual(after.fingerprint256, before.fingerprint256);
  });

  test(`${maxVersion}: with another key an old ticket costs a full handshake and nothing else`, async () => {
    await using server = await startListener({ tls: settings() });
    server.listener.setTicketKeys(randomBytes(48));
    const { session } = await visit(server, { maxVersion });
    server.listener.setTicketKeys(randomBytes(48));
    const again = await visit(server, { maxVersion, session });
    assert.equal(again.resumed, false);
    assert.equal((await visit(server, { maxVersion, session: again.session })).resumed, true);
    assert.deepEqual(server.ends, []);
  });
}
