// What is refused whatever its route: CONNECT, TRACE, expectations, and uploads that nobody will read.
// Harm: a tunnel past every rule (CONNECT), headers handed to scripts (TRACE), a client that uploads for nothing.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectRaw } from '../support/h1-raw.ts';
import { connectFrames, describe, Flag, FrameType } from '../support/h2-frames.ts';
import { served } from '../support/served.ts';

const { gateway } = await served();

for (const listener of ['clear', 'public'] as const) {
  const options = (): { ca?: string } => (listener === 'public' ? { ca: gateway.ca } : {});

  test(`http/1.1 on ${listener}: CONNECT gets 405 with a record, and the connection ends`, async () => {
    const seen = gateway.ended.length;
    using client = await connectRaw(gateway.port(listener), options());
    client.request('CONNECT zitadel:8080 HTTP/1.1', 'host: zitadel:8080');
    client.send('GET /debug/metrics HTTP/1.1\r\nhost: a\r\n\r\n');
    const answer = await client.answer();
    assert.equal(answer?.status, 405);
    assert.equal(answer.header('connection'), 'close');
    assert.ok(answer.header('x-request-id'));
    await client.gone();
    assert.equal(client.rest.length, 0);
    const { record, exchange } = await gateway.over((one) => gateway.ended.indexOf(one) >= seen);
    assert.equal(record.error?.code, 'METHOD_NOT_ALLOWED');
    assert.equal(exchange.raw.requestedMethod, 'CONNECT');
  });

  test(`h2 on ${listener}: CONNECT gets 405`, async () => {
    const seen = gateway.ended.length;
    using client = await connectFrames(gateway.port(listener), options());
    client.headers(1, [
      [':method', 'CONNECT'],
      [':authority', 'zitadel:8080'],
    ]);
    const frames = await client.finished(1);
    assert.ok(frames[0]?.startsWith('HEADERS'), frames.join(' '));
    assert.equal((await gateway.over((one) => gateway.ended.indexOf(one) >= seen)).record.status, 405);
  });
}

test('h2: extended CONNECT (RFC 8441) is not offered, and malformed', async () => {
  using client = await connectFrames(gateway.port('clear'));
  const path = [':path', '/ui/v2/login/'] as const;
  client.headers(1, [
    [':method', 'CONNECT'],
    [':protocol', 'websocket'],
    [':scheme', 'http'],
    [':authority', 'a'],
    path,
  ]);
  assert.deepEqual(await client.finished(1), ['RST_STREAM 1 code 1']);
});

test('http/1.1: TRACE is refused and gives nothing back of the request', async () => {
  using client = await connectRaw(gateway.port('clear'));
  client.request('TRACE /oauth/v2/keys HTTP/1.1', 'host: a', 'authorization: Bearer secret');
  const answer = await client.answer();
  assert.equal(answer?.status, 405);
  assert.match(answer.header('allow') ?? '', /GET/);
  assert.doesNotMatch(answer.body.toString(), /secret/);
});

test('http/1.1: an expectation other than 100-continue gets 417', async () => {
  using client = await connectRaw(gateway.port('clear'));
  client.request('POST /oauth/v2/token HTTP/1.1', 'host: a', 'expect: 200-maybe', 'content-length: 3');
  client.send('abc');
  assert.equal((await client.answer())?.status, 417);
});

test('http/1.1: 100 Continue comes when the body is wanted, before it was sent', async () => {
  using client = await connectRaw(gateway.port('clear'));
  const type = 'content-type: application/json';
  client.request('POST /v2/sessions HTTP/1.1', 'host: a', 'expect: 100-continue', type, 'content-length: 2');
  assert.equal((await client.answer())?.status, 100);
  client.send('{}');
  assert.equal((await client.answer())?.status, 401); // ZITADEL's own
});

for (const [title, lines, status] of [
  ['for no route', ['POST /nowhere/at/all HTTP/1.1'], 404],
  ['too large', ['POST /oauth/v2/token HTTP/1.1', 'content-length: 99999999999'], 413],
  ['with a malformed path', ['POST /oauth/../token HTTP/1.1'], 400],
] as const) {
  test(`http/1.1: a refused upload (${title}) gets its final status without 100 Continue, and the connection ends`, async () => {
    const [line, ...more] = lines;
    using client = await connectRaw(gateway.port('clear'));
    const length = more.length === 0 ? ['content-length: 1000'] : more;
    client.request(
      line,
      'host: a',
      'expect: 100-continue',
      'content-type: application/x-www-form-urlencoded',
      ...length,
    );
    const answer = await client.answer();
    assert.equal(answer?.status, status);
    // Whether the body comes is up to the client, so nobody knows where the next request would begin.
    assert.equal(answer.header('connection'), 'close');
  });
}

test('http/1.1: an upload that is refused while it comes gets its answer, not a TCP reset', async () => {
  using client = await connectRaw(gateway.port('clear'));
  client.request('POST /nowhere/at/all HTTP/1.1', 'host: a', 'content-length: 200000');
  client.send('x'.repeat(100_000));
  assert.equal((await client.answer())?.status, 404);
  client.send('x'.repeat(100_000));
  // All of it was read, so the connection goes on.
  client.request('GET /oauth/v2/keys HTTP/1.1', 'host: a');
  assert.equal((await client.answer())?.status, 200);
});

test('h2: an upload that is refused while it comes gets its answer, then RST_STREAM(NO_ERROR), RFC 9113 section 8.1', async () => {
  using client = await connectFrames(gateway.port('clear'));
  client.headers(1, [
    [':method', 'POST'],
    [':scheme', 'http'],
    [':authority', 'a'],
    [':path', '/nowhere/at/all'],
  ]);
  client.data(1, 'x'.repeat(10_000));
  await client.next(({ type, stream }) => type === FrameType.RST_STREAM && stream === 1);
  const frames = client.of(1);
  assert.equal(frames.at(-1), 'RST_STREAM 1 code 0');
  assert.ok(frames.at(-2)?.includes('END_STREAM'), frames.join(' '));
  // The connection goes on.
  client.headers(
    3,
    [
      [':method', 'GET'],
      [':scheme', 'http'],
      [':authority', 'a'],
      [':path', '/oauth/v2/keys'],
    ],
    Flag.END_STREAM,
  );
  assert.ok((await client.finished(3)).at(-1)?.includes('END_STREAM'));
  assert.ok(!client.frames.map(describe).some((one) => one.startsWith('GOAWAY')));
});

test('h2: 100-continue is answered with an interim HEADERS before the body, RFC 9113 section 8.1', async () => {
  using client = await connectFrames(gateway.port('clear'));
  const fields = [
    ...[
      [':method', 'POST'],
      [':scheme', 'http'],
      [':authority', 'a'],
      [':path', '/v2/sessions'],
    ],
    ...[
      ['expect', '100-continue'],
      ['content-type', 'application/json'],
      ['content-length', '2'],
    ],
  ] as [string, string][];
  client.headers(1, fields);
  await client.next(({ type, stream }) => type === FrameType.HEADERS && stream === 1);
  assert.deepEqual(client.of(1), ['HEADERS 1']);
  client.data(1, '{}', Flag.END_STREAM);
  assert.deepEqual((await client.finished(1)).slice(0, 2), ['HEADERS 1', 'HEADERS 1']);
});

test('h2: another expectation gets 417', async () => {
  const seen = gateway.ended.length;
  using client = await connectFrames(gateway.port('clear'));
  const request = [
    [':method', 'POST'],
    [':scheme', 'http'],
    [':authority', 'a'],
    [':path', '/v2/sessions'],
  ] as const;
  client.headers(1, [...request, ['expect', 'banana']]);
  await client.finished(1);
  assert.equal((await gateway.over((one) => gateway.ended.indexOf(one) >= seen)).record.status, 417);
});
