// The age of connections: whoever is old is asked to go, and loses nothing.
// Harm: clients that never let go of a connection never see a replica that is new.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RawReply } from '../../src/core/raw.ts';
import { ENGINES } from '../../src/transport/engines/index.ts';
import { connectRaw } from '../support/h1-raw.ts';
import { connectFrames, Flag, FrameType } from '../support/h2-frames.ts';
import { HandClock } from '../support/hand-clock.ts';
import { startListener } from '../support/listener.ts';

const AGE_MS = 600_000;
const GRACE_MS = 30_000;

const GET: [string, string][] = [
  [':method', 'GET'],
  [':scheme', 'http'],
  [':authority', 'a'],
  [':path', '/hold'],
];

for (const [name, engine] of Object.entries(ENGINES)) {
  test(`engine ${name}: an old connection gets GOAWAY, and its streams end well`, async () => {
    const clock = new HandClock();
    const replies: RawReply[] = [];
    await using server = await startListener({
      engine,
      after: (ms, callback) => clock.after(ms, callback),
      limits: { maxConnectionAgeMs: AGE_MS },
      answer: (_request, reply) => void replies.push(reply),
    });
    using client = await connectFrames(server.port);
    client.headers(1, GET, Flag.END_STREAM);
    await server.request(0);
    clock.pass(AGE_MS * 0.89);
    await client.settled();
    assert.ok(!client.frames.some(({ type }) => type === FrameType.GOAWAY));
    clock.pass(AGE_MS * 0.22);
    assert.ok(await client.next(({ type }) => type === FrameType.GOAWAY));
    replies[0]!.end('late');
    assert.ok((await client.finished(1)).at(-1)?.includes('END_STREAM'));
    await server.until(() => server.open === 0);
  });
}

test('over HTTP/1.1 the next answer says that the connection is closed, and an idle one is not cut', async () => {
  const clock = new HandClock();
  await using server = await startListener({
    after: (ms, callback) => clock.after(ms, callback),
    limits: { maxConnectionAgeMs: AGE_MS },
  });
  using client = await connectRaw(server.port);
  client.request('GET / HTTP/1.1', 'host: a');
  assert.notEqual((await client.answer())?.header('connection'), 'close');
  clock.pass(AGE_MS * 1.1);
  client.request('GET / HTTP/1.1', 'host: a');
  const last = await client.answer();
  assert.deepEqual([last?.status, last?.header('connection')], [200, 'close']);
});

test('one that does not go within the grace is cut, and that is told', async () => {
  const clock = new HandClock();
  await using server = await startListener({
    after: (ms, callback) => clock.after(ms, callback),
    limits: { maxConnectionAgeMs: AGE_MS, maxConnectionAgeGraceMs: GRACE_MS },
  });
  using client = await connectFrames(server.port);
  client.headers(1, GET, Flag.END_STREAM);
  await server.request(0);
  clock.pass(AGE_MS * 1.1);
  clock.pass(GRACE_MS);
  assert.equal((await server.end()).limit, 'limits.max_connection_age_grace_ms');
  await server.until(() => server.open === 0);
});

test('without a limit nobody is asked to go', async () => {
  const clock = new HandClock();
  await using server = await startListener({ after: (ms, callback) => clock.after(ms, callback) });
  using client = await connectRaw(server.port);
  client.request('GET / HTTP/1.1', 'host: a');
  await client.answer();
  clock.pass(1e12);
  client.request('GET / HTTP/1.1', 'host: a');
  assert.notEqual((await client.answer())?.header('connection'), 'close');
});
