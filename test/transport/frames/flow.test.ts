// Flow control of the gateway's own engine, RFC 9113 section 5.2 and 6.9, and how its frames go out.
// Harm: a stream that stops stops its siblings, or fills the memory; an answer waits for a window that was given.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NOBODY, type RawRequest } from '../../../src/core/raw.ts';
import { ENGINES } from '../../../src/transport/engines/index.ts';
import { GET } from '../../contracts/engine-suite.ts';
import {
  connectFrames,
  FrameType as F,
  Flag,
  type FramePeer,
  frame,
  headerBlock,
  uint32,
} from '../../support/h2-frames.ts';
import { startListener, type TestListenerOptions } from '../../support/listener.ts';

const start = (options: TestListenerOptions = {}) => startListener({ ...options, engine: ENGINES.frames });
const POST = GET('/').with(0, [':method', 'POST']);
const whole = (bytes: number) => (request: RawRequest) =>
  request.stream.respondWhole(200, ['content-length', String(bytes)], [Buffer.alloc(bytes, 'x')]);
const windows = (peer: FramePeer, stream: number): number =>
  peer.frames
    .filter(({ type, stream: of }) => type === F.WINDOW_UPDATE && of === stream)
    .reduce((sum, { payload }) => sum + payload.readUInt32BE(0), 0);

test('an answer stops at the window of its stream, and goes on as it is widened', async () => {
  await using server = await start({ answer: whole(100_000) });
  using client = await connectFrames(server.port, { settings: [[0x4, 10]] });
  client.giveWindow = false;
  client.headers(1, GET('/'), Flag.END_STREAM);
  await client.next(() => client.bytes(1) === 10);
  client.send(frame(F.WINDOW_UPDATE, 0, 1, uint32(5)));
  await client.next(() => client.bytes(1) === 15);
  client.window(1, 200_000);
  await client.finished(1);
  assert.equal(client.bytes(1), 100_000);
});

test('an answer without a byte of window left ends where it has none to send', async () => {
  await using server = await start({ answer: (_request, reply) => reply.end() });
  using client = await connectFrames(server.port, { settings: [[0x4, 0]] });
  client.headers(1, GET('/'), Flag.END_STREAM);
  assert.deepEqual(await client.finished(1), ['HEADERS+END_STREAM 1']);
});

test('SETTINGS_INITIAL_WINDOW_SIZE changes open streams, below zero too', async () => {
  await using server = await start({ answer: whole(50_000) });
  using client = await connectFrames(server.port, { settings: [[0x4, 20_000]] });
  client.giveWindow = false;
  client.headers(1, GET('/'), Flag.END_STREAM);
  await client.next(() => client.bytes(1) === 20_000);
  client.settings([[0x4, 5000]]); // 15,000 below zero
  client.send(frame(F.WINDOW_UPDATE, 0, 1, uint32(15_000)));
  await client.settled();
  assert.equal(client.bytes(1), 20_000);
  client.settings([[0x4, 6000]]);
  await client.next(() => client.bytes(1) === 21_000);
  client.settings([[0x4, 60_000]]);
  await client.finished(1);
  assert.equal(client.bytes(1), 50_000);
});

test('the window of the connection is shared in turns', async () => {
  await using server = await start({ answer: whole(200_000) });
  using client = await connectFrames(server.port, { settings: [[0x4, 2 ** 20]] });
  client.giveWindow = false;
  await client.settled();
  for (const id of [1, 3, 5]) client.headers(id, GET('/'), Flag.END_STREAM);
  await client.next(() => client.bytes(1) + client.bytes(3) + client.bytes(5) === 65_535);
  client.send(frame(F.WINDOW_UPDATE, 0, 0, uint32(3 * 65_536)));
  await client.next(() => client.bytes(1) + client.bytes(3) + client.bytes(5) === 65_535 + 3 * 65_536);
  for (const id of [1, 3, 5]) assert.ok(client.bytes(id) >= 49_152, `${id}: ${client.bytes(id)}`);
});

test('a request that nobody reads takes its window and no more; what is read is given back', async () => {
  await using server = await start({ answer: () => {}, limits: { connectionWindowBytes: 1_000_000 } });
  using client = await connectFrames(server.port);
  client.headers(1, POST);
  const { stream } = await server.request(0);
  for (let i = 0; i < 4; i += 1) client.data(1, Buffer.alloc(16_000));
  await client.settled();
  assert.equal(windows(client, 1), 0);
  let read = 0;
  stream.receiver = {
    ...NOBODY,
    onData(chunk) {
      read += chunk.length;
    },
  };
  stream.resume();
  await client.next(() => windows(client, 1) > 0);
  assert.equal(read, 64_000);
  assert.ok(windows(client, 1) >= 32_768 && windows(client, 1) <= 64_000);
});

test('what came for a stream that is reset is given back to its connection, read or not', async () => {
  await using server = await start({ answer: () => {} });
  using client = await connectFrames(server.port);
  for (const id of [1, 3, 5, 7]) {
    client.headers(id, POST);
    client.data(id, Buffer.alloc(16_000));
    client.data(id, Buffer.alloc(16_000));
    await server.request((id - 1) / 2);
    await client.settled();
    if (id % 4 === 1) client.reset(id, 8);
    else server.requests[(id - 1) / 2]!.stream.reset(8);
    await client.settled();
  }
  // 128,000 bytes went through a window of 65,535; without GOAWAY all of them were given back in time.
  assert.ok(windows(client, 0) >= 64_000);
  assert.ok(!client.frames.some(({ type }) => type === F.GOAWAY));
});

test('padding counts for the windows, and is given back', async () => {
  await using server = await start({ answer: () => {} });
  using client = await connectFrames(server.port);
  client.headers(1, POST);
  const { stream } = await server.request(0);
  stream.receiver = { ...NOBODY };
  stream.resume();
  const padded = frame(F.DATA, Flag.PADDED, 1, Buffer.concat([Buffer.from([200, 65]), Buffer.alloc(200)]));
  for (let i = 0; i < 700; i += 1) client.send(padded);
  await client.settled();
  assert.ok(windows(client, 0) >= 700 * 202 - 65_535);
  assert.ok(!client.frames.some(({ type }) => type === F.GOAWAY));
});

test('answers that are made in one turn go out in one write', async () => {
  const requests: RawRequest[] = [];
  await using server = await start({ answer: (request) => void requests.push(request) });
  using client = await connectFrames(server.port);
  const block = headerBlock(GET('/'));
  client.send(...[1, 3, 5, 7].map((id) => frame(F.HEADERS, 5, id, block)));
  await server.request(3);
  await client.settled();
  let chunks = 0;
  client.socket.on('data', () => {
    chunks += 1;
  });
  for (const { stream } of requests) stream.respondWhole(200, ['content-type', 'text/plain'], [Buffer.from('ok')]);
  await client.finished(7);
  assert.equal(chunks, 1);
  for (const id of [1, 3, 5, 7]) assert.deepEqual(client.of(id), [`HEADERS ${id}`, `DATA+END_STREAM ${id}`]);
});

test('drain: GOAWAY comes behind no answer that the client has not read; for who says nothing it comes all the same', async () => {
  await using server = await start();
  using client = await connectFrames(server.port);
  client.answerPings = false;
  const pings = () => client.frames.filter(({ type, flags }) => type === F.PING && flags === 0);
  const goaways = () => client.frames.filter(({ type }) => type === F.GOAWAY);
  const pong = (): void => client.send(frame(F.PING, Flag.ACK, 0, pings().at(-1)!.payload));
  client.headers(1, GET('/hold'), Flag.END_STREAM);
  await server.request(0);
  const drained = server.listener.drain();
  await client.next(() => pings().length === 1);
  client.headers(3, GET('/'), Flag.END_STREAM);
  await client.finished(3);
  // The answer came behind the PING: whether it was read is not known.
  pong();
  await client.next(() => pings().length === 2);
  assert.deepEqual(goaways(), []);
  pong();
  await client.next(() => goaways().length === 1);
  assert.equal(pings().length, 3);
  pong();
  await client.next(() => goaways().length === 2);
  assert.deepEqual(
    goaways().map(({ payload }) => payload.readUInt32BE(0)),
    [2 ** 31 - 1, 3],
  );
  client.reset(1, 8);
  await drained;
});

test('drain in two steps: a request that crosses the first GOAWAY is served, one behind the second is not', async () => {
  await using server = await start();
  using client = await connectFrames(server.port);
  client.answerPings = false;
  client.headers(1, GET('/hold'), Flag.END_STREAM);
  await server.request(0);
  const drained = server.listener.drain();
  const first = await client.next(({ type }) => type === F.GOAWAY);
  assert.equal(first?.payload.readUInt32BE(0), 2 ** 31 - 1);
  client.headers(3, GET('/'), Flag.END_STREAM);
  assert.ok((await client.finished(3)).at(-1)?.includes('END_STREAM'));
  const ping = await client.next(({ type, flags }) => type === F.PING && flags === 0);
  // One from before the GOAWAY, and the one behind it.
  client.send(frame(F.PING, Flag.ACK, 0, ping!.payload));
  await client.settled();
  assert.equal(client.frames.filter(({ type }) => type === F.GOAWAY).length, 1);
  client.send(frame(F.PING, Flag.ACK, 0, ping!.payload));
  const second = await client.next(({ type, payload }) => type === F.GOAWAY && payload.readUInt32BE(0) === 3);
  assert.equal(second?.payload.readUInt32BE(4), 0);
  client.headers(5, GET('/'), Flag.END_STREAM);
  await client.settled();
  assert.equal(server.requests.length, 2);
  client.reset(1, 8);
  await client.next(() => false);
  await drained;
});

test('a slow reader has all of an answer that was complete when the connection was drained', async () => {
  const bytes = 3_000_000;
  await using server = await start({ answer: whole(bytes) });
  using client = await connectFrames(server.port, { settings: [[0x4, 2 ** 30]] });
  client.keepData = false;
  client.send(frame(F.WINDOW_UPDATE, 0, 0, uint32(2 ** 30)));
  await client.settled();
  client.headers(1, GET('/'), Flag.END_STREAM);
  await client.next(() => client.bytes(1) > 0);
  client.socket.pause();
  void server.listener.drain();
  await new Promise((resolve) => setImmediate(resolve));
  client.socket.resume();
  assert.ok((await client.finished(1)).at(-1)?.includes('END_STREAM'));
  assert.equal(client.bytes(1), bytes);
});

test('no GOAWAY names a higher stream than the one before it: what came behind that was not looked at', async () => {
  await using server = await start();
  using client = await connectFrames(server.port);
  client.headers(1, GET('/hold'), Flag.END_STREAM);
  await server.request(0);
  void server.listener.drain();
  await client.next(
    ({ type, payload }) => type === F.GOAWAY && payload.readUInt32BE(0) === 1 && payload.readUInt32BE(4) === 0,
  );
  client.headers(3, GET('/'), Flag.END_STREAM);
  client.send(frame(F.WINDOW_UPDATE, 0, 0, uint32(0)));
  await client.next(() => false);
  const last = client.frames.filter(({ type }) => type === F.GOAWAY).map(({ payload }) => payload.readUInt32BE(0));
  assert.deepEqual(last, [2 ** 31 - 1, 1, 1]);
  assert.equal(server.requests.length, 1);
});

test('a reader of a stream that throws where it may write on ends its connection, and no other', async () => {
  await using server = await start({
    answer(request, reply) {
      if (request.target === '/ok') {
        reply.end('ok');
        return;
      }
      request.stream.receiver = {
        ...NOBODY,
        onDrain() {
          throw new Error('a defect');
        },
      };
      request.stream.respond(200, [], false);
      request.stream.write(Buffer.alloc(200_000));
    },
  });
  using good = await connectFrames(server.port);
  using bad = await connectFrames(server.port);
  bad.headers(1, GET('/'), Flag.END_STREAM);
  const goaway = await bad.next(({ type }) => type === F.GOAWAY);
  assert.equal(goaway?.payload.readUInt32BE(4), 2);
  good.headers(1, GET('/ok'), Flag.END_STREAM);
  assert.ok((await good.finished(1)).at(-1)?.includes('END_STREAM'));
});
