// TLS on the wire: versions, ALPN, certificates by name. RFC 8446, RFC 7301, RFC 9113 section 9.2.
// Harm: clients that cannot connect see no status and no message at all.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import { before, test } from 'node:test';
import tls from 'node:tls';
import { promisify } from 'node:util';
import type { CertificatePair } from '../../src/transport/certificates.ts';
import type { TlsSettings } from '../../src/transport/tls.ts';
import { certificateFor } from '../support/certificate.ts';
import { connectFrames, Flag } from '../support/h2-frames.ts';
import { startListener } from '../support/listener.ts';

let main: CertificatePair;
let wild: CertificatePair;
let rsa: CertificatePair;
before(async () => {
  [main, wild, rsa] = await Promise.all([
    certificateFor(['id.example.com', 'localhost']),
    certificateFor(['*.apps.example.com', 'exact.example.com']),
    certificateFor(['id.example.com'], { kind: 'RSA' }),
  ]);
});
const settings = (more: Partial<TlsSettings> = {}): TlsSettings => ({
  certificates: [main, wild],
  minVersion: '1.2',
  ...more,
});

/** A handshake: what was agreed, or the code of what went wrong. */
async function handshake(port: number, options: tls.ConnectionOptions = {}) {
  const socket = tls.connect({
    port,
    host: '127.0.0.1',
    rejectUnauthorized: false,
    servername: 'localhost',
    ...options,
  });
  try {
    await once(socket, 'secureConnect');
    const { CN } = socket.getPeerCertificate().subject ?? {};
    return {
      version: socket.getProtocol(),
      alpn: socket.alpnProtocol,
      name: CN,
      cipher: socket.getCipher().name,
      key: socket.getPeerX509Certificate()?.publicKey.asymmetricKeyType,
    };
  } catch (error) {
    return { failed: (error as NodeJS.ErrnoException).code };
  } finally {
    socket.destroy();
  }
}

test('TLS 1.2 and 1.3 are spoken, 1.1 is refused with an event and the listener lives', async () => {
  await using server = await startListener({ tls: settings() });
  assert.equal((await handshake(server.port, { maxVersion: 'TLSv1.2' })).version, 'TLSv1.2');
  assert.equal((await handshake(server.port)).version, 'TLSv1.3');
  const old = { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
  assert.ok((await handshake(server.port, old)).failed);
  const end = await server.end(({ code }) => code === 'ERR_SSL_UNSUPPORTED_PROTOCOL');
  assert.equal(end.reason, 'TLS handshake failed');
  assert.equal(end.peerAddress, '127.0.0.1');
  assert.equal((await handshake(server.port)).version, 'TLSv1.3');
});

test('min_version 1.3 refuses 1.2', async () => {
  await using server = await startListener({ tls: settings({ minVersion: '1.3' }) });
  assert.ok((await handshake(server.port, { maxVersion: 'TLSv1.2' })).failed);
  assert.equal((await handshake(server.port)).version, 'TLSv1.3');
});

test('by default TLS 1.2 has forward secrecy and authenticated encryption only, as HTTP/2 asks', async () => {
  await using server = await startListener({ tls: settings() });
  const weak = 'ECDHE-ECDSA-AES128-SHA:ECDHE-ECDSA-AES128-SHA256:AES128-GCM-SHA256';
  assert.ok((await handshake(server.port, { maxVersion: 'TLSv1.2', ciphers: weak })).failed);
  const good = await handshake(server.port, { maxVersion: 'TLSv1.2' });
  assert.match(good.cipher ?? '', /^ECDHE-ECDSA-(?:AES\d+-GCM|CHACHA20)/);
});

test('ciphers of the config are the ones', async () => {
  await using server = await startListener({
    tls: settings({ ciphers: 'ECDHE-ECDSA-AES256-GCM-SHA384:TLS_AES_256_GCM_SHA384' }),
  });
  assert.equal((await handshake(server.port, { maxVersion: 'TLSv1.2' })).cipher, 'ECDHE-ECDSA-AES256-GCM-SHA384');
  assert.equal((await handshake(server.port)).cipher, 'TLS_AES_256_GCM_SHA384');
});

test('ALPN: h2 before http/1.1, either alone, none is HTTP/1.1, and an unknown one is refused', async () => {
  await using server = await startListener({ tls: settings() });
  const alpn = async (...protocols: string[]) => (await handshake(server.port, { ALPNProtocols: protocols })).alpn;
  assert.equal(await alpn('http/1.1', 'h2'), 'h2');
  assert.equal(await alpn('h2'), 'h2');
  assert.equal(await alpn('http/1.1'), 'http/1.1');
  assert.equal((await handshake(server.port)).alpn, false);
  assert.ok((await handshake(server.port, { ALPNProtocols: ['spdy/3'] })).failed);
});

test('a client without ALPN is served HTTP/1.1', async () => {
  await using server = await startListener({ tls: settings() });
  const socket = tls.connect({ port: server.port, host: '127.0.0.1', rejectUnauthorized: false });
  socket.write('GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n');
  let text = '';
  for await (const chunk of socket) text += chunk;
  assert.match(text, /^HTTP\/1\.1 200/);
  assert.equal(server.requests[0]?.connection.tlsVersion, 'TLSv1.3');
});

test('certificates by server name: exact, wildcard of one label, and the first for all others and for none', async () => {
  await using server = await startListener({ tls: settings() });
  const name = async (servername: string | undefined) =>
    (await handshake(server.port, { servername: servername ?? '' })).name;
  assert.equal(await name('id.example.com'), 'id.example.com');
  assert.equal(await name('exact.example.com'), '*.apps.example.com');
  assert.equal(await name('a.apps.example.com'), '*.apps.example.com');
  assert.equal(await name('A.APPS.example.com'), '*.apps.example.com');
  assert.equal(await name('a.b.apps.example.com'), 'id.example.com');
  assert.equal(await name('unknown.example'), 'id.example.com');
  assert.equal(await name(undefined), 'id.example.com');
});

test('an ECDSA and an RSA certificate for one name: each client gets the one it can read', async () => {
  await using server = await startListener({ tls: settings({ certificates: [main, rsa] }) });
  const kind = async (options: tls.ConnectionOptions) => (await handshake(server.port, options)).key;
  for (const servername of ['id.example.com', 'unknown.example']) {
    const old = { servername, maxVersion: 'TLSv1.2' } as const;
    assert.equal(await kind({ ...old, ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' }), 'ec', servername);
    assert.equal(await kind({ ...old, ciphers: 'ECDHE-RSA-AES128-GCM-SHA256' }), 'rsa', servername);
    assert.equal(await kind({ servername, sigalgs: 'rsa_pss_rsae_sha256' }), 'rsa', servername);
    assert.equal(await kind({ servername, sigalgs: 'ecdsa_secp256r1_sha256' }), 'ec', servername);
  }
});

test('the same for a name that is not the default', async () => {
  await using server = await startListener({ tls: settings({ certificates: [wild, main, rsa] }) });
  const servername = 'id.example.com';
  const kind = async (options: tls.ConnectionOptions) => (await handshake(server.port, { servername, ...options })).key;
  assert.equal(await kind({}), 'ec');
  assert.equal(await kind({ sigalgs: 'ecdsa_secp256r1_sha256' }), 'ec');
  assert.equal(await kind({ sigalgs: 'rsa_pss_rsae_sha256' }), 'rsa');
  assert.equal(await kind({ sigalgs: 'rsa_pss_rsae_sha256', maxVersion: 'TLSv1.2' }), 'rsa');
});

test('the connection knows its TLS version and server name', async () => {
  await using server = await startListener({ tls: settings() });
  using client = await connectFrames(server.port, { ca: main.certificate });
  client.headers(
    1,
    [
      [':method', 'GET'],
      [':scheme', 'https'],
      [':authority', 'localhost'],
      [':path', '/'],
    ],
    Flag.END_STREAM,
  );
  const { connection } = await server.request(0);
  assert.equal(connection.tlsVersion, 'TLSv1.3');
  assert.equal(connection.serverName, 'localhost');
});

test('handshake_timeout_ms: a client that does not finish its handshake is closed, with an event that names the limit', async () => {
  await using server = await startListener({ tls: settings(), limits: { handshakeTimeoutMs: 50 } });
  const socket = net.connect(server.port, '127.0.0.1');
  socket.on('error', () => {});
  socket.write(Buffer.from([0x16, 0x03, 0x01]));
  await once(socket, 'close');
  assert.deepEqual(await server.end(), {
    listener: 'test',
    reason: 'TLS handshake timeout',
    limit: 'limits.handshake_timeout_ms',
    peerAddress: '127.0.0.1',
  });
});

test('plain HTTP, garbage and a cut handshake on a TLS port end with an event each, and the listener lives', async () => {
  await using server = await startListener({ tls: settings() });
  for (const bytes of ['GET / HTTP/1.1\r\nhost: a\r\n\r\n', Buffer.alloc(64, 0xff)]) {
    const before = server.ends.length;
    const socket = net.connect(server.port, '127.0.0.1');
    socket.on('error', () => {});
    socket.write(bytes);
    await once(socket, 'close');
    await server.until(() => server.ends.length > before);
    assert.equal(server.ends.at(-1)?.reason, 'TLS handshake failed');
  }
  assert.equal((await handshake(server.port)).version, 'TLSv1.3');
});

test('a connection that says nothing and leaves, as port checks of load balancers do, is no event', async () => {
  await using server = await startListener({ tls: settings() });
  const socket = net.connect(server.port, '127.0.0.1');
  await once(socket, 'connect');
  socket.end();
  socket.resume();
  await once(socket, 'close');
  assert.equal((await handshake(server.port, { ALPNProtocols: ['spdy/3'] })).failed !== undefined, true);
  await server.until(() => server.ends.length > 0);
  assert.equal(server.ends.length, 1); // the second one
});

test('openssl s_client agrees on TLS 1.3 and h2', async (context) => {
  await using server = await startListener({ tls: settings() });
  const args = ['s_client', '-connect', `127.0.0.1:${server.port}`, '-alpn', 'h2', '-servername', 'id.example.com'];
  const run = promisify(execFile)('openssl', args, { timeout: 5000 });
  run.child.stdin?.end();
  const output = await run.catch((error: NodeJS.ErrnoException & { stdout?: string }) =>
    error.code === 'ENOENT' ? undefined : { stdout: error.stdout ?? '' },
  );
  if (output === undefined) return context.skip('openssl is not installed');
  assert.match(output.stdout, /TLSv1\.3/);
  assert.match(output.stdout, /ALPN protocol: h2/);
  assert.match(output.stdout, /CN ?= ?id\.example\.com/);
});
