// TLS towards endpoints: RFC 8446, RFC 7301 (ALPN), RFC 9110 section 4.3.4 (https verifies).
// Harm: @fastify/reply-from 12.6.5 verifies nothing by default, so anybody in between reads passwords.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import http2 from 'node:http2';
import https from 'node:https';
import net, { type AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import type tls from 'node:tls';
import { AlpnPool } from '../../src/upstream/alpn-pool.ts';
import { HTTP2_ENGINES, type PoolConstructor } from '../../src/upstream/http2-engines.ts';
import type { PoolSettings, TlsClientSettings, UpstreamPool } from '../../src/upstream/pool.ts';
import { testCertificate } from '../support/gateway.ts';
import { addressOf, Observed, poolSettings, request } from './pool-settings.ts';

let ca: string;
let pair: { cert: string; key: string };
const servers: { close(): void }[] = [];

before(async () => {
  const { certificate, key } = await testCertificate();
  ca = certificate;
  pair = { cert: certificate, key };
});
after(() => {
  for (const server of servers) server.close();
});

async function listening(server: net.Server | http2.Http2SecureServer | https.Server | tls.Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  servers.push(server);
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** An HTTP/2 server over TLS that answers with the name it was asked for. */
function h2Server(options: http2.SecureServerOptions = {}): Promise<string> {
  const server = http2.createSecureServer({ ...pair, ...options }, (incoming, response) => {
    const socket = incoming.stream.session!.socket as tls.TLSSocket;
    response.setHeader('x-name', String(socket.servername));
    response.setHeader('x-client', String(socket.getPeerX509Certificate()?.fingerprint256));
    response.end();
  });
  server.on('sessionError', () => {});
  return listening(server);
}

async function get(pool: UpstreamPool): Promise<Record<string, string>> {
  const one = request();
  const stream = await pool.open(one);
  stream.resume();
  await one.receiver.seen('head');
  const { fields } = one.receiver.heads[0]!;
  const out: Record<string, string> = {};
  for (let i = 0; i < fields.length; i += 2) out[fields[i]!] = fields[i + 1]!;
  return out;
}

const ENGINES = Object.entries(HTTP2_ENGINES) as [PoolSettings['http2Engine'], PoolConstructor][];

for (const [engine, Http2Pool] of ENGINES) {
  function poolOf(address: string, settings: Partial<TlsClientSettings>, more: Partial<PoolSettings> = {}) {
    const given = poolSettings({
      protocol: 'h2',
      http2Engine: engine,
      tls: { insecureSkipVerify: false, ...settings },
      ...more,
    });
    const Pool = given.protocol === 'https' ? AlpnPool : Http2Pool;
    const pool = new Pool(addressOf(address), given, new Observed());
    return { pool, [Symbol.dispose]: () => pool.destroy() };
  }

  test(`${engine}: a certificate that nobody vouches for is UPSTREAM_TLS`, async () => {
    using one = poolOf(await h2Server(), {});
    await assert.rejects(one.pool.open(request()), { code: 'UPSTREAM_TLS' });
  });

  test(`${engine}: with ca_file an address in the certificate verifies`, async () => {
    using one = poolOf(await h2Server(), { ca });
    assert.equal((await get(one.pool))[':status'], '200');
  });

  test(`${engine}: server_name is asked for and verified`, async () => {
    using one = poolOf(await h2Server(), { ca, serverName: 'localhost' });
    assert.equal((await get(one.pool))['x-name'], 'localhost');
  });

  test(`${engine}: a server_name that the certificate does not have is UPSTREAM_TLS`, async () => {
    using one = poolOf(await h2Server(), { ca, serverName: 'zitadel.internal' });
    await assert.rejects(one.pool.open(request()), { code: 'UPSTREAM_TLS', detail: /ALTNAME/ });
  });

  test(`${engine}: insecure_skip_verify takes any certificate, whatever its names`, async () => {
    using one = poolOf(await h2Server(), { insecureSkipVerify: true, serverName: 'zitadel.internal' });
    assert.equal((await get(one.pool))['x-name'], 'zitadel.internal');
  });

  test(`${engine}: http2-wrapper 2.2.4, a certificate is matched by name a second time: sessions are shared all the same`, async () => {
    let sessions = 0;
    const server = http2.createSecureServer(pair, (_request, response) => response.end());
    server.on('session', () => {
      sessions += 1;
    });
    using one = poolOf(await listening(server), { insecureSkipVerify: true, serverName: 'zitadel.internal' });
    await get(one.pool);
    await get(one.pool);
    assert.equal(sessions, 1);
  });

  test(`${engine}: a client certificate is shown to an endpoint that asks for one`, async () => {
    const address = await h2Server({ requestCert: true, rejectUnauthorized: false });
    using one = poolOf(address, { ca, certificate: pair.cert, key: pair.key });
    assert.equal((await get(one.pool))['x-client'], new X509Certificate(pair.cert).fingerprint256);
  });

  test(`${engine}: an endpoint that wants a client certificate and gets none is not reachable`, async () => {
    using one = poolOf(await h2Server({ requestCert: true, rejectUnauthorized: true }), { ca });
    // The alert may come before or after the handshake is over on this side, RFC 8446 section 4.4.2.4.
    await assert.rejects(one.pool.open(request()), ({ code }) => ['UPSTREAM_TLS', 'CONNECT_FAILED'].includes(code));
  });

  test(`${engine}: an endpoint that speaks TLS but not h2 is UPSTREAM_PROTOCOL`, async () => {
    using one = poolOf(await listening(https.createServer({ ...pair, ALPNProtocols: ['http/1.1'] })), { ca });
    await assert.rejects(one.pool.open(request()), { code: 'UPSTREAM_PROTOCOL' });
  });

  test(`${engine}: an endpoint that speaks no TLS is UPSTREAM_PROTOCOL`, async () => {
    const plain = net.createServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    });
    using one = poolOf(await listening(plain), { ca });
    await assert.rejects(one.pool.open(request()), { code: 'UPSTREAM_PROTOCOL', detail: /is the endpoint TLS/ });
  });

  for (const protocol of ['h2', 'https'] as const) {
    test(`${engine}, ${protocol}: a handshake that never ends is CONNECT_TIMEOUT within connect_timeout_ms`, async () => {
      const mute = net.createServer((socket) => {
        socket.on('error', () => {});
        socket.resume();
      });
      using one = poolOf(await listening(mute), { ca }, { protocol, connectTimeoutMs: 50 });
      await assert.rejects(one.pool.open(request()), { code: 'CONNECT_TIMEOUT' });
    });
  }

  test(`${engine}: https: HTTP/2 where ALPN agrees on it, HTTP/1.1 where it does not`, async () => {
    using h2 = poolOf(await h2Server(), { ca }, { protocol: 'https' });
    assert.equal((await get(h2.pool))[':status'], '200');
    const old = https.createServer(pair, (incoming, response) => {
      response.setHeader('x-version', incoming.httpVersion).end();
    });
    using h1 = poolOf(await listening(old), { ca }, { protocol: 'https' });
    assert.equal((await get(h1.pool))['x-version'], '1.1');
  });

  test(`${engine}: https: a certificate that nobody vouches for is UPSTREAM_TLS, and the next request asks again`, async () => {
    using one = poolOf(await h2Server(), {}, { protocol: 'https' });
    await assert.rejects(one.pool.open(request()), { code: 'UPSTREAM_TLS' });
    await assert.rejects(one.pool.open(request()), { code: 'UPSTREAM_TLS' });
  });
}
