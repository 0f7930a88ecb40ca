// An answer that is complete before its request is: RFC 9113 section 8.1, RFC 9112 section 9.6.
// Harm: the 413 or 401 that says why is lost, and the client sees a broken connection instead.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startGateway } from '../support/gateway.ts';
import { connectBytes } from '../support/h1-bytes.ts';
import { connectFrames } from '../support/h2-frames.ts';
import { CALL, Flag, MESSAGE, outcome, plain, startUpstream } from './raw-upstream.ts';

const QUIET = { hints: false } as const;

for (const after of ['nothing after it', 'RST_STREAM(NO_ERROR) after it'] as const) {
  test(`an h2 client has the whole answer, then RST_STREAM(NO_ERROR); the upstream sees CANCEL: ${after}`, async () => {
    await using upstream = await startUpstream((request) => {
      request.head([[':status', '413']]);
      request.data('too large', Flag.END_STREAM);
      if (after.startsWith('RST')) request.reset(0);
    });
    await using gateway = await startGateway({ zitadel: upstream.address, config: QUIET });
    await upstream.checked;
    using client = await connectFrames(gateway.port('public'), { ca: gateway.ca });
    client.headers(1, plain('POST'));
    client.data(1, 'half');
    await client.next(({ type, stream }) => type === 3 && stream === 1);
    assert.deepEqual(await outcome(client, 1), ['HEADERS', 'DATA', 'DATA+END_STREAM', 'RST_STREAM code 0']);
    assert.equal(client.body(1).toString(), 'too large');
    const request = await upstream.request(0);
    if (after.startsWith('nothing')) assert.equal((await request.finished()).at(-1), 'RST_STREAM code 8');
    else assert.ok(!request.frames.some((frame) => frame.includes('END_STREAM')));
    const { record } = await gateway.over(({ record }) => record.endpoint !== undefined);
    assert.deepEqual([record.status, record.error], [413, undefined]);
  });
}

test('a trailers-only refusal of a call that is still uploading arrives whole', async () => {
  await using upstream = await startUpstream((request) =>
    request.head(
      [
        [':status', '200'],
        ['content-type', 'application/grpc'],
        ['grpc-status', '16'],
      ],
      Flag.END_STREAM,
    ),
  );
  await using gateway = await startGateway({ zitadel: upstream.address, config: QUIET });
  await upstream.checked;
  using client = await connectFrames(gateway.port('public'), { ca: gateway.ca });
  client.headers(1, CALL);
  client.data(1, MESSAGE);
  await client.next(({ type, stream }) => type === 3 && stream === 1);
  assert.deepEqual(await outcome(client, 1), ['HEADERS+END_STREAM', 'RST_STREAM code 0']);
  assert.equal((await (await upstream.request(0)).finished()).at(-1), 'RST_STREAM code 8');
  assert.equal((await gateway.over(({ record }) => record.endpoint !== undefined)).record.grpcStatus, '16');
});

test('an HTTP/1.1 client has the whole answer while it uploads', async () => {
  await using upstream = await startUpstream((request) => {
    request.head([
      [':status', '413'],
      ['content-length', '9'],
    ]);
    request.data('too large', Flag.END_STREAM);
  });
  await using gateway = await startGateway({ zitadel: upstream.address, config: QUIET });
  await upstream.checked;
  using client = await connectBytes(gateway.port('clear'));
  client.send('POST /v2/users HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100000\r\n\r\nhalf');
  assert.match(await client.has('too large'), /^HTTP\/1\.1 413 /);
  assert.equal((await (await upstream.request(0)).finished()).at(-1), 'RST_STREAM code 8');
});

test('a body above its limit is refused in the middle, and the upstream never sees its end', async () => {
  await using upstream = await startUpstream();
  const policies = { body_limit: { max_bytes: 20_000 } };
  await using gateway = await startGateway({ zitadel: upstream.address, config: { ...QUIET, policies } });
  await upstream.checked;
  using client = await connectFrames(gateway.port('public'), { ca: gateway.ca });
  client.headers(1, plain('POST'));
  client.data(1, Buffer.alloc(16_000, 'x'));
  const request = await upstream.request(0);
  await request.received(16_000);
  client.data(1, Buffer.alloc(16_000, 'x'));
  assert.equal((await request.finished()).at(-1), 'RST_STREAM code 8');
  await client.next(({ type, stream }) => type === 3 && stream === 1);
  assert.deepEqual(await outcome(client, 1), ['HEADERS', 'DATA', 'DATA+END_STREAM', 'RST_STREAM code 0']);
  const { record } = await gateway.over(({ record }) => record.endpoint !== undefined);
  assert.deepEqual([record.status, record.error?.code], [413, 'BODY_TOO_LARGE']);
});
