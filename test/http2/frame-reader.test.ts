import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { FrameReader } from '../../src/http2/frame-reader.ts';
import { ConnectionError, Flag, FrameType } from '../../src/http2/protocol.ts';
import { frame } from '../support/h2-frames.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

interface Seen {
  type: number;
  flags: number;
  stream: number;
  payload: string;
}

function reading(): { seen: Seen[]; reader: FrameReader } {
  const seen: Seen[] = [];
  let part = '';
  const reader = new FrameReader(true, (type, flags, stream, bytes, start, end) => {
    const payload = part + bytes.toString('hex', start, end);
    part = (flags & Flag.PART) === 0 ? '' : payload;
    if (part === '') seen.push({ type, flags, stream, payload });
  });
  return { seen, reader };
}

const frames = fc.array(
  fc.record(
    {
      type: fc.oneof(fc.constant(0), fc.nat(255)),
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

test('DATA is told as it comes, and its END_STREAM with the last of it; never a part without a byte', () => {
  const parts: [flags: number, bytes: number][] = [];
  const reader = new FrameReader(true, (_type, flags, _stream, _bytes, start, end) => parts.push([flags, end - start]));
  const bytes = frame(FrameType.DATA, Flag.END_STREAM, 1, 'x'.repeat(100));
  reader.take(PREFACE);
  let from = 0;
  for (const to of [5, 9, 19, 20, 109]) {
    reader.take(bytes.subarray(from, to));
    from = to;
  }
  assert.deepEqual(parts, [
    [Flag.PART, 10],
    [Flag.PART, 1],
    [Flag.END_STREAM, 89],
  ]);
});

test('a HEADERS frame that comes byte by byte holds no memory for each of its bytes', () => {
  const { seen, reader } = reading();
  reader.take(Buffer.concat([PREFACE, frame(0x1, 0, 1, Buffer.alloc(16_384)).subarray(0, 9)]));
  collect();
  const before = process.memoryUsage().heapUsed;
  for (let i = 0; i < 16_383; i += 1) reader.take(Buffer.from(new Uint8Array(1).buffer));
  collect();
  assert.ok(process.memoryUsage().heapUsed - before < 1_000_000);
  reader.take(Buffer.alloc(1));
  assert.equal(seen.length, 1);
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
  const reader = new FrameReader(true, () => {
    told += 1;
    reader.stop();
  });
  reader.take(Buffer.concat([PREFACE, frame(0x6, 0, 0, Buffer.alloc(8)), frame(0x6, 0, 0, Buffer.alloc(8))]));
  reader.take(frame(0x6, 0, 0, Buffer.alloc(8)));
  assert.equal(told, 1);
});
