// Peers that attack: each is ended with a reason that names the limit, and a client beside it does not notice.
// Harm: one hostile client takes the gateway from everybody.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { networkInterfaces } from 'node:os';
import { after, before, test } from 'node:test';
import { limiter } from '../../src/config/schema/limiter.ts';
import { limits } from '../../src/config/schema/limits.ts';
import { systemClock } from '../../src/core/clock.ts';
import { type StandIn, startStandIn } from '../../src/demo/stand-in.ts';
import { SharedAddressBudgets } from '../../src/gateway/address-budgets.ts';
import type { ConnectionRates } from '../../src/transport/budgets.ts';
import { startGateway } from '../support/gateway.ts';
import { connectRaw } from '../support/h1-raw.ts';
import { connectFrames, Flag, type FramePeer, FrameType, frame, headerBlock, uint32 } from '../support/h2-frames.ts';
import { startListener, type TestListenerOptions } from '../support/listener.ts';

const ENHANCE_YOUR_CALM = 11;
/** Where attackers come from. Everybody else comes from 127.0.0.1. */
const ATTACKER = '127.0.0.66';
const AMPLE: ConnectionRates = { resets: 0, malformed: 0, header_bytes: 0 };

let zitadel: StandIn;
before(async () => {
  zitadel = await startStandIn();
});
after(() => zitadel.close());

/** A listener with budgets; those that a test does not give are never met. */
function listen(
  rates: Partial<ConnectionRates>,
  perAddress: Record<string, number> = {},
  options: TestListenerOptions & { ban_s?: number } = {},
) {
  const { ban_s = 0, ...rest } = options;
  const config = {
    limits: limits.parse({ ban_s, per_address: perAddress }),
    limiter: limiter.parse({}),
    trusted_proxies: [],
  };
  const addresses = new SharedAddressBudgets({ config: () => config, clock: systemClock, onReported() {} });
  return startListener({ rates: { ...AMPLE, ...rates }, addresses, ...rest });
}

function get(path: string, ...more: [string, string][]): [string, string][] {
  return [[':method', 'GET'], [':scheme', 'http'], [':authority', 'a.example'], [':path', path], ...more];
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}

async function goaway(peer: FramePeer): Promise<number | undefined> {
  const found = await peer.next(({ type }) => type === FrameType.GOAWAY);
  await peer.next(() => false);
  return found?.payload.readUInt32BE(4);
}

/** An old connection that has a request open: it must get through, and so must a new one. */
async function bystander(port: number) {
  const peer = await connectFrames(port);
  peer.headers(1, get('/'), Flag.END_STREAM);
  assert.ok((await peer.finished(1)).at(-1)?.includes('END_STREAM'));
  let next = 3;
  return {
    /** Another request, and one on a new connection. */
    async isWell(): Promise<void> {
      peer.headers(next, get('/'), Flag.END_STREAM);
      assert.ok((await peer.finished(next)).at(-1)?.includes('END_STREAM'));
      next += 2;
      using fresh = await connectRaw(port);
      fresh.request('GET / HTTP/1.1', 'host: a');
      assert.equal((await fresh.answer())?.status, 200);
    },
    [Symbol.dispose]: () => peer.close(),
  };
}

/** A request, and its reset right behind it. */
function openAndReset(i: number): Buffer[] {
  const stream = 1 + 2 * i;
  return [frame(FrameType.HEADERS, 5, stream, headerBlock(get('/hold'))), frame(3, 0, stream, uint32(8))];
}

test('rapid reset (CVE-2023-44487) in one packet: GOAWAY(ENHANCE_YOUR_CALM), and few of the requests were begun', async () => {
  await using server = await listen({ resets: 2 });
  using good = await bystander(server.port);
  using bad = await connectFrames(server.port, { from: ATTACKER });
  bad.send(...range(500).flatMap(openAndReset));
  assert.equal(await goaway(bad), ENHANCE_YOUR_CALM);
  assert.deepEqual(await server.end(), {
    listener: 'test',
    reason: 'streams reset too fast',
    limit: 'limits.per_connection.resets_per_s',
    peerAddress: ATTACKER,
  });
  assert.ok(server.requests.filter(({ target }) => target === '/hold').length <= 21);
  await good.isWell();
  assert.equal(server.ends.length, 1);
});

test('rapid reset one by one: the same end', async () => {
  await using server = await listen({ resets: 1 });
  using bad = await connectFrames(server.port, { from: ATTACKER });
  for (let i = 0; i < 30 && !bad.closed; i += 1) {
    bad.send(...openAndReset(i));
    await bad.settled();
  }
  assert.equal(await goaway(bad), ENHANCE_YOUR_CALM);
  assert.equal((await server.end()).limit, 'limits.per_connection.resets_per_s');
});

test('rapid reset over many connections: their address has used up its budget', async () => {
  await using server = await listen({ resets: 10 }, { resets_per_s: 2 });
  using good = await bystander(server.port);
  for (let i = 0; i < 3; i += 1) {
    using bad = await connectFrames(server.port, { from: ATTACKER });
    bad.send(...range(10).flatMap(openAndReset));
    if (i < 2) await bad.settled();
    else assert.equal(await goaway(bad), ENHANCE_YOUR_CALM);
  }
  assert.equal((await server.end()).limit, 'limits.per_address.resets_per_s');
  await good.isWell();
});

test('a client that cancels what was answered is no attacker', async () => {
  await using server = await listen({ resets: 1 }, {}, { answer: (_request, reply) => void reply.write('begun') });
  using client = await connectFrames(server.port);
  for (let i = 0; i < 30; i += 1) {
    const stream = 1 + 2 * i;
    client.headers(stream, get('/'), Flag.END_STREAM);
    await client.next((one) => one.stream === stream && one.type === FrameType.DATA);
    client.reset(stream, 8);
    await client.settled();
  }
  assert.equal(server.ends.length, 0);
});

test('malformed requests: the connection ends after too many, over both protocols', async () => {
  await using server = await listen({ malformed: 1 });
  using good = await bystander(server.port);
  using bad = await connectFrames(server.port, { from: ATTACKER });
  for (let i = 0; i < 11; i += 1) bad.headers(1 + 2 * i, get('/%zz'), Flag.END_STREAM);
  assert.equal(await goaway(bad), ENHANCE_YOUR_CALM);
  using raw = await connectRaw(server.port, { from: ATTACKER });
  for (let i = 0; i < 11; i += 1) raw.request('GET /%zz HTTP/1.1', 'host: a');
  await raw.gone();
  await server.until(() => server.ends.length === 2);
  for (const { limit } of server.ends) assert.equal(limit, 'limits.per_connection.malformed_per_s');
  await good.isWell();
});

test('HPACK bomb: much header out of few bytes ends the connection', async () => {
  await using server = await listen({ header_bytes: 10_000 });
  using good = await bystander(server.port);
  using bad = await connectFrames(server.port, { from: ATTACKER });
  // A field of 3000 bytes is put into the dynamic table, and is one byte from then on (RFC 7541 section 6.1).
  const plain = headerBlock(get('/'));
  const name = Buffer.concat([Buffer.from([0x40, 1]), Buffer.from('x')]);
  const value = Buffer.concat([Buffer.from([0x7f, 0xb9, 0x16]), Buffer.alloc(3000, 'a')]);
  bad.send(frame(FrameType.HEADERS, 5, 1, Buffer.concat([plain, name, value])));
  for (let i = 1; i < 8; i += 1) {
    bad.send(frame(FrameType.HEADERS, 5, 1 + 2 * i, Buffer.concat([plain, Buffer.alloc(9, 0xbe)])));
  }
  assert.equal(await goaway(bad), ENHANCE_YOUR_CALM);
  assert.equal((await server.end()).limit, 'limits.per_connection.header_bytes_per_s');
  await good.isWell();
});

test('CONTINUATION flood: the engine ends the connection; with ban_s the address does not come back', async () => {
  await using server = await listen({}, { malformed_per_s: 1 }, { ban_s: 600 });
  using good = await bystander(server.port);
  const block = headerBlock(get('/'));
  for (let i = 0; i < 11; i += 1) {
    using bad = await connectFrames(server.port, { from: ATTACKER });
    bad.send(frame(1, 0, 1, block), ...range(500).map(() => frame(9, 0, 1, '')));
    await bad.next(() => false);
    await server.until(() => server.ends.length > i);
    assert.equal(server.ends[i]!.limit, undefined);
  }
  using again = await connectRaw(server.port, { from: ATTACKER });
  await again.gone();
  const banned = await server.end(({ limit }) => limit === 'limits.ban_s');
  assert.deepEqual([banned.reason, banned.peerAddress], ['banned', ATTACKER]);
  await good.isWell();
});

test('connection flood: so many of one address are open and no more, before TLS and HTTP', async () => {
  await using server = await listen({}, { open_connections: 5 });
  using good = await bystander(server.port);
  const sockets = range(20).map(() => net.connect({ port: server.port, host: '127.0.0.1', localAddress: ATTACKER }));
  for (const socket of sockets) socket.on('error', () => {});
  await server.until(() => server.ends.length === 15);
  for (const { limit, peerAddress } of server.ends) {
    assert.equal(limit, 'limits.per_address.open_connections');
    assert.equal(peerAddress, ATTACKER);
  }
  await good.isWell();
  for (const socket of sockets) socket.destroy();
});

test('connection flood: connect and leave, again and again: the rate of the address ends it', async () => {
  await using server = await listen({}, { connections_per_s: 1 });
  using good = await bystander(server.port);
  for (let i = 0; i < 15; i += 1) {
    const socket = net.connect({ port: server.port, host: '127.0.0.1', localAddress: ATTACKER });
    socket.on('error', () => {});
    await once(socket, 'connect');
    socket.destroy();
  }
  assert.equal((await server.end()).limit, 'limits.per_address.connections_per_s');
  await good.isWell();
});

const hasIpv6 = Object.values(networkInterfaces()).some((list) => list?.some(({ address }) => address === '::1'));
test('connection flood over IPv6: a client over IPv4 of the same socket does not notice', {
  skip: !hasIpv6,
}, async () => {
  await using server = await listen({}, { connections_per_s: 1 }, { host: '::' });
  using good = await bystander(server.port);
  for (let i = 0; i < 15; i += 1) {
    const socket = net.connect({ port: server.port, host: '::1' });
    socket.on('error', () => {});
    await once(socket, 'connect');
    socket.destroy();
  }
  const { limit, peerAddress } = await server.end();
  assert.deepEqual([limit, peerAddress], ['limits.per_address.connections_per_s', '::1']);
  await good.isWell();
});

for (const [family, attacker, other] of [
  ['TCP4', '192.0.2.1', '192.0.2.2'],
  ['TCP6', '2001:db8::1', '2001:db8:0:1::1'],
] as const) {
  test(`connection flood behind a load balancer (PROXY ${family}): the source is refused, others behind it are not`, async () => {
    const to = family === 'TCP4' ? '192.0.2.9' : '2001:db8::9';
    await using server = await listen({}, { connections_per_s: 1 }, { proxyProtocol: { trusted: () => true } });
    const connect = async (from: string) => {
      const client = await connectRaw(server.port);
      client.send(`PROXY ${family} ${from} ${to} 1 443\r\n`);
      client.request('GET / HTTP/1.1', 'host: a');
      return client;
    };
    for (let i = 0; i < 12; i += 1) {
      using bad = await connect(attacker);
      await bad.answer();
    }
    const { limit, peerAddress } = await server.end();
    assert.deepEqual([limit, peerAddress], ['limits.per_address.connections_per_s', attacker]);
    using good = await connect(other);
    assert.equal((await good.answer())?.status, 200);
  });
}

test('Slowloris: half headers hold as many connections as an address may have, and time out', async () => {
  const options = { limits: { headerTimeoutMs: 200 } };
  await using server = await listen({}, { open_connections: 10 }, options);
  using good = await bystander(server.port);
  const slow = await Promise.all(range(10).map(() => connectRaw(server.port, { from: ATTACKER })));
  for (const client of slow) client.send('GET / HTTP/1.1\r\nhost: a\r\nx: ');
  using more = await connectRaw(server.port, { from: ATTACKER });
  await more.gone();
  assert.equal((await server.end()).limit, 'limits.per_address.open_connections');
  await good.isWell();
  for (const client of slow) assert.equal((await client.answer())?.status, 408);
  assert.ok(server.ends.some(({ limit }) => limit === 'limits.header_timeout_ms'));
});

test('handshake flood: an address whose handshakes fail is closed before TLS; handshakes of others go on', async () => {
  await using gateway = await startGateway({
    zitadel: `127.0.0.1:${zitadel.port}`,
    config: { hints: false, limits: { per_address: { failed_handshakes_per_s: 1 } } },
  });
  const port = gateway.port('public');
  for (let i = 0; i < 15; i += 1) {
    using bad = await connectRaw(port, { from: ATTACKER });
    bad.send('no TLS at all\r\n\r\n');
    await bad.gone();
  }
  const end = await gateway.announcement(
    'connection_ended',
    ({ limit }) => limit === 'limits.per_address.failed_handshakes_per_s',
  );
  assert.deepEqual([end.reason, end.peerAddress], ['too many failed TLS handshakes', ATTACKER]);
  using good = await connectFrames(port, { ca: gateway.ca });
  good.headers(1, get('/oauth/v2/keys'), Flag.END_STREAM);
  assert.ok((await good.finished(1)).at(-1)?.includes('END_STREAM'));
});

test('the limits of the config reach the listeners: rapid reset and ban through a whole gateway', async () => {
  await using gateway = await startGateway({
    zitadel: `127.0.0.1:${zitadel.port}`,
    config: { hints: false, limits: { ban_s: 600, per_connection: { resets_per_s: 1 } } },
  });
  using bad = await connectFrames(gateway.port('clear'), { from: ATTACKER });
  bad.send(...range(100).flatMap(openAndReset));
  assert.equal(await goaway(bad), ENHANCE_YOUR_CALM);
  await gateway.announcement('connection_ended', ({ limit }) => limit === 'limits.per_connection.resets_per_s');
  using again = await connectRaw(gateway.port('clear'), { from: ATTACKER });
  await again.gone();
  await gateway.announcement('connection_ended', ({ limit }) => limit === 'limits.ban_s');
  using good = await connectRaw(gateway.port('clear'));
  good.request('GET /oauth/v2/keys HTTP/1.1', 'host: localhost');
  assert.equal((await good.answer())?.status, 200);
  // Whoever is banned is listed, and may come again when the ban is lifted.
  const [ban] = gateway.primary.addresses.bans();
  assert.deepEqual([ban!.key, ban!.rule], [ATTACKER, 'limits.per_connection.resets_per_s']);
  assert.ok(gateway.primary.addresses.liftBan(ban!.id));
  using lifted = await connectRaw(gateway.port('clear'), { from: ATTACKER });
  lifted.request('GET /oauth/v2/keys HTTP/1.1', 'host: localhost');
  assert.equal((await lifted.answer())?.status, 200);
});

/** Sends one byte every few milliseconds until told to stop. */
function trickle(send: () => void): Disposable {
  const timer = setInterval(send, 10);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

for (const [what, target] of [
  ['that goes straight up', '/management/v1/users/_search'],
  ['that a limit looks at first', '/oauth/v2/token'],
] as const) {
  test(`R.U.D.Y.: a body ${what}, byte by byte: 408, though every byte is progress`, async () => {
    await using gateway = await startGateway({
      zitadel: `127.0.0.1:${zitadel.port}`,
      config: { hints: false, limits: { min_rate_grace_ms: 200 } },
    });
    using client = await connectRaw(gateway.port('clear'), { from: ATTACKER });
    const form = 'content-type: application/x-www-form-urlencoded';
    client.request(`POST ${target} HTTP/1.1`, 'host: localhost', form, 'content-length: 100000');
    using _bytes = trickle(() => client.send('a'));
    assert.equal((await client.answer())?.status, 408);
    const { record } = await gateway.over(({ exchange }) => exchange.raw.target === target);
    assert.match(record.error?.detail ?? '', /limits\.body_min_bytes_per_s/);
  });
}

test('R.U.D.Y. over HTTP/2: 408 for its stream, while a quiet gRPC stream beside it stays open', async () => {
  await using gateway = await startGateway({
    zitadel: `127.0.0.1:${zitadel.port}`,
    config: { hints: false, limits: { min_rate_grace_ms: 200 } },
  });
  using client = await connectFrames(gateway.port('clear'));
  const call = get('/zitadel.admin.v1.AdminService/Healthz', ['content-type', 'application/grpc'], ['te', 'trailers']);
  client.headers(1, [[':method', 'POST'], ...call.slice(1)]);
  const target = '/management/v1/users/_search';
  client.headers(3, [[':method', 'POST'], ...get(target).slice(1)]);
  using _bytes = trickle(() => client.data(3, 'a'));
  assert.ok((await client.finished(3))[0]?.startsWith('HEADERS'));
  const { record } = await gateway.over(({ exchange }) => exchange.raw.target === target);
  assert.equal(record.error?.code, 'REQUEST_TIMEOUT');
  assert.match(record.error?.detail ?? '', /limits\.body_min_bytes_per_s/);
  assert.deepEqual(client.of(1), []);
});

test('slow read: a window of one byte at a time: the stream is reset, its connection is left alone', async () => {
  await using gateway = await startGateway({
    zitadel: `127.0.0.1:${zitadel.port}`,
    config: { hints: false, limits: { min_rate_grace_ms: 100, write_min_bytes_per_s: 1_048_576 } },
  });
  const index = await (await fetch(`${zitadel.url}/ui/console/`)).text();
  const target = `/ui/console/${/src="(main[^"]+\.js)"/.exec(index)![1]}`;
  using client = await connectFrames(gateway.port('clear'));
  client.giveWindow = false;
  client.headers(1, get(target), Flag.END_STREAM);
  using _window = trickle(() => client.window(1, 1));
  assert.match((await client.finished(1)).at(-1) ?? '', /^RST_STREAM 1/);
  const { record } = await gateway.over(({ exchange }) => exchange.raw.target === target);
  assert.equal(record.error?.code, 'CLIENT_STALLED');
  assert.match(record.error?.detail ?? '', /limits\.write_min_bytes_per_s/);
  await client.settled();
});
