// Frames of request bodies are checked while they pass, and hold nothing back.
// Harm: a frame that never ends ties up a decoder, one of 4 GiB its memory, a broken one whatever reads it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { asking, pass, shieldOf } from './shield-request.ts';

const PATH = '/zitadel.user.v2.UserService/GetUserByID';
const GRPC = 'application/grpc';
const WEB = 'application/grpc-web+proto';
const CONNECT = 'application/connect+proto';

function frame(flags: number, payload: Uint8Array | number): Buffer {
  const bytes = typeof payload === 'number' ? Buffer.alloc(payload) : payload;
  const prefix = Buffer.alloc(5);
  prefix[0] = flags;
  prefix.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([prefix, bytes]);
}

function prefix(flags: number, length: number): Buffer {
  const bytes = Buffer.alloc(5);
  bytes[0] = flags;
  bytes.writeUInt32BE(length, 1);
  return bytes;
}

const MAX = 1024;

/** What becomes of a body in these pieces: how many passed, and the error. */
function send(type: string, pieces: readonly Uint8Array[], options: object = {}) {
  const tested = shieldOf({ max_message_bytes: MAX, ...options });
  const exchange = asking(PATH, { type });
  assert.equal(tested.enter(exchange), undefined);
  const passed = pass(exchange, pieces);
  const { aborted, record } = exchange;
  return { passed, code: aborted?.code, detail: aborted?.detail, reported: record.reported, refused: tested.refused };
}

test('whole frames pass: empty ones, compressed ones, one of the largest size', () => {
  const body = Buffer.concat([frame(0, 0), frame(1, 10), frame(0, MAX)]);
  for (const type of [GRPC, `${GRPC}+proto`, WEB, CONNECT, 'application/connect+json']) {
    assert.deepEqual(
      send(type, [body]),
      { passed: 1, code: undefined, detail: undefined, reported: [], refused: [] },
      type,
    );
  }
});

test('attack: flags that no request has', () => {
  for (const [type, flags] of [
    [GRPC, 0xff],
    [GRPC, 2],
    [GRPC, 0x80],
    [WEB, 0x80],
    [WEB, 2],
    [CONNECT, 4],
    [CONNECT, 0x80],
  ] as const) {
    const { code, detail, passed } = send(type, [frame(flags, 3)]);
    assert.deepEqual([code, detail, passed], ['BAD_MESSAGE', `frame flags 0x${flags.toString(16)}`, 0]);
  }
  assert.equal(send(CONNECT, [frame(2, 2)]).code, undefined);
});

test('attack: a length of 0xffffffff, and one byte too many, are refused before the payload comes', () => {
  for (const length of [0xffffffff, 0x80000000, MAX + 1]) {
    const { code, detail } = send(GRPC, [prefix(0, length)]);
    assert.deepEqual([code, detail], ['BAD_MESSAGE', `a frame of more than ${MAX} bytes`]);
  }
});

test('attack: a length of 4 GiB that comes byte by byte is refused at the byte that says so', () => {
  assert.equal(
    send(
      GRPC,
      [...prefix(0, 0xffffffff)].map((byte) => Uint8Array.of(byte)),
    ).passed,
    1,
  );
});

test('attack: a header split byte by byte is read as one', () => {
  const bytes = [...frame(0, 3), ...frame(7, 3)].map((byte) => Uint8Array.of(byte));
  const { passed, detail } = send(GRPC, bytes);
  assert.deepEqual([passed, detail], [8, 'frame flags 0x7']);
});

test('attack: a frame that ends early, in its header or in its payload', () => {
  for (const body of [frame(0, 3).subarray(0, 7), frame(0, 3).subarray(0, 4), Uint8Array.of(0)]) {
    const { code, detail } = send(GRPC, [frame(0, 9), body]);
    assert.deepEqual([code, detail], ['BAD_MESSAGE', 'the body ends inside a frame']);
  }
});

test('attack: a flood of frames without payload costs no memory and little time', () => {
  const flood = Buffer.alloc(5 * 200_000);
  const exchange = asking(PATH, { type: GRPC });
  shieldOf({}).enter(exchange);
  const started = performance.now();
  assert.equal(pass(exchange, [flood, flood]), 2);
  assert.ok(performance.now() - started < 2000);
  assert.equal(exchange.aborted, undefined);
});

test('the first byte of a stream passes at once', () => {
  const exchange = asking(PATH, { type: GRPC });
  shieldOf({}).enter(exchange);
  const before = Uint8Array.of(0);
  exchange.inspectBody!(before, false);
  assert.equal(exchange.aborted, undefined);
  assert.deepEqual([...before], [0]);
});

test('bodies without frames are not looked at: unary Connect, REST, gRPC-Web in base64, and those switched off', () => {
  for (const type of ['application/proto', 'application/json', 'application/grpc-web-text', 'application/grpcx']) {
    const exchange = asking('/v2/users', { type });
    shieldOf({}).enter(exchange);
    assert.equal(exchange.inspectBody, undefined, type);
  }
  const exchange = asking(PATH, { type: GRPC });
  shieldOf({ frames: false }).enter(exchange);
  assert.equal(exchange.inspectBody, undefined);
});

test('another policy that looks at the body goes on doing so', () => {
  const exchange = asking(PATH, { type: GRPC });
  const seen: [number, boolean][] = [];
  exchange.inspectBody = (chunk, ended) => seen.push([chunk.length, ended]);
  shieldOf({}).enter(exchange);
  pass(exchange, [frame(0, 1), frame(0, 2)]);
  assert.deepEqual(seen, [
    [6, false],
    [7, false],
    [0, true],
  ]);
});

test('`enforce: false` lets a broken body pass and reports it once', () => {
  const { passed, code, reported, refused } = send(GRPC, [frame(9, 3), frame(9, 3)], { enforce: false });
  assert.deepEqual([passed, code, reported], [2, undefined, ['frames']]);
  assert.deepEqual(refused, [{ rule: 'frames', enforced: false }]);
});

/** Cuts bytes at these places. */
function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const at = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b);
  return [0, ...at].map((from, index) => bytes.subarray(from, at[index] ?? bytes.length));
}

const places = fc.array(fc.nat(), { maxLength: 40 });

test('whole frames, however they are cut, pass piece by piece', () => {
  const frames = fc.array(fc.tuple(fc.constantFrom(0, 1), fc.uint8Array({ maxLength: 40 })), { maxLength: 10 });
  fc.assert(
    fc.property(frames, places, fc.constantFrom(GRPC, WEB, CONNECT), (all, where, type) => {
      const pieces = cut(Buffer.concat(all.map(([flags, payload]) => frame(flags, payload))), where);
      const { passed, code } = send(type, pieces);
      assert.deepEqual([passed, code], [pieces.length, undefined]);
    }),
    { numRuns: 300 },
  );
});

test('garbage gets the same verdict however it is cut, and never throws', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 200 }),
      places,
      fc.constantFrom(GRPC, WEB, CONNECT),
      (bytes, where, type) => {
        assert.equal(send(type, cut(bytes, where)).detail, send(type, [bytes]).detail);
      },
    ),
    { numRuns: 300 },
  );
});

test('without `max_message_bytes` the route says how large a body, and so a message, may be', () => {
  for (const [limit, length, code] of [
    [1000, 1001, 'BODY_TOO_LARGE'],
    [1000, 1000, undefined],
    [0, 0xffffffff, undefined],
  ] as const) {
    const exchange = asking(PATH, { type: GRPC });
    shieldOf({}).enter(exchange);
    exchange.bodyLimit = limit;
    exchange.inspectBody?.(prefix(0, length), false);
    assert.equal(exchange.aborted?.code, code);
  }
});
