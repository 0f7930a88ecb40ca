// What waits in a stream whose owner does not take it. Harm: a client that sends a byte a frame would hold hundreds of
// times what its window lets it send.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { NOBODY } from '../../../src/core/raw.ts';
import type { Sender } from '../../../src/http2/sender.ts';
import { FrameStream } from '../../../src/transport/engines/frames/stream.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const WINDOW = 262_144;

test('a body that comes byte by byte and is not taken holds little more than its bytes, and all of it comes in the end', async () => {
  const owner = { sender: {} as Sender, consumed() {}, spoken() {}, finished() {}, broken() {} };
  const settings = { ended: false, contentLength: undefined, sendWindow: 0, receiveWindow: WINDOW, now: 0 };
  const stream = new FrameStream(1, owner, settings);
  const packet = Buffer.alloc(16_384, 'x');
  collect();
  const before = process.memoryUsage().heapUsed;
  for (let i = 0; i < WINDOW; i += 1) stream.takeData(packet, i % packet.length, (i % packet.length) + 1);
  collect();
  assert.ok(process.memoryUsage().heapUsed - before < 8_000_000);
  const { promise, resolve } = Promise.withResolvers<void>();
  let bytes = 0;
  stream.receiver = {
    ...NOBODY,
    onData(chunk) {
      bytes += chunk.length;
    },
    onEnd: () => resolve(),
  };
  stream.takeEnd(undefined);
  stream.resume();
  await promise;
  assert.equal(bytes, WINDOW);
});
