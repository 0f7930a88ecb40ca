// Mutual TLS on the wire: who may connect, and what is known of who did. RFC 8446 section 4.4.2, RFC 9440.
// Harm: an upstream that believes a certificate which nobody has verified lets in whoever names one.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { before, test } from 'node:test';
import tls from 'node:tls';
import type { CertificatePair } from '../../src/transport/certificates.ts';
import type { ClientCertificateSettings } from '../../src/transport/client-certificates.ts';
import type { TlsSettings } from '../../src/transport/tls.ts';
import { type Authority, type Issued, makeAuthority } from '../support/authority.ts';
import { certificateFor } from '../support/certificate.ts';
import { startListener, type TestListener } from '../support/listener.ts';

let server: CertificatePair;
let second: CertificatePair;
let clients: Authority;
let strangers: Authority;
let alice: Issued;
let stranger: Issued;
before(async () => {
  [server, second, clients, strangers] = await Promise.all([
    certificateFor(['localhost']),
    certificateFor(['second.example']),
    makeAuthority('Clients'),
    makeAuthority('Strangers'),
  ]);
  alice = await clients.issue(['alice@example.com', 'alice.example'], {
    use: 'client',
    subject: 'CN=alice,O=Müller\\, Söhne,C=DE',
  });
  stranger = await strangers.issue(['alice@example.com'], { use: 'client', subject: 'CN=alice' });
});

const settings = (more: Partial<ClientCertificateSettings> = {}): TlsSettings => ({
  certificates: [server, second],
  minVersion: '1.2',
  clientCertificates: {
    authorities: [clients.certificate],
    revoked: [],
    required: true,
    passOn: ['subject', 'issuer', 'san', 'serial', 'fingerprint', 'certificate'],
    ...more,
  },
});

interface Outcome {
  readonly answered: boolean;
  readonly reused: boolean;
  readonly session: Buffer | undefined;
  readonly error: string | undefined;
}

/** One request over HTTP/1.1; whether an answer came. */
async function ask(
  { port }: Pick<TestListener, 'port'>,
  who: Issued | undefined,
  options: tls.ConnectionOptions = {},
): Promise<Outcome> {
  const socket = tls.connect({
    port,
    host: '127.0.0.1',
    servername: 'localhost',
    rejectUnauthorized: false,
    ...(who !== undefined && { cert: who.certificate, key: who.key }),
    ...options,
  });
  let session: Buffer | undefined;
  let reused = false;
  let error: string | undefined;
  let text = '';
  socket.on('session', (given) => {
    session = given;
  });
  socket.on('secureConnect', () => {
    reused = socket.isSessionReused();
    socket.write('GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n');
  });
  socket.on('error', (failed: NodeJS.ErrnoException) => {
    error = failed.code;
  });
  socket.on('data', (chunk) => {
    text += chunk;
  });
  await once(socket, 'close').catch(() => {});
  return { answered: text.startsWith('HTTP/1.1 200'), reused, session, error };
}

const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const;

for (const maxVersion of VERSIONS) {
  test(`${maxVersion}: a client whose certificate an authority has issued is known by it`, async () => {
    await using listener = await startListener({ tls: settings() });
    assert.ok((await ask(listener, alice, { maxVersion })).answered);
    const known = listener.requests[0]!.connection.clientCertificate!;
    assert.equal(known.subject, 'C=DE,O=M\\C3\\BCller\\, S\\C3\\B6hne,CN=alice');
    assert.match(known.fingerprint, /^[0-9a-f]{64}$/);
    const fields = Object.fromEntries(
      Array.from({ length: known.fields.length / 2 }, (_, i) => [known.fields[2 * i], known.fields[2 * i + 1]]),
    );
    assert.deepEqual(
      { ...fields, 'client-cert': undefined },
      {
        'x-client-cert-subject': known.subject,
        'x-client-cert-issuer': 'CN=Clients',
        'x-client-cert-san': 'email:alice@example.com, DNS:alice.example',
        'x-client-cert-serial': alice.serial.toUpperCase(),
        'x-client-cert-fingerprint': known.fingerprint,
        'client-cert': undefined,
      },
    );
    const der = alice.leaf.replace(/-----[^-]+-----|\n/g, '');
    assert.equal(fields['client-cert'], `:${der}:`);
  });

  test(`${maxVersion}: without a certificate, and with one of another authority, nobody comes in, and it is counted`, async () => {
    await using listener = await startListener({ tls: settings() });
    assert.equal((await ask(listener, undefined, { maxVersion })).answered, false);
    const missing = await listener.end(({ reason }) => reason === 'client certificate missing');
    assert.equal(missing.peerAddress, '127.0.0.1');
    assert.equal((await ask(listener, stranger, { maxVersion })).answered, false);
    const refused = await listener.end(({ reason }) => reason === 'client certificate refused');
    assert.match(refused.code ?? '', /UNABLE_TO_(?:GET_ISSUER|VERIFY_LEAF)/);
    assert.equal(listener.requests.length, 0);
    assert.equal(listener.ends.length, 2);
  });

  test(`${maxVersion}: the authorities count for every server name, and public ones for none`, async () => {
    await using listener = await startListener({ tls: settings() });
    const servername = 'second.example';
    assert.ok((await ask(listener, alice, { maxVersion, servername })).answered);
    assert.equal((await ask(listener, stranger, { maxVersion, servername })).answered, false);
    assert.equal((await ask(listener, undefined, { maxVersion, servername })).answered, false);
    assert.equal(listener.requests.length, 1);
  });

  test(`${maxVersion}: a session that is resumed keeps who the client is`, async () => {
    await using listener = await startListener({ tls: settings() });
    const { session } = await ask(listener, alice, { maxVersion });
    // What was known then is in the ticket: the certificate is not sent again.
    const again = await ask(listener, undefined, { maxVersion, session });
    assert.ok(again.reused && again.answered);
    const [first, second] = listener.requests.map(({ connection }) => connection.clientCertificate?.fingerprint);
    assert.ok(first !== undefined && first === second);
  });

  test(`${maxVersion}: a session does not outlive its certificate`, async () => {
    let wall = Date.now();
    await using listener = await startListener({ tls: settings(), now: () => wall });
    const { session } = await ask(listener, alice, { maxVersion });
    wall += 31 * 86_400_000;
    const again = await ask(listener, undefined, { maxVersion, session });
    assert.equal(again.answered, false);
    assert.equal((await listener.end()).code, 'CERT_HAS_EXPIRED');
  });

  test(`${maxVersion}: a session that began when others were let in, or at another listener, is not resumed`, async () => {
    const key = Buffer.alloc(48, 7);
    await using open = await startListener({ name: 'open', tls: { certificates: [server], minVersion: '1.2' } });
    await using listener = await startListener({ tls: settings({ required: false }) });
    for (const one of [open, listener]) one.listener.setTicketKeys(key);
    const elsewhere = await ask(open, alice, { maxVersion });
    assert.equal((await ask(listener, undefined, { maxVersion, session: elsewhere.session })).reused, false);
    const { session } = await ask(listener, alice, { maxVersion });
    assert.equal((await ask(listener, undefined, { maxVersion, session })).reused, true);
    listener.listener.useTls(settings({ required: false, authorities: [strangers.certificate] }));
    const after = await ask(listener, undefined, { maxVersion, session });
    assert.equal(after.reused, false);
    assert.ok(after.answered);
    assert.equal(listener.requests.at(-1)!.connection.clientCertificate, undefined);
  });

  test(`${maxVersion}: where it is optional, one without a certificate is nobody, and one with a bad one is refused`, async () => {
    await using listener = await startListener({ tls: settings({ required: false }) });
    assert.ok((await ask(listener, undefined, { maxVersion })).answered);
    assert.equal(listener.requests[0]!.connection.clientCertificate, undefined);
    assert.equal((await ask(listener, stranger, { maxVersion })).answered, false);
    assert.equal((await listener.end()).reason, 'client certificate refused');
    assert.ok((await ask(listener, alice, { maxVersion })).answered);
    assert.notEqual(listener.requests[1]!.connection.clientCertificate, undefined);
  });

  test(`${maxVersion}: a certificate that is revoked, has ended or is for servers does not verify`, async () => {
    const revoked = await clients.revoke([alice.serial]);
    await using listener = await startListener({ tls: settings({ revoked: [revoked] }) });
    const bob = await clients.issue([], { use: 'client', subject: 'CN=bob' });
    assert.equal((await ask(listener, alice, { maxVersion })).answered, false);
    assert.equal((await listener.end()).code, 'CERT_REVOKED');
    assert.ok((await ask(listener, bob, { maxVersion })).answered);
    const over = await clients.issue([], { use: 'client', subject: 'CN=over', from: -5, to: -1 });
    assert.equal((await ask(listener, over, { maxVersion })).answered, false);
    await listener.end(({ code }) => code === 'CERT_HAS_EXPIRED');
    const other = await clients.issue(['a.example'], { use: 'server' });
    assert.equal((await ask(listener, other, { maxVersion })).answered, false);
    await listener.end(({ code }) => code === 'INVALID_PURPOSE');
  });
}

test('whether clients are asked for a certificate can change while the listener runs', async () => {
  const open: TlsSettings = { certificates: [server], minVersion: '1.2' };
  await using listener = await startListener({ tls: open });
  const answered = async (who: Issued | undefined): Promise<boolean> => (await ask(listener, who)).answered;
  const known = (): boolean => listener.requests.at(-1)!.connection.clientCertificate !== undefined;
  assert.ok((await answered(stranger)) && !known());
  listener.listener.useTls(settings());
  assert.equal(await answered(undefined), false);
  assert.equal(await answered(stranger), false);
  assert.ok((await answered(alice)) && known());
  listener.listener.useTls(settings({ required: false }));
  assert.ok((await answered(undefined)) && !known());
  assert.equal(await answered(stranger), false);
  listener.listener.useTls(open);
  assert.ok((await answered(undefined)) && (await answered(stranger)) && (await answered(alice)) && !known());
});

test('a chain that the client sends leads to the authority', async () => {
  await using listener = await startListener({ tls: settings() });
  const below = await clients.below('Branch');
  const carol = await below.issue([], { use: 'client', subject: 'CN=carol' });
  assert.ok((await ask(listener, carol)).answered);
  assert.equal((await ask(listener, { ...carol, certificate: carol.leaf })).answered, false);
});
