// What is remembered of an exchange: one line for each, however it ended.
// Harm: gRPC-Web says how it went in the body; a log that reads only trailers calls every failure a success.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startGateway } from '../support/gateway.ts';
import { connectFrames } from '../support/h2-frames.ts';
import { CALL, Flag, MESSAGE, startUpstream } from './raw-upstream.ts';

const TRAILERS = 'grpc-status: 7\r\ngrpc-message: no\r\n';
const FRAME = `\x80\0\0\0${String.fromCharCode(TRAILERS.length)}${TRAILERS}`;
const WEB = CALL.map(
  ([name, value]) => [name, name === 'content-type' ? 'application/grpc-web+proto' : value] as const,
);

for (const [what, length] of [
  ['of unknown length', []],
  ['with Content-Length', [['content-length', String(MESSAGE.length + FRAME.length)]]],
] as const) {
  test(`gRPC-Web: grpc-status is read from the last frame of an answer ${what}, wherever it is cut`, async () => {
    await using upstream = await startUpstream((request) => {
      request.head([[':status', '200'], ['content-type', 'application/grpc-web+proto'], ...length]);
      request.data(Buffer.from(MESSAGE + FRAME.slice(0, 3), 'latin1'));
      request.data(Buffer.from(MESSAGE + FRAME, 'latin1').subarray(MESSAGE.length + 3), Flag.END_STREAM);
    });
    await using gateway = await startGateway({ zitadel: upstream.address, config: { hints: false } });
    await upstream.checked;
    using client = await connectFrames(gateway.port('public'), { ca: gateway.ca });
    client.headers(1, WEB);
    client.data(1, MESSAGE, Flag.END_STREAM);
    await client.finished(1);
    const { record } = await gateway.over(({ record }) => record.endpoint !== undefined);
    assert.deepEqual([record.grpcStatus, record.status, record.error], ['7', 200, undefined]);
    assert.equal(record.bytesIn, MESSAGE.length);
    assert.equal(record.bytesOut, client.bytes(1));
    assert.equal(record.endpoint, upstream.address);
    assert.ok(record.started <= record.firstByte! && record.firstByte! <= record.upstreamEnded!);
    assert.ok(record.upstreamEnded! <= record.closed!);
  });
}
