import assert from 'node:assert/strict';
import test from 'node:test';
import { CATALOGUE, type ErrorCode } from '../../src/core/catalogue.ts';
import { GatewayError } from '../../src/core/errors.ts';
import { Events } from '../../src/core/events.ts';
import { accessLog } from '../../src/telemetry/access-log.ts';
import type { LogOptions } from '../../src/telemetry/log.ts';
import { endedExchange, type Wanted } from './exchange.ts';
import { keptLog, type Line } from './kept-lines.ts';

async function linesOf(wanted: Wanted, options: LogOptions = {}): Promise<Line[]> {
  const events = new Events();
  const { log, lines } = keptLog(options);
  accessLog(events, log);
  events.emit('exchange', endedExchange(wanted));
  return lines();
}

async function lineOf(wanted: Wanted): Promise<Line> {
  const lines = await linesOf(wanted);
  assert.equal(lines.length, 1);
  return lines[0]!;
}

test('a record is one line with everything that is known of the exchange', async () => {
  assert.deepEqual(await lineOf({}), {
    level: 'info',
    time: '2026-01-01T00:00:00.000Z',
    event: 'exchange',
    request_id: 'made-here',
    upstream_request_id: 'from-zitadel',
    listener: 'public',
    client_address: '192.0.2.1',
    peer_address: '10.1.2.3',
    scheme: 'https',
    method: 'GET',
    host: 'auth.example.com',
    path: '/oauth/v2/keys',
    route: 'jwks',
    class: 'discovery',
    upstream: 'zitadel',
    dialect: 'http',
    http_version: '2.0',
    tls_version: 'TLSv1.3',
    status: 200,
    bytes_in: 10,
    bytes_out: 2000,
    duration_ms: 12.5,
    first_byte_ms: 10,
    upstream_ms: 10.346,
    endpoint: '10.0.0.7:8080',
    attempts: 1,
    answered_by: 'upstream',
    user_agent: 'curl/8',
  });
});

test('where a PROXY header named the peer, who sent it is in the line', async () => {
  const connection = { id: 1, listener: 'public', tlsVersion: 'TLSv1.3', serverName: undefined };
  for (const [peerAddress, proxyAddress] of [
    ['198.51.100.7', '10.0.0.9'],
    ['2001:db8::7', 'fd00::9'],
  ] as const) {
    const line = await lineOf({ raw: { connection: { ...connection, peerAddress, proxyAddress } } });
    assert.deepEqual([line.peer_address, line.proxy_address], [peerAddress, proxyAddress]);
  }
});

test('a client that showed a certificate is in the line by its fingerprint', async () => {
  const clientCertificate = { subject: 'CN=a', fingerprint: '0a0b', fields: [] };
  const connection = { id: 1, peerAddress: '::1', listener: 'a', tlsVersion: 'TLSv1.3', serverName: undefined };
  assert.equal(
    (await lineOf({ raw: { connection: { ...connection, clientCertificate } } })).client_certificate,
    '0a0b',
  );
  assert.equal('client_certificate' in (await lineOf({})), false);
});

test('what the cache did is in the line, where the route has one', async () => {
  assert.equal('cache' in (await lineOf({})), false);
  for (const cache of ['hit', 'stale', 'revalidated', 'miss', 'bypass'] as const) {
    assert.equal((await lineOf({ record: { cache } })).cache, cache);
  }
});

test('grpc-status is a number where gRPC has one, and readable where an upstream says something else', async () => {
  assert.equal((await lineOf({ record: { grpcStatus: '0' } })).grpc_status, 0);
  assert.equal((await lineOf({ record: { grpcStatus: '16' } })).grpc_status, 16);
  assert.equal((await lineOf({ record: { grpcStatus: 'x\ny' } })).grpc_status, 'x\\u000ay');
});

for (const code of Object.keys(CATALOGUE) as ErrorCode[]) {
  if (code === 'DEFECT') continue;
  test(`an exchange that ends with ${code} is logged at the level of its row, with code, detail and source`, async () => {
    const error = new GatewayError(code, { detail: 'endpoint 10.0.0.7:8080' });
    const line = (await linesOf({ record: { error } }, { level: 'debug' }))[0]!;
    assert.equal(line.level, CATALOGUE[code].level);
    assert.equal(line.error, code);
    assert.equal(line.error_detail, 'endpoint 10.0.0.7:8080');
    assert.equal(line.error_source, CATALOGUE[code].source);
  });
}

test('a defect has a line of its own with the stack and the request id', async () => {
  const cause = new TypeError('x is not a function');
  const [first, second] = await linesOf({ record: { status: 500, error: GatewayError.from(cause) } });
  assert.equal(first!.event, 'defect');
  assert.equal(first!.request_id, 'made-here');
  assert.match(String(first!.stack), /TypeError: x is not a function\n\s+at .*access-log\.test\.ts/);
  assert.equal(second!.event, 'exchange');
  assert.equal(second!.error, 'DEFECT');
});

test('a client that left before there was a status is logged with the one of the catalogue', async () => {
  const line = await lineOf({ record: { status: 0, error: new GatewayError('CLIENT_LEFT') } });
  assert.equal(line.status, 499);
});

test('an exchange that was never closed or answered has no times that it did not have', async () => {
  const line = await lineOf({ record: { firstByte: undefined, upstreamStarted: undefined, upstreamEnded: undefined } });
  assert.equal('first_byte_ms' in line, false);
  assert.equal('upstream_ms' in line, false);
});

test('Authorization, Cookie and Set-Cookie never reach a line, nor do secrets of the URL', async () => {
  const [line] = await linesOf({
    raw: { target: '/cb?code=SECRET1&state=SECRET2', authority: 'joe:SECRET3@host' },
    headers: {
      authorization: 'Bearer SECRET4',
      cookie: 'a=SECRET5',
      'set-cookie': 'b=SECRET6',
      'proxy-authorization': 'Basic SECRET7',
      referer: 'https://app/cb?code=SECRET8',
      'x-zitadel-forwarded': 'SECRET9',
    },
    record: { error: new GatewayError('BAD_PATH', { detail: 'of /cb?code=SECRET1' }) },
  });
  assert.doesNotMatch(JSON.stringify(line), /SECRET/);
  assert.equal(line!.path, '/cb?code=[redacted]&state=[redacted]');
});

test('words of a client cannot forge a line or grow it', async () => {
  const evil = '\n{"level":"error","event":"exchange"}\x1b[2J';
  const { text, log } = keptLog();
  const events = new Events();
  accessLog(events, log);
  events.emit(
    'exchange',
    endedExchange({
      raw: {
        method: `GET${evil}`,
        target: `/${evil}${'x'.repeat(50_000)}`,
        authority: `host${evil}${'h'.repeat(5000)}`,
      },
      headers: { 'user-agent': `curl${evil}${'u'.repeat(50_000)}` },
      record: { upstreamRequestId: `id${evil}${'i'.repeat(5000)}`, grpcStatus: `9${evil}` },
    }),
  );
  const written = await text();
  assert.equal(written.split('\n').length, 2);
  assert.ok(written.length < 5000);
  assert.ok(!written.includes('\x1b'));
  const line = JSON.parse(written) as Line;
  // Also after the JSON is read, as pretty printers do, there is nothing to obey.
  for (const value of Object.values(line)) assert.doesNotMatch(String(value), /[\n\x1b]/);
});

test('several User-Agent fields are none', async () => {
  assert.equal('user_agent' in (await lineOf({ headers: { 'user-agent': ['a', 'b'] } })), false);
});

test('for people a line is short: what happened first, what to look for next', async () => {
  const { log, text } = keptLog({ format: 'pretty' });
  const events = new Events();
  accessLog(events, log);
  events.emit('exchange', endedExchange({ record: { grpcStatus: '7' }, raw: { target: '/x?code=SECRET' } }));
  const written = await text();
  assert.match(written, /^\[.*\] INFO: GET auth\.example\.com\/x\?code=\[redacted\] 200 grpc 7 12\.5 ms \{.*\}\n$/);
  assert.match(written, /"route":"jwks"/);
});

test('below its level nothing is written', async () => {
  assert.deepEqual(await linesOf({}, { level: 'warn' }), []);
  assert.deepEqual(await linesOf({}, { level: 'silent' }), []);
});
