// Floods that no budget of the config counts, and resets that a client makes the server send, on the gateway's own engine.
// Harm: a peer has us work, or keep things, for frames that cost it nothing.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ENGINES } from '../../../src/transport/engines/index.ts';
import { bystander, GET } from '../../contracts/engine-suite.ts';
import { connectFrames, FrameType as F, Flag, frame, headerBlock, uint32 } from '../../support/h2-frames.ts';
import { startListener, type TestListenerOptions } from '../../support/listener.ts';

const start = (options: TestListenerOptions = {}) => startListener({ ...options, engine: ENGINES.frames });
const times = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
const POST = GET('/hold').with(0, [':method', 'POST']);
const post = (id: number, ...fields: [string, string][]): Buffer =>
  frame(F.HEADERS, Flag.END_HEADERS, id, headerBlock([...POST, ...fields]));

const FLOODS: [title: string, frames: () => Buffer[]][] = [
  ['PRIORITY flood (CVE-2019-9513)', () => times(5000).map((i) => frame(F.PRIORITY, 0, 1 + 2 * i, Buffer.alloc(5)))],
  ['flood of unknown frames', () => times(5000).map(() => frame(0x42, 0, 0))],
  ['empty DATA flood (CVE-2019-9518)', () => [post(1), ...times(500).map(() => frame(F.DATA, 0, 1))]],
  ['padding flood', () => [post(1), ...times(200).map(() => frame(F.DATA, Flag.PADDED, 1, Buffer.from([1, 0])))]],
  ['WINDOW_UPDATE flood', () => [post(1), ...times(5000).map(() => frame(F.WINDOW_UPDATE, 0, 1, uint32(1)))]],
  [
    'RST_STREAM flood of one closed stream',
    () => [post(1), ...times(5000).map(() => frame(F.RST_STREAM, 0, 1, uint32(8)))],
  ],
  ['GOAWAY flood', () => [post(1), ...times(5000).map(() => frame(F.GOAWAY, 0, 0, Buffer.alloc(8)))]],
  ['ACK flood', () => times(5000).map(() => frame(F.PING, Flag.ACK, 0, Buffer.alloc(8)))],
];

for (const [title, frames] of FLOODS) {
  test(`${title}: GOAWAY(ENHANCE_YOUR_CALM), and the client beside does not notice`, async () => {
    await using server = await start();
    using good = await bystander(server);
    using bad = await connectFrames(server.port);
    bad.send(...frames());
    const calm = await bad.next(({ type, payload }) => type === F.GOAWAY && payload.readUInt32BE(4) === 11);
    assert.notEqual(calm, undefined);
    await bad.next(() => false);
    assert.equal((await server.end()).code, 'ENHANCE_YOUR_CALM');
    await good.unharmed();
  });
}

const MADE: [how: string, frames: (id: number) => Buffer[]][] = [
  ['WINDOW_UPDATE of 0', (id) => [post(id), frame(F.WINDOW_UPDATE, 0, id, uint32(0))]],
  ['a window above 2^31-1', (id) => [post(id), frame(F.WINDOW_UPDATE, 0, id, uint32(2 ** 31 - 1))]],
  ['more DATA than Content-Length', (id) => [post(id, ['content-length', '1']), frame(F.DATA, 0, id, 'xx')]],
  ['DATA after END_STREAM', (id) => [frame(F.HEADERS, 5, id, headerBlock(POST)), frame(F.DATA, 0, id, 'x')]],
  ['trailers that go on', (id) => [post(id), post(id)]],
];

for (const [how, frames] of MADE) {
  test(`MadeYouReset (CVE-2025-8671) by ${how}: counted like a reset of the client`, async () => {
    await using server = await start({ rates: { resets: 1, malformed: 0, header_bytes: 0 } });
    using bad = await connectFrames(server.port);
    bad.send(...times(100).flatMap((i) => frames(1 + 2 * i)));
    const goaway = await bad.next(({ type }) => type === F.GOAWAY);
    assert.equal(goaway?.payload.readUInt32BE(4), 11);
    assert.equal((await server.end()).limit, 'limits.per_connection.resets_per_s');
    assert.ok(server.requests.length <= 12, String(server.requests.length));
    await server.until(() => server.listener.streams === 0);
  });
}

test('malformed requests cost the budget of malformed ones, though nobody sees them', async () => {
  await using server = await start({ rates: { resets: 0, malformed: 1, header_bytes: 0 } });
  using bad = await connectFrames(server.port);
  bad.send(...times(50).map((i) => post(1 + 2 * i, ['X', '1'])));
  await bad.next(({ type }) => type === F.GOAWAY);
  assert.equal((await server.end()).limit, 'limits.per_connection.malformed_per_s');
  assert.equal(server.requests.length, 0);
});

test('a peer that asks and does not read is not read from: what it would be answered is bounded', async () => {
  // Heads wait for no window, and each of these is another one for HPACK.
  let answers = 0;
  await using server = await start({
    answer({ stream }) {
      answers += 1;
      stream.respond(200, ['x', String(answers).padEnd(1000, '~')], true);
    },
  });
  using client = await connectFrames(server.port);
  await client.settled();
  client.socket.pause();
  const block = headerBlock(GET('/'));
  // As much as the kernel takes: a server that goes on reading would take all of it.
  for (let id = 1; id < 400_000; id += 2) {
    if (!client.socket.write(frame(F.HEADERS, 5, id, block)) && client.socket.writableLength > 2 ** 20) break;
    if (id % 2000 === 1) await new Promise((resolve) => setImmediate(resolve));
  }
  for (let before = -1; before !== server.requests.length; ) {
    before = server.requests.length;
    for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  }
  // Kernel buffers of loopback take megabytes; each request here is answered with more than a kilobyte.
  assert.equal(client.closed, false);
  assert.ok(server.requests.length < 30_000, String(server.requests.length));
});

test('a PING for each DATA, by which gRPC clients measure their windows, is no flood however many they are', async () => {
  await using server = await start({ answer: ({ stream }) => stream.respondWhole(200, [], [Buffer.from('x')]) });
  using client = await connectFrames(server.port);
  for (let i = 0; i < 3000; i += 1) {
    client.send(
      frame(F.HEADERS, Flag.END_HEADERS | Flag.END_STREAM, 1 + 2 * i, headerBlock(GET('/'))),
      frame(F.PING, 0, 0, Buffer.alloc(8)),
    );
    if (i % 50 === 49) await client.finished(1 + 2 * i);
  }
  assert.equal(client.closed, false);
  assert.ok(!client.frames.some(({ type }) => type === F.GOAWAY));
});

test('parts of DATA for a stream that was reset do not count one by one: they are cut by the network', async () => {
  await using server = await start({ answer: ({ stream }) => stream.reset(8) });
  using client = await connectFrames(server.port);
  const data = frame(F.DATA, 0, 1, Buffer.alloc(16_384));
  client.send(post(1));
  assert.deepEqual(await client.finished(1), ['RST_STREAM 1 code 8']);
  client.socket.setNoDelay(true);
  for (let round = 0; round < 2; round += 1) {
    for (let at = 0; at < data.length; at += 20) {
      client.send(data.subarray(at, at + 20));
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  await client.settled();
  assert.equal(client.closed, false);
});
