// Every limit of a client's side, exceeded over both protocols: the answer or the connection error that docs/limits.md
// promises, and a record or an event that names the limit.
// Harm: a limit without a name costs an operator a day; one without an answer looks like a broken ZITADEL.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ask, PROTOCOLS } from '../support/ask.ts';
import { connectRaw } from '../support/h1-raw.ts';
import { connectFrames, Flag, FrameType, frame, headerBlock } from '../support/h2-frames.ts';
import { startListener } from '../support/listener.ts';
import { served } from '../support/served.ts';

const { gateway, zitadel } = await served({
  config: {
    limits: {
      max_header_bytes: 8192,
      max_header_count: 40,
      max_url_bytes: 17_000,
      body_idle_ms: 200,
      write_idle_ms: 200,
    },
  },
});

const MANY = Array.from({ length: 41 }, (_, i) => [`x-${i}`, '1'] as const);
const OVER = [
  ['max_header_bytes', { fields: [['x', 'a'.repeat(8192)]] }, 431, 'HEADERS_TOO_LARGE'],
  ['max_header_count', { fields: MANY }, 431, 'HEADERS_TOO_LARGE'],
  ['max_url_bytes', { target: `/oauth/v2/keys?${'a'.repeat(17_000)}` }, 414, 'URL_TOO_LONG'],
] as const;

for (const protocol of PROTOCOLS) {
  for (const [limit, more, status, code] of OVER) {
    test(`${protocol}: ${limit}: ${status} in the caller's dialect, and a record with ${code}`, async () => {
      const { ended, status: seen } = await ask(gateway, { protocol, target: '/oauth/v2/keys', ...more });
      assert.equal(seen, status);
      assert.equal(ended?.record.error?.code, code);
      assert.match(ended?.record.error?.detail ?? '', new RegExp(`^limits\\.${limit}: \\d+`));
    });
  }

  test(`${protocol}: max_url_bytes: 16 KiB pass, SAML needs them`, async () => {
    const target = `/saml/v2/SSO?SAMLRequest=${'a'.repeat(16_384)}`;
    assert.equal((await ask(gateway, { protocol, target })).ended?.record.answeredBy, 'upstream');
  });

  test(`${protocol}: body_idle_ms: a body that stops coming gets 408, and ZITADEL never sees its end`, async () => {
    // A route without limits that look at the body: where they do, ZITADEL sees nothing of such a request.
    const target = `/management/v1/users/_search?idle=${protocol}`;
    if (protocol === 'http/1.1') {
      using client = await connectRaw(gateway.port('clear'));
      client.request(`POST ${target} HTTP/1.1`, 'host: a', 'content-length: 10');
      client.send('abc');
      assert.equal((await client.answer())?.status, 408);
    } else {
      using client = await connectFrames(gateway.port('clear'));
      client.headers(1, [
        [':method', 'POST'],
        [':scheme', 'http'],
        [':authority', 'a'],
        [':path', target],
      ]);
      client.data(1, 'abc');
      assert.ok((await client.finished(1))[0]?.startsWith('HEADERS'));
    }
    const { record } = await gateway.over(({ exchange }) => exchange.raw.target === target);
    assert.equal(record.error?.code, 'REQUEST_TIMEOUT');
    assert.match(record.error?.detail ?? '', /limits\.body_idle_ms/);
    const seen = await zitadel.waitFor((one) => one.target === target && one.ended !== undefined);
    assert.equal(seen.bodyComplete, false);
  });
}

test('h2: a refusal for header size speaks gRPC to gRPC', async () => {
  const { ended } = await ask(gateway, {
    protocol: 'h2',
    method: 'POST',
    target: '/zitadel.admin.v1.AdminService/Healthz',
    fields: [['content-type', 'application/grpc'], ['te', 'trailers'], ...MANY],
    body: '\0\0\0\0\0',
  });
  assert.equal(ended?.record.status, 200);
  assert.equal(ended?.record.grpcStatus, '8');
});

test('http/1.1: far above max_header_bytes: a bare 431, and an event that names the limit', async () => {
  using client = await connectRaw(gateway.port('clear'));
  client.request('GET / HTTP/1.1', 'host: a', `x: ${'a'.repeat(100_000)}`);
  const answer = await client.answer();
  assert.equal(answer?.status, 431);
  assert.equal(answer.header('connection'), 'close');
  await client.gone();
  const end = await gateway.announcement('connection_ended', ({ limit }) => limit === 'limits.max_header_bytes');
  assert.equal(end.listener, 'clear');
});

test('write_idle_ms: a client that takes nothing is reset, over HTTP/2 with its connection left alone', async () => {
  using client = await connectFrames(gateway.port('clear'));
  client.giveWindow = false;
  const { main } = Object.fromEntries(await consoleFiles());
  client.headers(
    1,
    [
      [':method', 'GET'],
      [':scheme', 'http'],
      [':authority', 'a'],
      [':path', main!],
    ],
    Flag.END_STREAM,
  );
  assert.match((await client.finished(1)).at(-1) ?? '', /^RST_STREAM 1/);
  const { record } = await gateway.over(({ exchange }) => exchange.raw.target === main);
  assert.equal(record.error?.code, 'CLIENT_STALLED');
  assert.match(record.error?.detail ?? '', /limits\.write_idle_ms/);
  client.send(frame(FrameType.PING, 0, 0, Buffer.alloc(8)));
  await client.next(({ type, flags }) => type === FrameType.PING && flags === Flag.ACK);
});

/** The Console's largest file: more than any window here. */
async function consoleFiles(): Promise<[string, string][]> {
  const index = await (await fetch(`${zitadel.url}/ui/console/`)).text();
  const name = /src="(main[^"]+\.js)"/.exec(index)?.[1];
  return [['main', `/ui/console/${name}`]];
}

test('max_connections: one more is closed at once, with an event; a place that was left is free again', async () => {
  await using server = await startListener({ limits: { maxConnections: 2 } });
  using one = await connectRaw(server.port);
  using two = await connectRaw(server.port);
  for (const client of [one, two]) {
    client.request('GET / HTTP/1.1', 'host: a');
    assert.equal((await client.answer())?.status, 200);
  }
  using three = await connectRaw(server.port);
  await three.gone();
  assert.equal((await server.end()).limit, 'limits.max_connections');
  two.socket.destroy();
  await server.until(() => server.open === 1);
  using four = await connectRaw(server.port);
  four.request('GET / HTTP/1.1', 'host: a');
  assert.equal((await four.answer())?.status, 200);
});

test('max_connections counts over all listeners that share a count', async () => {
  const count = { open: 0 };
  await using left = await startListener({ limits: { maxConnections: 1 }, count });
  await using right = await startListener({ limits: { maxConnections: 1 }, count });
  using one = await connectRaw(left.port);
  one.request('GET / HTTP/1.1', 'host: a');
  await one.answer();
  using two = await connectRaw(right.port);
  await two.gone();
  assert.equal((await right.end()).limit, 'limits.max_connections');
});

test('http/1.1: header_timeout_ms: a header that stops coming gets 408, and an event that names the limit', async () => {
  await using server = await startListener({ limits: { headerTimeoutMs: 100 } });
  using client = await connectRaw(server.port);
  client.send('GET / HTTP/1.1\r\nhost: a\r\n');
  assert.equal((await client.answer())?.status, 408);
  await client.gone();
  assert.deepEqual(await server.end(), {
    ...{ listener: 'test', reason: 'slow header', limit: 'limits.header_timeout_ms', peerAddress: '127.0.0.1' },
  });
});

test('http/1.1: header_timeout_ms: also byte by byte, and also for the second request', async () => {
  await using server = await startListener({ limits: { headerTimeoutMs: 100 } });
  using client = await connectRaw(server.port);
  client.request('GET / HTTP/1.1', 'host: a');
  assert.equal((await client.answer())?.status, 200);
  client.send('G');
  assert.equal((await client.answer())?.status, 408);
});

test('cleartext: header_timeout_ms: a connection that says nothing, or half a preface, is closed with an event', async () => {
  for (const bytes of ['', 'PRI * HT']) {
    await using server = await startListener({ limits: { headerTimeoutMs: 100 } });
    using client = await connectRaw(server.port);
    client.send(bytes);
    await client.gone();
    assert.equal(client.rest.length, 0);
    assert.equal((await server.end()).limit, 'limits.header_timeout_ms');
  }
});

test('http/1.1: keep_alive_ms: a connection that waits longer is closed, with an event', async () => {
  await using server = await startListener({ limits: { keepAliveMs: 50 } });
  using client = await connectRaw(server.port);
  client.request('GET / HTTP/1.1', 'host: a');
  const answer = await client.answer();
  assert.equal(answer?.status, 200);
  await client.gone();
  assert.deepEqual(await server.end(), {
    ...{ listener: 'test', reason: 'idle', limit: 'limits.keep_alive_ms', peerAddress: '127.0.0.1' },
  });
});

test('http/1.1: keep_alive_ms says nothing of a request that is being answered', async () => {
  const replies: (() => void)[] = [];
  await using server = await startListener({
    limits: { keepAliveMs: 30 },
    answer: (_request, reply) => replies.push(() => reply.end('late')),
  });
  using client = await connectRaw(server.port);
  client.request('GET /slow HTTP/1.1', 'host: a');
  await server.request(0);
  // Another connection that idles out marks the time.
  using other = await connectRaw(server.port);
  other.request('GET /quick HTTP/1.1', 'host: a');
  await server.request(1);
  replies[1]!();
  await other.gone();
  replies[0]!();
  assert.equal((await client.answer())?.body.toString(), 'late');
});

test('a header block in several CONTINUATION frames is one header', async () => {
  using client = await connectFrames(gateway.port('clear'));
  const block = headerBlock([
    [':method', 'GET'],
    [':scheme', 'http'],
    [':authority', 'a'],
    [':path', '/oauth/v2/keys'],
    ['x', 'y'],
  ]);
  client.answerSettings = false;
  client.send(
    frame(FrameType.HEADERS, Flag.END_STREAM, 1, block.subarray(0, 10)),
    frame(FrameType.CONTINUATION, 0, 1, block.subarray(10, 20)),
    frame(FrameType.CONTINUATION, Flag.END_HEADERS, 1, block.subarray(20)),
  );
  assert.ok((await client.finished(1)).at(-1)?.includes('END_STREAM'));
});
