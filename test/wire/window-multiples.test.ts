// Answers as long as the window that the client gave. Harm: Node as a server resets the stream of an answer whose
// END_STREAM waits for window when nobody has read its request, and a whole answer counts as cut.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Cached, startCached } from '../support/cached.ts';
import { connectFrames, Flag, FrameType, frame, SettingId, uint32 } from '../support/h2-frames.ts';
import { until } from '../support/until.ts';

const KIB = 1024;
const FRESH = { 'cache-control': 'max-age=600', 'content-type': 'image/png' };
let stage: Cached;
before(async () => {
  stage = await startCached();
  stage.origin.play = (asked) => {
    const { searchParams, pathname } = new URL(asked.target, 'http://origin');
    const body = Buffer.alloc(Number(searchParams.get('bytes')), 'x');
    const said = pathname.startsWith('/c/') ? FRESH : {};
    if (searchParams.has('told')) return asked.answer(200, { ...said, 'content-length': body.length }, body);
    asked.head(200, said);
    asked.write(body);
    // The end comes when it has a frame of its own.
    setImmediate(() => asked.response.end());
  };
});
after(() => stage[Symbol.asyncDispose]());

/** Frames of the answer to a client whose window is as large as its body, and that gives more only when it is used up. */
async function exactly(bytes: number, path: string, fields: readonly (readonly [string, string])[] = []) {
  using client = await connectFrames(stage.gateway.port('clear'), {
    settings: [[SettingId.INITIAL_WINDOW_SIZE, bytes]],
  });
  client.giveWindow = false;
  client.keepData = false;
  client.send(frame(FrameType.WINDOW_UPDATE, 0, 0, uint32(32 * KIB * KIB)));
  const head = [
    [':method', 'GET'],
    [':scheme', 'https'],
    [':authority', 'localhost'],
    [':path', path],
    ...fields,
  ] as const;
  client.headers(1, head, Flag.END_STREAM | Flag.END_HEADERS);
  await until(() => client.bytes(1) === bytes || client.closed);
  await client.settled();
  client.window(1, 1);
  const frames = await client.finished(1);
  return [frames.at(-1), client.bytes(1)];
}

for (const bytes of [64 * KIB, 256 * KIB, 1024 * KIB, 4096 * KIB]) {
  for (const told of ['', '&told']) {
    const length = told === '' ? 'no length told' : 'its length told';
    test(`${bytes} bytes that pass, ${length}, end with END_STREAM at the end of the client's window`, async () => {
      const end = await exactly(bytes, `/v2/users?bytes=${bytes}${told}`);
      assert.deepEqual(end, ['DATA+END_STREAM 1', bytes]);
    });

    test(`${bytes} bytes that are stored, ${length}, end so for the first client and for the next`, async () => {
      for (const which of ['the first', 'the next']) {
        const end = await exactly(bytes, `/c/x?bytes=${bytes}${told}`);
        assert.deepEqual(end, ['DATA+END_STREAM 1', bytes], which);
      }
      assert.equal(stage.gateway.ended.at(-1)?.record.cache, 'hit');
    });
  }
}

test('a part of a stored answer as long as the window ends with END_STREAM', async () => {
  await exactly(256 * KIB, `/c/part?bytes=${256 * KIB}&told`);
  const end = await exactly(64 * KIB, `/c/part?bytes=${256 * KIB}&told`, [['range', 'bytes=0-65535']]);
  assert.deepEqual(end, ['DATA+END_STREAM 1', 64 * KIB]);
});

test('several parts of a stored answer, as long as the window together, end with END_STREAM', async () => {
  const path = `/c/parts?bytes=${256 * KIB}&told`;
  await exactly(256 * KIB, path);
  const ranges = [['range', 'bytes=0-65535,131072-196607']] as const;
  const { body } = await stage.get(path, { fields: Object.fromEntries(ranges) });
  assert.deepEqual(await exactly(body.length, path, ranges), ['DATA+END_STREAM 1', body.length]);
});
