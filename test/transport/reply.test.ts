// The reply that Fastify writes gateway-made answers to: just enough of a ServerResponse.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type DownstreamStream, NOBODY } from '../../src/core/raw.ts';
import { StreamReply } from '../../src/transport/reply.ts';

function reply(method = 'GET') {
  const told: unknown[] = [];
  const stream: DownstreamStream & { full: boolean } = {
    full: false,
    receiver: NOBODY,
    ended: true,
    responded: false,
    onClosed: undefined,
    inform() {},
    respondWhole: (status, fields) => told.push(['respondWhole', status, [...fields]]),
    respond: (status, fields, ended) => told.push(['respond', status, [...fields], ended]),
    write(chunk) {
      told.push(['write', Buffer.from(chunk).toString()]);
      return !stream.full;
    },
    end: () => told.push(['end']),
    reset: (code) => told.push(['reset', code]),
    pause() {},
    resume() {},
  };
  return { told, stream, reply: new StreamReply(stream, method) };
}

test('an answer without a body ends with its head', () => {
  const { told, reply: one } = reply();
  one.statusCode = 204;
  one.end();
  assert.deepEqual(told, [['respond', 204, [], true]]);
});

test('an answer with a body is head, body, end; names are lower-case and lists are several fields', () => {
  const { told, reply: one } = reply();
  one.writeHead(200, { 'X-A': ['1', '2'], 'content-length': 2, none: undefined });
  one.end('ok');
  assert.deepEqual(told, [
    ['respond', 200, ['x-a', '1', 'x-a', '2', 'content-length', '2'], false],
    ['write', 'ok'],
    ['end'],
  ]);
});

test('an answer to HEAD has the head of the one to GET, and nothing else', () => {
  const { told, reply: one } = reply('HEAD');
  one.setHeader('content-length', 2);
  one.end('ok');
  assert.deepEqual(told, [['respond', 200, ['content-length', '2'], true]]);
});

test('a trailers-only answer has no Content-Length', () => {
  const { told, reply: one } = reply();
  one.setHeader('grpc-status', '5');
  one.setHeader('content-length', '0');
  one.end();
  assert.deepEqual(told, [['respond', 200, ['grpc-status', '5'], true]]);
});

test('a writer is told to wait, and when it may go on', () => {
  const { stream, reply: one } = reply();
  stream.full = true;
  let drained = 0;
  one.on('drain', () => {
    drained += 1;
  });
  assert.equal(one.write('a'), false);
  stream.receiver.onDrain();
  assert.equal(drained, 1);
});

test('ended twice is ended once; finish comes later, close when the stream is gone', async () => {
  const { told, stream, reply: one } = reply();
  const events: string[] = [];
  for (const name of ['finish', 'close']) one.on(name, () => events.push(name));
  one.end('a');
  one.end('b');
  assert.deepEqual(events, []);
  await Promise.resolve();
  stream.onClosed?.();
  assert.deepEqual(events, ['finish', 'close']);
  assert.equal(told.filter((one) => (one as string[])[0] === 'end').length, 1);
});

test('destroyed is reset; after the stream is gone nothing is written', () => {
  const { told, stream, reply: one } = reply();
  one.destroy();
  assert.deepEqual(told, [['reset', 2]]);
  stream.onClosed?.();
  one.write('late');
  one.end('late');
  one.destroy();
  assert.deepEqual(told, [['reset', 2]]);
});
