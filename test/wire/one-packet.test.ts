// A request that comes in one packet: Node announces a stream only after it has read the whole packet, so that its end
// may be there before anybody listens.
// Harm: an end that is not seen is an upload that never ends; small RPCs of fast clients would hang until their deadline.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startStandIn } from '../../src/demo/stand-in.ts';
import { startGateway } from '../support/gateway.ts';
import { connectFrames, Flag, FrameType, frame, headerBlock } from '../support/h2-frames.ts';

const HEAD = [
  [':method', 'POST'],
  [':scheme', 'https'],
  [':authority', 'localhost'],
  [':path', '/v2/sessions'],
  ['content-type', 'application/json'],
] as const;

for (const [what, trailers] of [
  ['that ends with its data', undefined],
  ['that ends with trailers', [['x-checksum', 'abc']] as const],
] as const) {
  test(`HEADERS and DATA in one packet ${what} reach the upstream whole`, async () => {
    await using zitadel = await startStandIn();
    await using gateway = await startGateway({ zitadel: new URL(zitadel.url).host });
    using client = await connectFrames(gateway.port('clear'));
    client.send(
      frame(FrameType.HEADERS, Flag.END_HEADERS, 1, headerBlock(HEAD)),
      frame(FrameType.DATA, trailers === undefined ? Flag.END_STREAM : 0, 1, '{}'),
      ...(trailers === undefined
        ? []
        : [frame(FrameType.HEADERS, Flag.END_HEADERS | Flag.END_STREAM, 1, headerBlock(trailers))]),
    );
    const { record } = await gateway.over(() => true);
    assert.equal(record.status, 401);
    const received = await zitadel.waitFor(({ target }) => target === '/v2/sessions');
    assert.deepEqual([received.bodyComplete, received.bytes], [true, 2]);
    assert.deepEqual(received.trailers, trailers === undefined ? [] : ['x-checksum', 'abc']);
  });
}
