// The PROXY protocol on the wire, before TLS and before HTTP is told apart.
// https://www.haproxy.org/download/2.9/doc/proxy-protocol.txt
// Harm: whoever may send this header is whoever they say; whoever is held up by it cannot come at all.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net, { type Socket } from 'node:net';
import { test } from 'node:test';
import tls from 'node:tls';
import { type StandIn, startStandIn } from '../../src/demo/stand-in.ts';
import type { AddressBudgets } from '../../src/transport/budgets.ts';
import { startGateway, type TestGateway, testCertificate } from '../support/gateway.ts';
import { connectRaw, RawClient } from '../support/h1-raw.ts';
import { Flag, FramePeer } from '../support/h2-frames.ts';
import { startListener } from '../support/listener.ts';
import { LOCAL, proxyHeader, rawV2 } from '../support/proxy-header.ts';

const LOOPBACK = { trusted: (address: string) => address === '127.0.0.1' };
const NOBODY = { trusted: () => false };
const RATES = { resets: 0, malformed: 0, header_bytes: 0 };
const CARRIERS = ['h2c', 'http/1.1', 'TLS h2', 'TLS http/1.1'] as const;
type Carrier = (typeof CARRIERS)[number];

/** Connects, sends the header in pieces, and begins TLS where a CA is given. */
async function behind(port: number, pieces: readonly Buffer[], secure?: { ca: string; alpn: string }): Promise<Socket> {
  const socket = net.connect({ port, host: '127.0.0.1', noDelay: true });
  socket.on('error', () => {});
  await once(socket, 'connect');
  for (const piece of pieces) await new Promise<void>((sent) => socket.write(piece, () => sent()));
  if (secure === undefined) return socket;
  const { ca, alpn } = secure;
  const over = tls.connect({ socket, ca, servername: 'localhost', ALPNProtocols: [alpn] });
  over.on('error', () => {});
  await once(over, 'secureConnect');
  return over;
}

const singly = (header: Buffer): Buffer[] => Array.from(header, (byte) => Buffer.from([byte]));

/** Sends one request behind a header; gives the status. */
async function ask(
  gateway: TestGateway,
  carrier: Carrier,
  pieces: readonly Buffer[],
  target: string,
  fields: readonly (readonly [string, string])[] = [],
): Promise<number> {
  const h2 = carrier.endsWith('h2') || carrier === 'h2c';
  const secure = carrier.startsWith('TLS') ? { ca: gateway.ca, alpn: h2 ? 'h2' : 'http/1.1' } : undefined;
  const socket = await behind(gateway.port(secure === undefined ? 'clear' : 'public'), pieces, secure);
  if (!h2) {
    using client = new RawClient(socket);
    client.request(`GET ${target} HTTP/1.1`, 'host: localhost', ...fields.map(([name, value]) => `${name}: ${value}`));
    return (await client.answer())!.status;
  }
  const peer = new FramePeer(socket, 'client');
  const scheme = secure === undefined ? 'http' : 'https';
  const pseudo = [
    [':method', 'GET'],
    [':scheme', scheme],
    [':authority', 'localhost'],
    [':path', target],
  ] as const;
  peer.headers(1, [...pseudo, ...fields], Flag.END_STREAM);
  await peer.finished(1);
  peer.close();
  return (await gateway.over(({ exchange }) => exchange.raw.target === target)).record.status;
}

function gatewayBehind(zitadel: StandIn, trusted_proxies: string[] = ['127.0.0.1']) {
  return startGateway({
    zitadel: `127.0.0.1:${zitadel.port}`,
    config: {
      trusted_proxies,
      listeners: [
        { name: 'public', address: '127.0.0.1:0', tls: { development: true }, proxy_protocol: true },
        { name: 'clear', address: '127.0.0.1:0', external_scheme: 'https', proxy_protocol: true },
      ],
    },
  });
}

/** The values of X-Forwarded-For that ZITADEL received. */
async function forwardedFor(zitadel: StandIn, target: string): Promise<string[]> {
  const { rawHeaders } = await zitadel.waitFor((one) => one.target === target);
  return rawHeaders.filter((_, i) => i % 2 === 1 && rawHeaders[i - 1]!.toLowerCase() === 'x-forwarded-for');
}

for (const carrier of CARRIERS) {
  test(`${carrier}: version 1 and 2, IPv4 and IPv6, whole and byte by byte: ZITADEL sees the address that the header names`, async () => {
    await using zitadel = await startStandIn();
    await using gateway = await gatewayBehind(zitadel);
    const sources = [
      ['203.0.113.7', '203.0.113.7'],
      ['2001:db8::7', '2001:db8::7'],
      ['::ffff:203.0.113.8', '203.0.113.8'],
    ] as const;
    for (const version of [1, 2] as const) {
      for (const [source, seen] of sources) {
        const header = proxyHeader(version, source, { checksum: version === 2 });
        for (const [how, pieces] of [
          ['whole', [header]],
          ['split', singly(header)],
        ] as const) {
          const target = `/saml/v2/metadata?${version}-${how}-${source}`;
          // The source is no trusted proxy: what it says of others is dropped.
          assert.equal(await ask(gateway, carrier, pieces, target, [['x-forwarded-for', '6.6.6.6']]), 200);
          assert.deepEqual(await forwardedFor(zitadel, target), [seen]);
          const { exchange } = await gateway.over((one) => one.exchange.raw.target === target);
          const { peerAddress, proxyAddress } = exchange.raw.connection;
          assert.deepEqual([peerAddress, proxyAddress], [seen, '127.0.0.1']);
          assert.equal(exchange.raw.socket.remoteAddress, seen);
          assert.equal(exchange.client.trustedPeer, false);
        }
      }
    }
  });

  test(`${carrier}: LOCAL keeps the load balancer as the peer, whose X-Forwarded-For is believed`, async () => {
    await using zitadel = await startStandIn();
    await using gateway = await gatewayBehind(zitadel);
    assert.equal(await ask(gateway, carrier, [LOCAL], '/saml/v2/metadata?local'), 200);
    assert.deepEqual(await forwardedFor(zitadel, '/saml/v2/metadata?local'), ['127.0.0.1']);
    const fields = [['x-forwarded-for', '203.0.113.7']] as const;
    assert.equal(await ask(gateway, carrier, [LOCAL], '/saml/v2/metadata?through', fields), 200);
    assert.deepEqual(await forwardedFor(zitadel, '/saml/v2/metadata?through'), ['203.0.113.7']);
    const { exchange } = await gateway.over((one) => one.exchange.raw.target === '/saml/v2/metadata?local');
    assert.equal(exchange.raw.connection.proxyAddress, undefined);
  });

  test(`${carrier}: a source that is a trusted proxy itself, as a CDN is, is believed about its client`, async () => {
    await using zitadel = await startStandIn();
    await using gateway = await gatewayBehind(zitadel, ['127.0.0.1', '2001:db8:cd::/48']);
    const fields = [['x-forwarded-for', '6.6.6.6, 203.0.113.7']] as const;
    const header = proxyHeader(2, '2001:db8:cd::1');
    assert.equal(await ask(gateway, carrier, [header], '/saml/v2/metadata?cdn', fields), 200);
    assert.deepEqual(await forwardedFor(zitadel, '/saml/v2/metadata?cdn'), ['203.0.113.7']);
  });

  test(`${carrier}: attack: behind a header that says UNKNOWN, X-Forwarded-For is not believed`, async () => {
    await using zitadel = await startStandIn();
    await using gateway = await gatewayBehind(zitadel);
    const fields = [['x-forwarded-for', '6.6.6.6']] as const;
    const unknown = [Buffer.from('PROXY UNKNOWN\r\n'), rawV2(0x21, 0x00, Buffer.alloc(0))];
    for (const [i, header] of unknown.entries()) {
      const target = `/saml/v2/metadata?unknown-${i}`;
      assert.equal(await ask(gateway, carrier, [header], target, fields), 200);
      assert.deepEqual(await forwardedFor(zitadel, target), ['127.0.0.1']);
      const { exchange } = await gateway.over((one) => one.exchange.raw.target === target);
      assert.deepEqual([exchange.client.trustedPeer, exchange.client.mayBeProxy], [false, false]);
    }
  });
}

test('header and request in one packet: the request is served', async () => {
  await using server = await startListener({ proxyProtocol: LOOPBACK });
  const socket = await behind(server.port, [
    Buffer.concat([proxyHeader(1, '203.0.113.7'), Buffer.from('GET /one HTTP/1.1\r\nhost: a\r\n\r\n')]),
  ]);
  using client = new RawClient(socket);
  assert.equal((await client.answer())?.status, 200);
  assert.equal(server.requests[0]?.connection.peerAddress, '203.0.113.7');
});

test('attack: a second PROXY header behind the first is no header but a malformed request', async () => {
  await using server = await startListener({ proxyProtocol: LOOPBACK });
  const both = Buffer.concat([proxyHeader(1, '203.0.113.7'), proxyHeader(1, '6.6.6.6')]);
  using client = new RawClient(await behind(server.port, [both, Buffer.from('GET / HTTP/1.1\r\nhost: a\r\n\r\n')]));
  assert.notEqual((await client.answer())?.status, 200);
  assert.ok(server.requests.every(({ connection }) => connection.peerAddress === '203.0.113.7'));
});

test('attack: a PROXY header on a listener without proxy_protocol names nobody', async () => {
  await using server = await startListener();
  const request = Buffer.from('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
  using client = new RawClient(await behind(server.port, [proxyHeader(1, '6.6.6.6'), request]));
  assert.notEqual((await client.answer())?.status, 200);
  assert.ok(server.requests.every(({ connection }) => connection.peerAddress === '127.0.0.1'));
});

test('attack: a peer that is no trusted proxy is closed before anything is read, with an event that names the key', async () => {
  await using server = await startListener({ proxyProtocol: NOBODY });
  for (const bytes of [proxyHeader(1, '6.6.6.6'), Buffer.from('GET / HTTP/1.1\r\nhost: a\r\n\r\n')]) {
    const before = server.ends.length;
    using client = await connectRaw(server.port);
    client.send(bytes);
    await client.gone();
    assert.equal(client.rest.length, 0);
    await server.until(() => server.ends.length > before);
    assert.deepEqual(server.ends.at(-1), {
      listener: 'test',
      reason: 'a PROXY listener takes trusted proxies only',
      limit: 'trusted_proxies',
      peerAddress: '127.0.0.1',
    });
  }
  assert.deepEqual(server.requests, []);
});

test('attack: garbage instead of a header closes the connection; nothing of it is told or becomes an address', async () => {
  const told: string[] = [];
  const addresses: AddressBudgets = {
    open(address) {
      told.push(address);
      return { spend: () => undefined, handshakeFailed() {}, exceeded() {}, [Symbol.dispose]() {} };
    },
  };
  await using server = await startListener({ proxyProtocol: LOOPBACK, addresses, rates: RATES });
  for (const [bytes, reason] of [
    ['GET / HTTP/1.1\r\nhost: a\r\n\r\n', 'no PROXY header'],
    ['\x16\x03\x01\x02\x00', 'no PROXY header'],
    ['PROXY TCP4 evil 6.6.6.6 1 2\r\n', 'a malformed PROXY header'],
    [proxyHeader(2, '::1', { extras: [[3, Buffer.alloc(4)]] }), 'a PROXY header with a wrong checksum'],
    [rawV2(0x21, 0x11, Buffer.alloc(4097)).subarray(0, 16), 'a PROXY header longer than 4112 bytes'],
  ] as const) {
    const before = server.ends.length;
    using client = await connectRaw(server.port);
    client.send(typeof bytes === 'string' ? bytes : Buffer.from(bytes));
    await client.gone();
    await server.until(() => server.ends.length > before);
    assert.deepEqual(server.ends.at(-1), {
      ...{ listener: 'test', reason, limit: 'listeners[].proxy_protocol', peerAddress: '127.0.0.1' },
    });
  }
  assert.deepEqual(told, []);
  using client = new RawClient(await behind(server.port, [proxyHeader(1, '2001:db8::7')]));
  client.request('GET / HTTP/1.1', 'host: a');
  assert.equal((await client.answer())?.status, 200);
  assert.deepEqual(told, ['2001:db8::7'], 'budgets of addresses are those of the source');
});

test('budgets: where nobody knows whose connection it is, no address is charged', async () => {
  const told: string[] = [];
  const addresses: AddressBudgets = {
    open(address) {
      told.push(address);
      return 'exempt';
    },
  };
  await using server = await startListener({ proxyProtocol: LOOPBACK, addresses, rates: RATES });
  using client = new RawClient(await behind(server.port, [Buffer.from('PROXY UNKNOWN\r\n')]));
  client.request('GET / HTTP/1.1', 'host: a');
  assert.equal((await client.answer())?.status, 200);
  assert.deepEqual(told, []);
});

test('attack: a source that has used up what it may have is closed before TLS, and told by its own address', async () => {
  const { certificate, key } = await testCertificate();
  const addresses: AddressBudgets = { open: () => ({ reason: 'banned', limit: 'limits.ban_s' }) };
  const settings = {
    certificates: [{ certificate, key, source: 'test', passphrase: undefined }],
    minVersion: '1.2',
  } as const;
  await using server = await startListener({ proxyProtocol: LOOPBACK, addresses, rates: RATES, tls: settings });
  using client = new RawClient(await behind(server.port, [proxyHeader(2, '2001:db8::7')]));
  await client.gone();
  assert.deepEqual(await server.end(), {
    ...{ listener: 'test', reason: 'banned', limit: 'limits.ban_s', peerAddress: '2001:db8::7' },
  });
});

for (const sent of ['', 'PROXY TCP4 203.']) {
  test(`header_timeout_ms: a connection with ${sent === '' ? 'no header' : 'half a header'} is closed, with an event that names the limit`, async () => {
    await using server = await startListener({ proxyProtocol: LOOPBACK, limits: { headerTimeoutMs: 50 } });
    using client = await connectRaw(server.port);
    if (sent !== '') client.send(sent);
    await client.gone();
    assert.deepEqual(await server.end(), {
      ...{ listener: 'test', reason: 'no PROXY header', limit: 'limits.header_timeout_ms', peerAddress: '127.0.0.1' },
    });
  });
}

test('a TLS handshake that fails is told with the source; a check of the load balancer that says no more is not told', async () => {
  const { certificate, key } = await testCertificate();
  const settings = {
    certificates: [{ certificate, key, source: 'test', passphrase: undefined }],
    minVersion: '1.2',
  } as const;
  await using server = await startListener({ proxyProtocol: LOOPBACK, tls: settings });
  for (const check of [LOCAL, proxyHeader(1, '203.0.113.9')]) (await behind(server.port, [check])).end();
  using client = new RawClient(await behind(server.port, [proxyHeader(1, '203.0.113.7'), Buffer.alloc(64, 0xff)]));
  await client.gone();
  const end = await server.end();
  assert.equal(end.reason, 'TLS handshake failed');
  assert.equal(end.peerAddress, '203.0.113.7');
  await server.until(() => server.listener.connections === 0);
  assert.equal(server.ends.length, 1);
});

test('drain: a connection that has not begun its header is closed at once', async () => {
  const accepted = Promise.withResolvers<void>();
  const trusted = (): boolean => {
    accepted.resolve();
    return true;
  };
  await using server = await startListener({ proxyProtocol: { trusted } });
  using client = await connectRaw(server.port);
  await accepted.promise;
  await server.listener.drain();
  await client.gone();
});

test('a listener that serves the PROXY protocol takes a reload of trusted_proxies for connections from then on', async () => {
  await using zitadel = await startStandIn();
  await using gateway = await gatewayBehind(zitadel, ['192.0.2.1']);
  using stranger = await connectRaw(gateway.port('clear'));
  await stranger.gone();
  await gateway.primary.reload({ ...gateway.config, trusted_proxies: ['127.0.0.1'] });
  assert.equal(await ask(gateway, 'http/1.1', [proxyHeader(1, '203.0.113.7')], '/saml/v2/metadata?reloaded'), 200);
});
