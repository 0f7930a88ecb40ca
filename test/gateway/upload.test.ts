// What is kept of a request's body for as long as it may have to be sent again.
// Harm: a client that sends a byte a frame would hold hundreds of times what `retry.body_bytes` allows.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Upload } from '../../src/gateway/upload.ts';
import { exchangeOf } from '../policies/asked.ts';
import { HandClock } from '../support/hand-clock.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const MAX_KEPT = 65_536;

function upload() {
  const clock = new HandClock();
  const exchange = exchangeOf(clock, {});
  const downstream = { ended: false, pause() {}, resume() {}, inform() {} };
  Object.assign(exchange, { downstream });
  return new Upload(exchange, clock, 0, undefined, MAX_KEPT);
}

test('attack: a body that comes byte by byte holds little more than its bytes, and is sent again as it came', () => {
  const body = upload();
  const packet = Buffer.alloc(16_384, 'xy');
  collect();
  const before = process.memoryUsage().heapUsed;
  for (let i = 0; i < MAX_KEPT; i += 1) body.take(packet.subarray(i % packet.length, (i % packet.length) + 1));
  collect();
  assert.ok(process.memoryUsage().heapUsed - before < 1_000_000);
  assert.equal(body.replayable, true);
  const sent: Uint8Array[] = [];
  body.begin({ write: (chunk: Uint8Array) => sent.push(chunk) > 0, end() {} } as never);
  assert.equal(Buffer.concat(sent).toString(), 'xy'.repeat(MAX_KEPT / 2));
});

test('a body that is larger is not kept, and cannot be sent again', () => {
  const body = upload();
  body.take(Buffer.alloc(MAX_KEPT));
  assert.equal(body.replayable, true);
  body.take(Buffer.alloc(1));
  assert.equal(body.replayable, false);
});
