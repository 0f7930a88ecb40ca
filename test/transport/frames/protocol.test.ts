// RFC 9113, sentence by sentence, against the gateway's own engine: what breaks a rule of a stream resets the stream,
// what breaks one of the connection ends it, and what may be ignored is ignored.
// Harm: two sides that disagree about where a message ends; a peer that is let through with what nobody else accepts.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ENGINES } from '../../../src/transport/engines/index.ts';
import { GET } from '../../contracts/engine-suite.ts';
import { connectFrames, FrameType as F, Flag, frame, headerBlock, uint32 } from '../../support/h2-frames.ts';
import { startListener, type TestListenerOptions } from '../../support/listener.ts';

const start = (options: TestListenerOptions = {}) => startListener({ ...options, engine: ENGINES.frames });
const POST = GET('/hold').with(0, [':method', 'POST']);
const post = (id: number, ...fields: [string, string][]): Buffer =>
  frame(F.HEADERS, Flag.END_HEADERS, id, headerBlock([...POST, ...fields]));
const get = (id: number): Buffer => frame(F.HEADERS, 5, id, headerBlock(GET('/')));
const setting = (id: number, value: number): Buffer => {
  const bytes = Buffer.alloc(6);
  bytes.writeUInt16BE(id);
  bytes.writeUInt32BE(value, 2);
  return frame(F.SETTINGS, 0, 0, bytes);
};
const eight = Buffer.alloc(8);

const CONNECTION: [title: string, code: number, frames: Buffer[]][] = [
  ['4.2: SETTINGS of a size that is no multiple of 6', 6, [frame(F.SETTINGS, 0, 0, 'abc')]],
  ['4.3: a frame of another stream inside a header block', 1, [frame(F.HEADERS, 0, 1, 'x'), get(3)]],
  ['4.3: a PING inside a header block', 1, [frame(F.HEADERS, 0, 1, 'x'), frame(F.PING, 0, 0, eight)]],
  ['5.1: DATA on an idle stream', 1, [frame(F.DATA, 0, 1, 'x')]],
  ['5.1: RST_STREAM on an idle stream', 1, [frame(F.RST_STREAM, 0, 1, uint32(8))]],
  ['5.1: WINDOW_UPDATE on an idle stream', 1, [frame(F.WINDOW_UPDATE, 0, 1, uint32(1))]],
  [
    '5.1: DATA after RST_STREAM of the client',
    5,
    [post(1), frame(F.RST_STREAM, 0, 1, uint32(8)), frame(F.DATA, 0, 1, 'x')],
  ],
  ['5.1: HEADERS after RST_STREAM of the client', 5, [post(1), frame(F.RST_STREAM, 0, 1, uint32(8)), post(1)]],
  ['5.1.1: a stream id lower than one before, and never used', 5, [post(5), post(3)]],
  ['6.1: more padding than payload', 1, [post(1), frame(F.DATA, Flag.PADDED, 1, Buffer.from([9, 1, 2]))]],
  ['6.1: PADDED without the length of the padding', 6, [post(1), frame(F.DATA, Flag.PADDED, 1)]],
  ['6.2: HEADERS on stream 0', 1, [frame(F.HEADERS, 5, 0, headerBlock(GET('/')))]],
  ['6.2: HEADERS too short for the priority that it says it has', 1, [frame(F.HEADERS, 0x25, 1, 'abc')]],
  ['6.3: PRIORITY on stream 0', 1, [frame(F.PRIORITY, 0, 0, Buffer.alloc(5))]],
  ['6.3: PRIORITY of 4 bytes', 6, [frame(F.PRIORITY, 0, 1, Buffer.alloc(4))]],
  ['6.4: RST_STREAM on stream 0', 1, [frame(F.RST_STREAM, 0, 0, uint32(8))]],
  ['6.4: RST_STREAM of 5 bytes', 6, [post(1), frame(F.RST_STREAM, 0, 1, Buffer.alloc(5))]],
  ['6.5: SETTINGS on a stream', 1, [frame(F.SETTINGS, 0, 1)]],
  ['6.5: an ACK with settings', 6, [frame(F.SETTINGS, Flag.ACK, 0, Buffer.alloc(6))]],
  ['6.5.2: ENABLE_PUSH of 2', 1, [setting(2, 2)]],
  ['6.5.2: INITIAL_WINDOW_SIZE of 2^31', 3, [setting(4, 2 ** 31)]],
  ['6.5.2: MAX_FRAME_SIZE of 16383', 1, [setting(5, 16_383)]],
  ['6.5.2: MAX_FRAME_SIZE of 2^24', 1, [setting(5, 2 ** 24)]],
  ['6.7: PING on a stream', 1, [frame(F.PING, 0, 1, eight)]],
  ['6.7: PING of 7 bytes', 6, [frame(F.PING, 0, 0, Buffer.alloc(7))]],
  ['6.8: GOAWAY on a stream', 1, [frame(F.GOAWAY, 0, 1, eight)]],
  ['6.8: GOAWAY of 7 bytes', 6, [frame(F.GOAWAY, 0, 0, Buffer.alloc(7))]],
  ['6.9: WINDOW_UPDATE of 3 bytes', 6, [frame(F.WINDOW_UPDATE, 0, 0, Buffer.alloc(3))]],
  ['6.9.1: more DATA than the window of the connection', 3, [post(1), post(3), ...windowful(1), ...windowful(3)]],
  [
    '6.9.2: INITIAL_WINDOW_SIZE makes a window too large',
    3,
    [post(1), frame(F.WINDOW_UPDATE, 0, 1, uint32(2 ** 30)), setting(4, 2 ** 31 - 1)],
  ],
  ['6.10: CONTINUATION of another stream', 1, [frame(F.HEADERS, 0, 1, 'x'), frame(F.CONTINUATION, 4, 3, 'x')]],
];

/** So much DATA as fills a window of 65,535 and a little more than half of it. */
function windowful(id: number): Buffer[] {
  return [1, 2, 3].map(() => frame(F.DATA, 0, id, Buffer.alloc(16_384)));
}

for (const [title, code, frames] of CONNECTION) {
  test(`${title}: GOAWAY with code ${code}, and the connection ends`, async () => {
    await using server = await start({ limits: { streamWindowBytes: 65_535 } });
    using client = await connectFrames(server.port);
    client.answerSettings = false;
    client.send(...frames);
    const goaway = await client.next(({ type }) => type === F.GOAWAY);
    assert.equal(goaway?.payload.readUInt32BE(4), code);
    await client.next(() => false);
    assert.notEqual((await server.end()).code, undefined);
    await server.until(() => server.listener.streams === 0 && server.open === 0);
  });
}

const STREAM: [title: string, code: number, frames: Buffer[]][] = [
  ['5.1: DATA after END_STREAM', 5, [frame(F.HEADERS, 5, 1, headerBlock(GET('/hold'))), frame(F.DATA, 0, 1, 'x')]],
  ['5.1: HEADERS after END_STREAM', 5, [frame(F.HEADERS, 5, 1, headerBlock(GET('/hold'))), get(1)]],
  ['6.9: WINDOW_UPDATE of 0', 1, [post(1), frame(F.WINDOW_UPDATE, 0, 1, uint32(0))]],
  ['6.9.1: a window above 2^31-1', 3, [post(1), frame(F.WINDOW_UPDATE, 0, 1, uint32(2 ** 31 - 1))]],
  ['8.1: trailers without END_STREAM', 1, [post(1), post(1)]],
  ['8.1: a pseudo-header in trailers', 1, [post(1), frame(F.HEADERS, 5, 1, headerBlock([[':path', '/']]))]],
  ['8.1.1: more DATA than Content-Length', 1, [post(1, ['content-length', '3']), frame(F.DATA, 0, 1, 'four')]],
  ['8.1.1: less DATA than Content-Length', 1, [post(1, ['content-length', '5']), frame(F.DATA, 1, 1, 'four')]],
  ['8.2: upper case in a name', 1, [post(1, ['X', '1'])]],
  ['8.2.1: a blank before a value', 1, [post(1, ['x', ' 1'])]],
  ['8.2.1: NUL in a value', 1, [post(1, ['x', 'a\0b'])]],
  ['8.2.1: CR LF in a value', 1, [post(1, ['x', 'a\r\nb: c'])]],
  ['8.2.1: a name that is no token', 1, [post(1, ['x y', '1'])]],
  ['8.2.1: an empty name (CVE-2019-9516)', 1, [post(1, ['', '1'])]],
  ['8.2.2: Connection', 1, [post(1, ['connection', 'close'])]],
  ['8.2.2: TE other than trailers', 1, [post(1, ['te', 'gzip'])]],
  ['8.3: a pseudo-header after a field', 1, [post(1, ['x', '1'], [':authority', 'b'])]],
  ['8.3: a pseudo-header that is none', 1, [post(1, [':x', '1'])]],
  ['8.3.1: no :scheme', 1, [frame(F.HEADERS, 4, 1, headerBlock(POST.filter(([name]) => name !== ':scheme')))]],
  ['8.3.1: an empty :path', 1, [frame(F.HEADERS, 4, 1, headerBlock(POST.with(3, [':path', ''])))]],
  ['8.3.1: :method twice', 1, [frame(F.HEADERS, 4, 1, headerBlock([[':method', 'GET'], ...POST]))]],
  ['8.5: CONNECT with a path', 1, [frame(F.HEADERS, 4, 1, headerBlock(POST.with(0, [':method', 'CONNECT'])))]],
  [
    'RFC 8441: :protocol, which is not offered',
    1,
    [frame(F.HEADERS, 4, 1, headerBlock([[':protocol', 'websocket'], ...POST]))],
  ],
];

for (const [title, code, frames] of STREAM) {
  test(`${title}: RST_STREAM with code ${code}, the owner is told, and siblings live`, async () => {
    await using server = await start();
    using client = await connectFrames(server.port);
    client.send(...frames);
    assert.deepEqual(await client.finished(1), [`RST_STREAM 1 code ${code}`]);
    client.send(get(3));
    assert.ok((await client.finished(3)).at(-1)?.includes('END_STREAM'));
    await server.until(() => server.listener.streams === 0);
  });
}

const IGNORED: [title: string, frames: Buffer[]][] = [
  ['5.5: a frame of an unknown type', [frame(0x42, 0xff, 7, 'what')]],
  ['RFC 9218: PRIORITY_UPDATE', [frame(0x10, 0, 0, Buffer.concat([uint32(1), Buffer.from('u=1')]))]],
  ['6.3: PRIORITY of an idle stream', [frame(F.PRIORITY, 0, 99, Buffer.alloc(5))]],
  ['6.5.2: a setting that nobody knows', [setting(0x4242, 1)]],
  [
    '6.9: WINDOW_UPDATE of a stream that is over',
    [get(1), frame(F.PING, 0, 0, eight), frame(F.WINDOW_UPDATE, 0, 1, uint32(9))],
  ],
  [
    '6.2: padding and priority of HEADERS',
    [
      frame(
        F.HEADERS,
        0x2d,
        1,
        Buffer.concat([Buffer.from([3, 0, 0, 0, 0, 15]), headerBlock(GET('/')), Buffer.alloc(3)]),
      ),
    ],
  ],
  [
    '5.1: what comes for a stream that was refused',
    [post(1, ['X', '1']), frame(F.DATA, 0, 1, 'x'), frame(F.DATA, 1, 1, 'x')],
  ],
  [
    '6.10: a header block of many pieces',
    [
      frame(F.HEADERS, 1, 1, headerBlock(GET('/')).subarray(0, 5)),
      frame(F.CONTINUATION, 0, 1, ''),
      frame(F.CONTINUATION, 4, 1, headerBlock(GET('/')).subarray(5)),
    ],
  ],
];

for (const [title, frames] of IGNORED) {
  test(`${title}: taken, and the next request is answered`, async () => {
    await using server = await start();
    using client = await connectFrames(server.port);
    client.answerSettings = false;
    client.send(...frames, get(101));
    assert.ok((await client.finished(101)).at(-1)?.includes('END_STREAM'));
    assert.ok(!client.frames.some(({ type }) => type === F.GOAWAY));
  });
}

test('3.4: another protocol than HTTP/2 is told at its first byte, and ends', async () => {
  await using server = await start();
  using client = await connectFrames(server.port);
  client.send(Buffer.from('GET / HTTP/1.1\r\n\r\n'));
  const goaway = await client.next(({ type }) => type === F.GOAWAY);
  assert.equal(goaway?.payload.readUInt32BE(4), 6, 'the head of no frame that is small enough');
});

test('a connection that comes byte by byte is read like one that comes at once', async () => {
  await using server = await start();
  using client = await connectFrames(server.port);
  client.answerSettings = false; // its ACK would come between two bytes of a frame
  const bytes = Buffer.concat([frame(F.PING, 0, 0, eight), post(1), frame(F.DATA, 0, 1, 'abc'), get(3)]);
  for (const byte of bytes) {
    client.send(Buffer.from([byte]));
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.ok((await client.finished(3)).at(-1)?.includes('END_STREAM'));
  assert.equal((await server.request(0)).target, '/hold');
});
