// What was certainly not processed is sent once more: RFC 9113 sections 6.8 and 8.7, RFC 9110 section 9.2.2.
// Harm: a user created twice; or every rolling update of ZITADEL seen by its clients.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { test } from 'node:test';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { startByteServer } from '../support/h1-bytes.ts';
import { connectFrames, type FramePeer } from '../support/h2-frames.ts';
import { type Arrived, Flag, outcome, plain, startUpstream } from './raw-upstream.ts';

const QUIET = { hints: false } as const;
const WHOLE = ['HEADERS', 'DATA', 'DATA+END_STREAM'];

/** A POST with this body in one go. */
function post(client: FramePeer, body: Buffer | string): void {
  client.headers(1, plain('POST'));
  client.data(1, body, Flag.END_STREAM);
}

async function attemptsOf(
  gateway: TestGateway,
): Promise<{ attempts: number; error: string | undefined; status: number }> {
  const { record } = await gateway.over(({ record }) => record.endpoint !== undefined);
  return { attempts: record.attempts, error: record.error?.code, status: record.status };
}

/** The stream before it on its session; 0 where it is the first. */
function before({ id }: Arrived): number {
  return Math.max(0, id - 2);
}

const REFUSALS: readonly (readonly [string, (request: Arrived) => void])[] = [
  ['REFUSED_STREAM', (request) => request.reset(7)],
  ['GOAWAY(NO_ERROR) below its id', (request) => request.peer.goaway(before(request), 0)],
  ['GOAWAY(ENHANCE_YOUR_CALM) below its id', (request) => request.peer.goaway(before(request), 11)],
];
for (const [how, refuse] of REFUSALS) {
  test(`a POST answered by ${how} is sent once more, with its body`, async () => {
    await using upstream = await startUpstream((request, index) => {
      // Only when the body is here, so that it has to be kept.
      if (index === 0) void request.received(5).then(() => refuse(request));
    });
    await using gateway = await startGateway({ zitadel: upstream.address, config: QUIET });
    await upstream.checked;
    using client = await connectFrames(gateway.port('public'), { ca: gateway.ca });
    post(client, 'whole');
    const again = await upstream.request(1);
    assert.deepEqual((await again.finished()).at(-1), 'DATA+END_STREAM');
    assert.equal(again.peer.body(again.id).toString(), 'whole');
    again.answer();
    assert.deepEqual(await outcome(client, 1), WHOLE);
    assert.deepEqual(await attemptsOf(gateway), { attempts: 2, error: undefined, status: 200 });
    assert.equal(upstream.arrived.length, 2);
  });
}

test('no more than `attempts` in all: the last refusal is the answer', async () => {
  await using upstream = await startUpstream((request) => request.reset(7));
  await using gateway = await startGateway({
    zitadel: { endpoints: [upstream.address], retry: { attempts: 2 } },
    config: QUIET,
  });
  await upstream.checked;
  using client = await connectFrames(gateway.port('public'), { ca: gateway.ca });
  post(client, 'whole');
  await client.finished(1);
  assert.deepEqual(await attemptsOf(gateway), { attempts: 2, error: 'UPSTREAM_REFUSED', status: 503 });
  assert.equal(upstream.arrived.length, 2);
});

test('a body that is still coming is continued on the second attempt', async () => {
  await using upstream = await startUpstream((request, index) => {
    if (index === 0) void request.received(5).then(() => request.reset(7));
  });
  await using gateway = await startGateway({ zitadel: upstream.address, config: QUIET });
  await upstream.checked;
  using client = await connectFrames(gateway.port('public'), { ca: gateway.ca });
  client.headers(1, plain('POST'));
  client.data(1, 'first');
  const again = await upstream.request(1);
  await again.received(5);
  client.data(1, ' and the rest', Flag.END_STREAM);
  await again.finished();
  assert.equal(again.peer.body(again.id).toString(), 'first and the rest');
  again.answer();
  assert.deepEqual(await outcome(client, 1), WHOLE);
});

test('a body above 64 KiB is not kept, and so not sent again', async () => {
  const body = Buffer.alloc(65 * 1024, 'x');
  await using upstream = await startUpstream(
    (request) => void request.received(body.length).then(() => request.reset(7)),
  );
  await using gateway = await startGateway({ zitadel: upstream.address, config: QUIET });
  await upstream.checked;
  using client = await connectFrames(gateway.port('public'), { ca: gateway.ca });
  await client.settled();
  client.headers(1, plain('POST'));
  for (let at = 0; at < body.length; at += 16_384) client.data(1, body.subarray(at, at + 16_384));
  client.data(1, '', Flag.END_STREAM);
  await client.finished(1);
  assert.deepEqual(await attemptsOf(gateway), { attempts: 1, error: 'UPSTREAM_REFUSED', status: 503 });
  assert.equal(upstream.arrived.length, 1);
});

for (const [how, cut] of [
  ['its connection', (request: Arrived) => request.vanish()],
  ['GOAWAY above its id', (request: Arrived) => request.peer.goaway(request.id, 2)],
  ['RST_STREAM(INTERNAL_ERROR)', (request: Arrived) => request.reset(2)],
] as const) {
  test(`a POST that may have been processed is never sent twice: lost with ${how}`, async () => {
    await using upstream = await startUpstream((request) => void request.received(5).then(() => cut(request)));
    await using gateway = await startGateway({ zitadel: upstream.address, config: QUIET });
    await upstream.checked;
    using client = await connectFrames(gateway.port('public'), { ca: gateway.ca });
    post(client, 'whole');
    await client.finished(1);
    assert.deepEqual(await attemptsOf(gateway), { attempts: 1, error: 'UPSTREAM_RESET', status: 502 });
    assert.equal(upstream.arrived.length, 1);
  });
}

test('a GET lost with its connection is sent once more; one that was reset is not', async () => {
  await using upstream = await startUpstream((request, index) => {
    if (index === 0) request.vanish();
    else if (index === 1) request.answer();
    else request.reset(2);
  });
  await using gateway = await startGateway({ zitadel: upstream.address, config: QUIET });
  await upstream.checked;
  using client = await connectFrames(gateway.port('public'), { ca: gateway.ca });
  client.headers(1, plain('GET'), Flag.END_STREAM);
  assert.deepEqual(await outcome(client, 1), WHOLE);
  client.headers(3, plain('GET'), Flag.END_STREAM);
  await client.finished(3);
  assert.equal(upstream.arrived.length, 3);
});

test('with a second endpoint a refused connection goes there, body and all; the record names who answered', async () => {
  const closed = net.createServer();
  closed.listen(0, '127.0.0.1');
  await once(closed, 'listening');
  const gone = `127.0.0.1:${(closed.address() as AddressInfo).port}`;
  closed.close();
  await once(closed, 'close');
  await using upstream = await startUpstream();
  await using gateway = await startGateway({
    zitadel: { endpoints: [gone, upstream.address], balancer: 'round_robin', health: { check: { type: 'none' } } },
    config: QUIET,
  });
  using client = await connectFrames(gateway.port('public'), { ca: gateway.ca });
  // One of two in a row goes to the one that is gone first.
  for (const [index, stream] of [1, 3].entries()) {
    client.headers(stream, plain('POST'));
    client.data(stream, 'whole', Flag.END_STREAM);
    const request = await upstream.request(index);
    await request.finished();
    assert.equal(request.peer.body(request.id).toString(), 'whole');
    request.answer();
    assert.deepEqual(await outcome(client, stream), WHOLE);
  }
  const { record } = await gateway.over(({ record }) => record.attempts === 2);
  assert.equal(record.endpoint, upstream.address);
  const failed = await gateway.announcement('attempt_failed');
  assert.deepEqual([failed.endpoint, failed.code, failed.replayed], [gone, 'CONNECT_FAILED', true]);
});

test('HTTP/1.1: a GET on a kept connection that is gone is sent once more, a POST is not', async () => {
  let heads = 0;
  await using login = await startByteServer((peer, head) => {
    if (head.includes('/healthy ') || head.includes('/first')) {
      peer.send('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
      return;
    }
    heads += 1;
    // The first of a kind is cut without a word, as a server does that closes a connection it thinks idle.
    if (heads === 2) peer.send('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
    else peer.abort();
  });
  await using gateway = await startGateway({
    login: login.address,
    // A page of the login is by default sent once more only where it was not processed.
    config: { ...QUIET, routes: [{ name: 'login-v2', retry: { methods: ['GET'] } }] },
  });
  using client = await connectFrames(gateway.port('public'), { ca: gateway.ca });
  client.headers(1, plain('GET', '/ui/v2/login/first'), Flag.END_STREAM);
  await client.finished(1);
  client.headers(3, plain('GET', '/ui/v2/login/again'), Flag.END_STREAM);
  assert.deepEqual(await outcome(client, 3), WHOLE);
  client.headers(5, plain('POST', '/ui/v2/login/never'));
  client.data(5, 'x', Flag.END_STREAM);
  await client.finished(5);
  const records = gateway.ended.map(({ record }) => record).filter(({ endpoint }) => endpoint === login.address);
  assert.deepEqual(
    records.map(({ attempts, status }) => [attempts, status]),
    [
      [1, 200],
      [2, 200],
      [1, 502],
    ],
  );
  assert.equal(heads, 3);
});
