// Whether an answer that fails half-way may still be ended with an error depends on where its frames stand.
// Harm of a wrong guess: the error is read as part of a message, or a message is cut and looks complete.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FrameWatcher, frame } from '../../src/dialects/frames.ts';
import { watchFrames } from '../../src/dialects/index.ts';

const watch = (contentType: string, ...rest: string[]): FrameWatcher => {
  const watcher = watchFrames(['content-type', contentType, ...rest]);
  assert.ok(watcher !== undefined, `${contentType} has frames`);
  return watcher;
};

test('a frame is a byte of flags, four bytes of length, and the payload in UTF-8', () => {
  assert.deepEqual(frame(0x80, 'né'), Buffer.from([0x80, 0, 0, 0, 3, 0x6e, 0xc3, 0xa9]));
  assert.deepEqual(frame(0x02, ''), Buffer.from([0x02, 0, 0, 0, 0]));
});

test('a body is whole exactly between frames, wherever its pieces are cut', () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ maxLength: 40 }), { maxLength: 6 }),
      fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 30 }),
      (payloads, cuts) => {
        const frames = payloads.map((payload, i) => frame(i % 2, payload));
        const body = Buffer.concat(frames);
        const boundaries = new Set(frames.map((_, i) => Buffer.concat(frames.slice(0, i + 1)).length));
        const watcher = watch('application/grpc');
        let at = 0;
        for (let i = 0; at < body.length; i++) {
          const end = Math.min(body.length, at + cuts[i % cuts.length]!);
          watcher.push(body.subarray(at, end));
          at = end;
          assert.equal(watcher.whole, boundaries.has(at), `after ${at} bytes of ${body.length}`);
        }
        assert.equal(watcher.ended, false, 'gRPC ends by trailers, not by a frame');
      },
    ),
    { numRuns: 300 },
  );
});

test('the trailers of gRPC-Web end the stream and say how it went, also one byte at a time', () => {
  const watcher = watch('application/grpc-web+proto');
  const body = Buffer.concat([frame(0, 'message'), frame(0x80, 'grpc-status: 7\r\ngrpc-message: no\r\n')]);
  for (const byte of body) {
    assert.equal(watcher.ended, false);
    watcher.push(Uint8Array.of(byte));
  }
  assert.equal(watcher.ended, true);
  assert.equal(watcher.whole, false, 'nothing may follow');
  assert.equal(watcher.outcome, '7');
});

test('the status among the trailers of gRPC-Web is found in any case, order and spacing, and is one that exists', () => {
  for (const [lines, outcome] of [
    ['grpc-status:0\r\n', '0'],
    ['x-other: 1\r\nGrpc-Status:  16\r\n', '16'],
    ['grpc-message: grpc-status: 3\r\ngrpc-status: 5\r\n', '5'],
    ['grpc-status: 99\r\n', '2'],
    ['grpc-status: \r\n', '2'],
    ['x-other: 1\r\n', undefined],
    ['', undefined],
  ] as const) {
    const watcher = watch('application/grpc-web');
    watcher.push(frame(0x80, lines));
    assert.equal(watcher.ended, true);
    assert.equal(watcher.outcome, outcome, JSON.stringify(lines));
  }
});

test('the last envelope of a Connect stream says how it went', () => {
  for (const [json, outcome] of [
    ['{}', '0'],
    ['{"metadata":{"a":["b"]}}', '0'],
    ['{"error":{"code":"resource_exhausted"}}', '8'],
    ['{"error":{"code":"unauthenticated","message":"m"}}', '16'],
    ['{"error":{"code":"ok"}}', '2'],
    ['{"error":{"code":8}}', '2'],
    ['{"error":{}}', '2'],
    ['null', undefined],
    ['{"error":', undefined],
  ] as const) {
    const watcher = watch('application/connect+json');
    watcher.push(Buffer.concat([frame(0, '{"error":{"code":"internal"}}'), frame(0x02, json)]));
    assert.equal(watcher.ended, true);
    assert.equal(watcher.outcome, outcome, json);
  }
});

test('a final frame that is compressed or long is passed over without being kept', () => {
  for (const last of [frame(0x81, 'grpc-status: 7\r\n'), frame(0x80, `grpc-status: 7\r\nx: ${'y'.repeat(8192)}\r\n`)]) {
    const watcher = watch('application/grpc-web');
    watcher.push(last);
    assert.equal(watcher.ended, true);
    assert.equal(watcher.outcome, undefined);
  }
});

test('a message of four gigabytes is counted, not kept', () => {
  const watcher = watch('application/grpc-web');
  watcher.push(Buffer.from([0, 0xff, 0xff, 0xff, 0xff]));
  const piece = new Uint8Array(2 ** 24);
  let left = 2 ** 32 - 1;
  for (; left > piece.length; left -= piece.length) watcher.push(piece);
  assert.equal(watcher.whole, false);
  watcher.push(piece.subarray(0, left));
  assert.equal(watcher.whole, true);
});

test('what is not made of frames is never whole again: unknown flags, bytes after the end', () => {
  const html = watch('application/grpc');
  html.push(Buffer.from('<html>a proxy of the upstream speaks</html>'));
  assert.equal(html.whole, false);
  const more = watch('application/grpc-web');
  more.push(Buffer.concat([frame(0x80, 'grpc-status: 0\r\n'), frame(0x80, 'grpc-status: 13\r\n')]));
  assert.equal(more.whole, false);
  assert.equal(more.ended, true);
  assert.equal(more.outcome, '0', 'the first end is the one that clients read');
  const connectFlagInWeb = watch('application/grpc-web');
  connectFlagInWeb.push(frame(0x02, ''));
  assert.equal(connectFlagInWeb.whole, false);
});

test('only bodies whose frames are visible are watched', () => {
  for (const type of [
    'application/grpc',
    'application/grpc+proto',
    'Application/gRPC-Web+Proto; charset=x',
    'application/connect+proto',
  ])
    assert.ok(watchFrames(['content-type', type]) instanceof FrameWatcher, type);
  for (const type of [
    'application/grpc-web-text',
    'application/grpc-web-text+proto',
    'application/json',
    'application/proto',
    'text/html',
    '',
  ])
    assert.equal(watchFrames(['content-type', type]), undefined, type);
  assert.equal(watchFrames([]), undefined);
  assert.equal(watchFrames(['content-type', 'application/grpc-web', 'content-encoding', 'gzip']), undefined);
  assert.ok(watchFrames(['content-type', 'application/grpc-web', 'content-encoding', 'identity']));
});
