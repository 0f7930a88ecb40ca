// Answers of endpoints as the gateway's own HTTP/2 reads them: RFC 9113 sections 5 to 8, RFC 9110 sections 8.6 and 15.
// Harm: an endpoint that is broken, or was broken by one client's request, takes the requests of others with it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FramesPool } from '../../../src/upstream/frames/pool.ts';
import type { PoolSettings } from '../../../src/upstream/pool.ts';
import {
  Flag,
  type FramePeer,
  FrameType,
  frame,
  headerBlock,
  SettingId,
  startFrameServer,
  uint32,
} from '../../support/h2-frames.ts';
import { addressOf, Observed, poolSettings, request } from '../pool-settings.ts';

const OK = [[':status', '200']] as const;

type Fields = readonly (readonly [string, string])[];

function poolOf(address: string, settings: Partial<PoolSettings> = {}) {
  const observed = new Observed();
  const pool = new FramesPool(addressOf(address), poolSettings(settings), observed);
  return { pool, observed, [Symbol.dispose]: () => pool.destroy() };
}

/** What a GET, or another request, is told where the endpoint says this. */
async function told(say: (peer: FramePeer, stream: number) => void, method = 'GET', settings?: Partial<PoolSettings>) {
  await using server = await startFrameServer(say);
  using one = poolOf(server.address, settings);
  const asked = request({ method });
  (await one.pool.open(asked)).resume();
  await asked.receiver.seen('close');
  return asked.receiver;
}

/** On the same session: a request that the endpoint answers badly, then one that it answers well. */
async function goesOnAfter(say: (peer: FramePeer, stream: number) => void, settings?: Partial<PoolSettings>) {
  await using server = await startFrameServer((peer, stream) => {
    if (stream === 1) say(peer, stream);
    else peer.headers(stream, OK, Flag.END_STREAM);
  });
  using one = poolOf(server.address, settings);
  const [bad, good] = [request(), request()];
  (await one.pool.open(bad)).resume();
  await bad.receiver.seen('close');
  (await one.pool.open(good)).resume();
  await good.receiver.seen('close');
  assert.deepEqual(good.receiver.events, ['head', 'close']);
  assert.equal(server.peers.length, 1, 'the session goes on');
  return { ...bad.receiver, wire: server.peers[0]!.of(1) };
}

for (const [what, fields] of [
  ['no status', [['content-type', 'text/plain']]],
  ['a status that is none', [[':status', '20x']]],
  ['a status of two digits', [[':status', '20']]],
  ['two statuses', [...OK, [':status', '204']]],
  ['a status behind fields', [['server', 'x'], ...OK]],
  ['a pseudo-header of requests', [...OK, [':path', '/']]],
  ['a name in upper case', [...OK, ['Server', 'x']]],
  ['a name with a blank', [...OK, ['x y', '1']]],
  ['a field of connections', [...OK, ['transfer-encoding', 'chunked']]],
  ['a line feed in a value', [...OK, ['x', 'a\nset-cookie: b']]],
  ['a NUL in a value', [...OK, ['x', 'a\0b']]],
  ['a length that is none', [...OK, ['content-length', '-1']]],
  ['two lengths', [...OK, ['content-length', '1'], ['content-length', '2']]],
  ['101', [[':status', '101']]],
] as const satisfies readonly (readonly [string, Fields])[]) {
  test(`${what}: the stream is reset with PROTOCOL_ERROR, nothing of the head is told, and the session goes on`, async () => {
    const { events, resets, wire } = await goesOnAfter((peer, stream) => peer.headers(stream, fields));
    assert.deepEqual(events, ['reset', 'close']);
    assert.deepEqual([resets[0]!.code, resets[0]!.by, resets[0]!.unprocessed], [1, 'peer', false]);
    assert.ok(wire.includes('RST_STREAM 1 code 1'), wire.join());
  });
}

for (const [what, say] of [
  ['DATA before the head', (peer, stream) => peer.data(stream, 'x')],
  ['an end before the head', (peer, stream) => peer.data(stream, '', Flag.END_STREAM)],
  ['an interim head that ends', (peer, stream) => peer.headers(stream, [[':status', '103']], Flag.END_STREAM)],
  [
    'a head that ends, with a length',
    (peer, stream) => peer.headers(stream, [...OK, ['content-length', '5']], Flag.END_STREAM),
  ],
] as const satisfies readonly (readonly [string, (peer: FramePeer, stream: number) => void])[]) {
  test(`${what} is no answer; the session goes on`, async () => {
    const { events } = await goesOnAfter(say);
    assert.deepEqual(events, ['reset', 'close']);
  });
}

for (const [what, say] of [
  [
    'trailers with a status',
    (peer, stream) => {
      peer.headers(stream, OK);
      peer.headers(stream, OK, Flag.END_STREAM);
    },
  ],
  [
    'a second head that does not end',
    (peer, stream) => {
      peer.headers(stream, OK);
      peer.headers(stream, [['x', '1']]);
    },
  ],
  [
    'more than its length',
    (peer, stream) => {
      peer.headers(stream, [...OK, ['content-length', '3']]);
      peer.data(stream, 'four', Flag.END_STREAM);
    },
  ],
  [
    'less than its length',
    (peer, stream) => {
      peer.headers(stream, [...OK, ['content-length', '5']]);
      peer.data(stream, 'four', Flag.END_STREAM);
    },
  ],
] as const satisfies readonly (readonly [string, (peer: FramePeer, stream: number) => void])[]) {
  test(`an answer with ${what} is cut, and never ends; the session goes on`, async () => {
    const { events } = await goesOnAfter(say);
    assert.equal(events[0], 'head');
    assert.ok(!events.includes('end'), events.join());
    assert.deepEqual(events.slice(-2), ['reset', 'close']);
  });
}

for (const [what, method, status] of [
  ['HEAD', 'HEAD', '200'],
  ['304', 'GET', '304'],
  ['204', 'GET', '204'],
] as const) {
  test(`${what}: the length is that of another answer, and none is missed`, async () => {
    const head = [
      [':status', status],
      ['content-length', '1000'],
    ] as const;
    const ends = await told((peer, stream) => peer.headers(stream, head, Flag.END_STREAM), method);
    assert.deepEqual(ends.events, ['head', 'close']);
    const later = await told((peer, stream) => {
      peer.headers(stream, head);
      peer.data(stream, '', Flag.END_STREAM);
    }, method);
    assert.deepEqual(later.events, ['head', 'end', 'close']);
  });
}

for (const method of ['HEAD', 'GET'] as const) {
  test(`${method}: a body where there is none is no answer`, async () => {
    const { events } = await told((peer, stream) => {
      peer.headers(stream, [[':status', method === 'HEAD' ? '200' : '304']]);
      peer.data(stream, 'body', Flag.END_STREAM);
    }, method);
    assert.deepEqual(events, ['head', 'reset', 'close']);
  });
}

for (const [what, event] of [
  ['head', 'onHead'],
  ['close', 'onClose'],
] as const) {
  test(`a defect of whoever is told of a ${what} ends its session with its message, and the process lives`, async () => {
    await using server = await startFrameServer((peer, stream) => {
      if (stream === 3) peer.headers(1, OK, Flag.END_STREAM);
    });
    using one = poolOf(server.address);
    const [bad, other] = [request(), request()];
    bad.receiver[event] = () => {
      throw new Error('of this test');
    };
    await one.pool.open(bad);
    await one.pool.open(other);
    await other.receiver.seen('close');
    assert.equal((other.receiver.resets[0]!.cause as { code?: string }).code, 'DEFECT');
    await one.observed.until(() => one.observed.closed.length === 1);
    assert.equal(one.observed.closed[0]!.reason, 'defect: of this test');
    assert.equal(one.pool.streams, 0);
  });
}

test('blanks at the ends of a value are none of it; a value of blanks is empty', async () => {
  const { heads } = await told((peer, stream) =>
    peer.headers(stream, [...OK, ['x', ' a b\t'], ['y', '  ']], Flag.END_STREAM),
  );
  assert.deepEqual(heads[0]!.fields, [':status', '200', 'x', 'a b', 'y', '']);
});

test('interim heads are told each, then the head', async () => {
  await using server = await startFrameServer((peer, stream) => {
    peer.headers(stream, [
      [':status', '103'],
      ['link', '</a>; rel=preload'],
    ]);
    peer.headers(stream, [[':status', '104']]);
    peer.headers(stream, OK, Flag.END_STREAM);
  });
  using one = poolOf(server.address);
  const interim: number[] = [];
  const asked = request();
  asked.receiver.onInterim = (status) => interim.push(status);
  await one.pool.open(asked);
  await asked.receiver.seen('close');
  assert.deepEqual(
    [interim, asked.receiver.events],
    [
      [103, 104],
      ['head', 'close'],
    ],
  );
});

test('fields above max_answer_header_bytes fail their stream, which says so, and no other', async () => {
  const large = [...OK, ['x', 'a'.repeat(20_000)]] as const;
  const { resets, events } = await goesOnAfter((peer, stream) => peer.headers(stream, large), {
    maxAnswerHeaderBytes: 16_384,
  });
  assert.deepEqual(events, ['reset', 'close']);
  assert.match(String((resets[0]!.cause as { detail?: string }).detail), /16384 bytes/);
});

test('attack: thousands of streams that are given up, whose answers come later, end no session', async () => {
  await using server = await startFrameServer(() => {});
  using one = poolOf(server.address, { maxStreamsPerSession: 10_000 });
  for (let i = 0; i < 3000; i += 1) (await one.pool.open(request())).reset(8);
  const peer = await server.peer(0);
  await peer.finished(5999);
  const late: Buffer[] = [];
  for (let id = 1; id < 6000; id += 2) {
    late.push(frame(FrameType.HEADERS, Flag.END_HEADERS, id, headerBlock(OK)));
    for (let i = 0; i < 3; i += 1) late.push(frame(FrameType.DATA, 0, id, 'late'));
    late.push(frame(FrameType.WINDOW_UPDATE, 0, id, uint32(1)), frame(FrameType.RST_STREAM, 0, id, uint32(0)));
  }
  peer.send(...late);
  await peer.settled();
  assert.deepEqual([one.pool.sessions, one.pool.streams, peer.closed], [1, 0, false]);
});

test('attack: DATA of streams that are given up is given back to the window of the connection', async () => {
  await using server = await startFrameServer((peer, stream) => peer.headers(stream, OK));
  using one = poolOf(server.address, { sessionWindowBytes: 65_535 });
  for (let i = 0; i < 8; i += 1) {
    const asked = request();
    const stream = await one.pool.open(asked);
    await asked.receiver.seen('head');
    const peer = await server.peer(0);
    // Nobody reads it, and then nobody wants it.
    peer.data(1 + 2 * i, Buffer.alloc(16_384));
    peer.data(1 + 2 * i, Buffer.alloc(16_384));
    await peer.settled();
    stream.reset(8);
    await asked.receiver.seen('close');
  }
  assert.deepEqual([one.pool.sessions, one.observed.closed], [1, []]);
});

for (const [what, bytes, code] of [
  ['PUSH_PROMISE', frame(FrameType.PUSH_PROMISE, Flag.END_HEADERS, 1, uint32(2)), 1],
  ['an answer to what nobody asked', frame(FrameType.HEADERS, Flag.END_HEADERS, 99, headerBlock(OK)), 1],
  ['DATA on stream 0', frame(FrameType.DATA, 0, 0, 'x'), 1],
  ['a frame that is too large', frame(FrameType.DATA, 0, 1, Buffer.alloc(16_385)), 6],
  ['a header block that cannot be read', frame(FrameType.HEADERS, Flag.END_HEADERS, 1, Buffer.from([0xff, 0xff])), 9],
  ['SETTINGS with a window above 2^31-1', frame(FrameType.SETTINGS, 0, 0, Buffer.from('000480000000', 'hex')), 3],
  ['WINDOW_UPDATE of 0', frame(FrameType.WINDOW_UPDATE, 0, 0, uint32(0)), 1],
] as const) {
  test(`${what} ends the session with GOAWAY ${code}; its streams hear that the connection is lost, and the next request has another`, async () => {
    await using server = await startFrameServer((peer, stream) => {
      if (server.peers.length === 1) peer.send(bytes);
      else peer.headers(stream, OK, Flag.END_STREAM);
    });
    using one = poolOf(server.address);
    const [first, second] = [request(), request()];
    await one.pool.open(first);
    await first.receiver.seen('close');
    assert.deepEqual([first.receiver.events.at(-2), first.receiver.resets[0]!.by], ['reset', 'connection']);
    const peer = await server.peer(0);
    await peer.next(({ type }) => type === FrameType.GOAWAY);
    assert.ok(peer.of(0).includes(`GOAWAY 0 code ${code}`), peer.of(0).join());
    await one.pool.open(second);
    await second.receiver.seen('close');
    assert.deepEqual(second.receiver.events, ['head', 'close']);
  });
}

test('a request that was not written when its connection died was certainly not processed', async () => {
  await using server = await startFrameServer(() => {});
  using one = poolOf(server.address);
  const written = request();
  await one.pool.open(written);
  const peer = await server.peer(0);
  await peer.next(({ stream }) => stream === 1);
  const asked = request();
  const opening = one.pool.open(asked);
  // In the same turn: its HEADERS wait for the end of it.
  one.pool.destroy();
  await opening;
  await Promise.all([written, asked].map(({ receiver }) => receiver.seen('close')));
  assert.deepEqual(
    [written, asked].map(({ receiver }) => receiver.resets[0]!.unprocessed),
    [false, true],
  );
});

for (const [what, code, fields] of [
  ['two Authorization', 'BAD_HEADER', { fields: ['authorization', 'a', 'authorization', 'b'] }],
  ['a line feed in a value', 'BAD_HEADER', { fields: ['x', 'a\r\nhost: b'] }],
  ['a field of connections', 'BAD_HEADER', { fields: ['connection', 'close'] }],
  ['a name in upper case', 'BAD_HEADER', { fields: ['X', '1'] }],
  ['a blank in the path', 'BAD_PATH', { path: '/a b' }],
  ['a line feed in the path', 'BAD_PATH', { path: '/a\r\nx: y' }],
] as const) {
  test(`a request with ${what} is ${code}, opens no stream, and harms no other`, async () => {
    await using server = await startFrameServer((peer, stream) => peer.headers(stream, OK, Flag.END_STREAM));
    using one = poolOf(server.address);
    await assert.rejects(one.pool.open(request(fields as never)), { code });
    assert.equal(one.pool.streams, 0);
    const good = request();
    await one.pool.open(good);
    await good.receiver.seen('close');
    assert.deepEqual(good.receiver.events, ['head', 'close']);
  });
}

test('MAX_CONCURRENT_STREAMS that changes holds at once, up and down', async () => {
  await using server = await startFrameServer(() => {}, undefined, {
    settings: [[SettingId.MAX_CONCURRENT_STREAMS, 1]],
  });
  using one = poolOf(server.address, { maxSessions: 1 });
  await one.pool.open(request());
  const waiting = one.pool.open(request());
  const peer = await server.peer(0);
  peer.settings([[SettingId.MAX_CONCURRENT_STREAMS, 2]]);
  await waiting;
  assert.equal(one.pool.streams, 2);
  peer.settings([[SettingId.MAX_CONCURRENT_STREAMS, 0]]);
  await peer.settled();
  let opened = false;
  const last = one.pool.open(request()).then(() => {
    opened = true;
  });
  peer.headers(1, OK, Flag.END_STREAM);
  await peer.settled();
  assert.equal(opened, false);
  peer.settings([[SettingId.MAX_CONCURRENT_STREAMS, 2]]);
  await last;
});

test('whatever an endpoint sends, each request is told of its close once and last, and the process lives', async () => {
  const anyFrame = fc.record({
    type: fc.integer({ min: 0, max: 11 }),
    flags: fc.constantFrom(0, 1, 4, 5, 8, 0x20, 0xff),
    stream: fc.constantFrom(0, 1, 2, 3, 5, 7, 2 ** 31 - 1),
    payload: fc.oneof(
      fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
      fc.constantFrom(headerBlock(OK), headerBlock([['grpc-status', '0']]), uint32(8), Buffer.alloc(8)),
    ),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(anyFrame, { minLength: 1, maxLength: 20 }), fc.boolean(), async (frames, reads) => {
      await using server = await startFrameServer((peer, stream) => {
        if (stream !== 5) return;
        peer.send(...frames.map(({ type, flags, stream: id, payload }) => frame(type, flags, id, payload)));
        peer.socket.end();
      });
      using one = poolOf(server.address);
      const asked = [request(), request(), request({ method: 'POST', ended: false })];
      for (const each of asked) {
        const stream = await one.pool.open(each);
        if (reads) stream.resume();
      }
      // An answer that is whole is told when it is read; the others hear that the connection is lost.
      const over = asked.map(({ receiver }) => receiver.until(() => receiver.events.includes('close') || !reads));
      await Promise.all(over);
      for (const { receiver } of asked) {
        const { events } = receiver;
        assert.ok(events.filter((event) => event === 'close').length <= 1, events.join());
        assert.ok(!events.includes('close') || events.at(-1) === 'close', events.join());
        assert.match(events.join(), /^(head(,data)?(,end)?)?(,?reset)?(,?close)?$/);
      }
      if (reads) assert.equal(one.pool.streams, 0);
    }),
    { numRuns: 150 },
  );
});
