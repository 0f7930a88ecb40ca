import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FrameReader } from '../../../src/transport/engines/frames/frame-reader.ts';
import { ConnectionError } from '../../../src/transport/engines/frames/protocol.ts';
import { frame } from '../../support/h2-frames.ts';

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

interface Seen {
  type: number;
  flags: number;
  stream: number;
  payload: string;
}

function reading(): { seen: Seen[]; reader: FrameReader } {
  const seen: Seen[] = [];
  const reader = new FrameReader((type, flags, stream, bytes, start, end) => {
    seen.push({ type, flags, stream, payload: bytes.toString('hex', start, end) });
  });
  return { seen, reader };
}

const frames = fc.array(
  fc.record(
    {
      type: fc.nat(255),
      flags: fc.nat(255),
      stream: fc.nat(0x7fffffff),
      payload: fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes).toString('hex')),
    },
    { noNullPrototype: true },
  ),
  { maxLength: 12 },
);

test('however the bytes are cut, the frames are the same', () => {
  fc.assert(
    fc.property(frames, fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 40 }), (sent, cuts) => {
      const { seen, reader } = reading();
      const bytes = Buffer.concat([
        PREFACE,
        ...sent.map(({ type, flags, stream, payload }) => frame(type, flags, stream, Buffer.from(payload, 'hex'))),
      ]);
      for (let at = 0, i = 0; at < bytes.length; i += 1) {
        const size = cuts[i % cuts.length]!;
        reader.take(bytes.subarray(at, at + size));
        at += size;
      }
      assert.deepEqual(seen, sent);
    }),
  );
});

test('bytes that are no HTTP/2 are refused at the first one that differs', () => {
  fc.assert(
    fc.property(fc.nat(PREFACE.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
      const { reader } = reading();
      const wrong = Buffer.from(PREFACE);
      wrong[at]! ^= change;
      if (at > 0) reader.take(wrong.subarray(0, at));
      assert.throws(() => reader.take(wrong.subarray(at, at + 1)), ConnectionError);
    }),
  );
});

test('a frame above 16,384 bytes is refused by its head; one of 16,384 is read', () => {
  const { seen, reader } = reading();
  reader.take(Buffer.concat([PREFACE, frame(0x0, 0, 1, Buffer.alloc(16_384))]));
  assert.equal(seen.length, 1);
  assert.throws(() => reader.take(frame(0x0, 0, 1, Buffer.alloc(16_385)).subarray(0, 9)), ConnectionError);
});

test('after stop nothing is told, in the middle of a chunk too', () => {
  let told = 0;
  const reader = new FrameReader(() => {
    told += 1;
    reader.stop();
  });
  reader.take(Buffer.concat([PREFACE, frame(0x6, 0, 0, Buffer.alloc(8)), frame(0x6, 0, 0, Buffer.alloc(8))]));
  reader.take(frame(0x6, 0, 0, Buffer.alloc(8)));
  assert.equal(told, 1);
});
