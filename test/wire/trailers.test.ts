// Trailers end to end: RFC 9113 section 8.1, gRPC over HTTP/2 "Responses".
// Harm: a lost trailer is a lost grpc-status, and every SDK reports "missing status" (zitadel/zitadel#10976).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startGateway } from '../support/gateway.ts';
import { connectFrames, Flag, startFrameServer } from '../support/h2-frames.ts';
import { CALL, GRPC_HEAD, MESSAGE } from './raw-upstream.ts';

test('a trailers-only answer stays one HEADERS frame that ends the stream', async () => {
  await using upstream = await startFrameServer((peer, stream) => {
    peer.headers(
      stream,
      [
        [':status', '200'],
        ['content-type', 'application/grpc'],
        ['grpc-status', '5'],
      ],
      Flag.END_STREAM,
    );
  });
  await using gateway = await startGateway({ zitadel: upstream.address });
  using client = await connectFrames(gateway.port('public'), { ca: gateway.ca });
  client.headers(1, CALL);
  client.data(1, MESSAGE, Flag.END_STREAM);
  assert.deepEqual(await client.finished(1), ['HEADERS+END_STREAM 1']);
  const { record } = await gateway.over(() => true);
  assert.equal(record.grpcStatus, '5');
});

test('trailers after a body arrive as HEADERS with END_STREAM', async () => {
  await using upstream = await startFrameServer((peer, stream) => {
    peer.headers(stream, GRPC_HEAD);
    peer.data(stream, MESSAGE);
    peer.headers(
      stream,
      [
        ['grpc-status', '0'],
        ['x-bin', 'AAE='],
      ],
      Flag.END_STREAM,
    );
  });
  await using gateway = await startGateway({ zitadel: upstream.address });
  using client = await connectFrames(gateway.port('public'), { ca: gateway.ca });
  client.headers(1, CALL);
  client.data(1, MESSAGE, Flag.END_STREAM);
  assert.deepEqual(await client.finished(1), ['HEADERS 1', 'DATA 1', 'HEADERS+END_STREAM 1']);
  assert.equal((await gateway.over(() => true)).record.grpcStatus, '0');
});
