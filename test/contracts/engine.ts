/** What every HTTP/2 engine keeps, whatever it is made of; one suite, run over the list of engines. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { NOBODY } from '../../src/core/raw.ts';
import type { EngineFactory } from '../../src/transport/engines/engine.ts';
import { connectFrames, Flag, FrameType, frame, headerBlock } from '../support/h2-frames.ts';
import { startListener, type TestListenerOptions } from '../support/listener.ts';
import { abuseContract } from './engine-abuse.ts';
import { endsContract } from './engine-ends.ts';
import { limitsContract } from './engine-limits.ts';
import { GET } from './engine-suite.ts';

/** What an engine does not do yet, by title; each with its reason. */
export type Exceptions = Readonly<Record<string, string>>;

/** Declares the tests of the contract for one engine. */
export function engineContract(name: string, engine: EngineFactory, exceptions: Exceptions = {}): void {
  const start = (options: TestListenerOptions = {}) => startListener({ ...options, engine });
  const keeps = (title: string, body: () => Promise<void>): void => {
    test(`engine ${name}: ${title}`, { skip: exceptions[title] ?? false }, body);
  };
  const suite = { keeps, start };

  keeps('a request is mapped: method, target, path, authority, fields in order, ended', async () => {
    await using server = await start();
    using client = await connectFrames(server.port);
    client.headers(1, GET('/v2/%73essions?a=%2F', ['b', '1'], ['a', '2'], ['b', '3']), Flag.END_STREAM);
    const request = await server.request(0);
    assert.equal(request.method, 'GET');
    assert.equal(request.requestedMethod, 'GET');
    assert.equal(request.target, '/v2/%73essions?a=%2F');
    assert.equal(request.path, '/v2/sessions');
    assert.equal(request.url, '/v2/sessions');
    assert.equal(request.authority, 'a.example');
    assert.equal(request.headers.host, 'a.example');
    assert.deepEqual(request.fields, ['b', '1', 'a', '2', 'b', '3']);
    assert.equal(request.httpVersionMajor, 2);
    assert.equal(request.stream.ended, true);
    assert.equal(request.fault, undefined);
    assert.equal(request.connection.peerAddress, '127.0.0.1');
    assert.equal(request.connection.listener, 'test');
  });

  keeps('an answer is HEADERS and DATA, and the last frame ends the stream', async () => {
    await using server = await start();
    using client = await connectFrames(server.port);
    client.headers(1, GET('/'), Flag.END_STREAM);
    const frames = await client.finished(1);
    assert.equal(frames[0], 'HEADERS 1');
    assert.ok(frames.at(-1)?.startsWith('DATA+END_STREAM'));
    assert.equal(client.body(1).toString(), 'ok');
  });

  keeps('a body that comes in one segment with its head is whole, and so is its end', async () => {
    await using server = await start({
      answer(request, reply) {
        let body = '';
        request.stream.receiver = {
          ...NOBODY,
          onData: (chunk) => {
            body += Buffer.from(chunk).toString();
          },
          onEnd: (trailers) => reply.end(`${body} ${trailers?.join('=')}`),
        };
        request.stream.resume();
      },
    });
    using client = await connectFrames(server.port);
    const post = GET('/').with(0, [':method', 'POST']);
    client.send(
      frame(FrameType.HEADERS, Flag.END_HEADERS, 1, headerBlock(post)),
      frame(FrameType.DATA, 0, 1, 'abc'),
      frame(FrameType.HEADERS, Flag.END_HEADERS | Flag.END_STREAM, 1, headerBlock([['x-t', '1']])),
      frame(FrameType.HEADERS, Flag.END_HEADERS, 3, headerBlock(post)),
      frame(FrameType.DATA, Flag.END_STREAM, 3, 'def'),
    );
    await client.finished(1);
    await client.finished(3);
    assert.equal(client.body(1).toString(), 'abc x-t=1');
    assert.equal(client.body(3).toString(), 'def undefined');
  });

  keeps('a DATA frame that comes slowly is told as it comes: its client is seen to send', async () => {
    let heard = '';
    let more = Promise.withResolvers<void>();
    await using server = await start({
      answer(request, reply) {
        request.stream.receiver = {
          ...NOBODY,
          onData: (chunk) => {
            heard += Buffer.from(chunk).toString();
            more.resolve();
          },
          onEnd: () => reply.end(heard),
        };
        request.stream.resume();
      },
    });
    using client = await connectFrames(server.port);
    const data = frame(FrameType.DATA, Flag.END_STREAM, 1, 'abcdef');
    client.headers(1, GET('/').with(0, [':method', 'POST']));
    client.send(data.subarray(0, 12));
    await more.promise;
    assert.equal(heard, 'abc');
    more = Promise.withResolvers();
    client.send(data.subarray(12, 13));
    await more.promise;
    assert.equal(heard, 'abcd');
    client.send(data.subarray(13));
    await client.finished(1);
    assert.equal(client.body(1).toString(), 'abcdef');
  });

  keeps('streams and connections are counted, and given back however they end', async () => {
    await using server = await start();
    using one = await connectFrames(server.port);
    one.headers(1, GET('/hold'), Flag.END_STREAM);
    one.headers(3, GET('/hold'), Flag.END_STREAM);
    await server.request(1);
    assert.equal(server.listener.streams, 2);
    assert.equal(server.listener.connections, 1);
    one.reset(1, 8);
    await server.until(() => server.listener.streams === 1);
    one.close();
    await server.until(() => server.listener.streams === 0 && server.open === 0);
    assert.equal(server.listener.connections, 0);
  });

  keeps('a reset of the client is told once, and nothing after it but the close', async () => {
    const told: string[] = [];
    await using server = await start({
      answer(request) {
        request.stream.receiver = {
          ...NOBODY,
          onReset: ({ code, by }) => told.push(`reset ${code} ${by}`),
          onClose: () => told.push('close'),
        };
      },
    });
    using client = await connectFrames(server.port);
    client.headers(1, GET('/'), Flag.END_STREAM);
    await server.request(0);
    client.reset(1, 8);
    await server.until(() => told.includes('close'));
    assert.deepEqual(told, ['reset 8 peer', 'close']);
  });

  keeps('drain: GOAWAY with the last stream, streams in flight end well, then the connection closes', async () => {
    const replies: (() => void)[] = [];
    await using server = await start({ answer: (_request, reply) => replies.push(() => reply.end('late')) });
    using client = await connectFrames(server.port);
    client.headers(1, GET('/'), Flag.END_STREAM);
    await server.request(0);
    const drained = server.listener.drain();
    const goaway = await client.next(({ type }) => type === FrameType.GOAWAY);
    assert.equal(goaway?.payload.readUInt32BE(4), 0);
    replies[0]!();
    await client.finished(1);
    assert.equal(client.body(1).toString(), 'late');
    await client.next(() => false);
    await drained;
    assert.equal(server.open, 0);
  });

  keeps('drain: a connection without streams closes soon, also when its peer does not close its side', async () => {
    await using server = await start();
    using client = await connectFrames(server.port);
    client.headers(1, GET('/'), Flag.END_STREAM);
    await client.finished(1);
    await server.listener.drain();
    await client.next(() => false);
    assert.deepEqual(server.ends, []);
  });

  keeps('drain: a stream above the last id of the GOAWAY is not served', async () => {
    await using server = await start();
    using client = await connectFrames(server.port);
    client.headers(1, GET('/hold'), Flag.END_STREAM);
    await server.request(0);
    void server.listener.drain();
    await client.next(({ type }) => type === FrameType.GOAWAY);
    client.headers(3, GET('/'), Flag.END_STREAM);
    const ping = frame(FrameType.PING, 0, 0, Buffer.alloc(8, 1));
    client.send(ping);
    await client.next(({ type, flags }) => type === FrameType.PING && flags === Flag.ACK);
    assert.equal(server.requests.length, 1);
  });

  keeps('destroy: every connection is closed, and every stream is told', async () => {
    const told: string[] = [];
    await using server = await start({
      answer(request) {
        request.stream.receiver = { ...NOBODY, onReset: ({ by }) => told.push(by), onClose: () => told.push('close') };
      },
    });
    using client = await connectFrames(server.port);
    client.headers(1, GET('/'), Flag.END_STREAM);
    await server.request(0);
    server.listener.destroy();
    await client.next(() => false);
    await server.until(() => server.open === 0 && server.listener.connections === 0);
    assert.deepEqual(told, ['connection', 'close']);
  });

  keeps('a listener of requests that throws does not take the process', async () => {
    await using server = await start({
      answer(request, reply) {
        if (request.target === '/throws') throw new Error('a defect');
        reply.end('ok');
      },
    });
    using client = await connectFrames(server.port);
    client.headers(1, GET('/throws'), Flag.END_STREAM);
    assert.deepEqual(await client.finished(1), ['RST_STREAM 1 code 2']);
    client.headers(3, GET('/'), Flag.END_STREAM);
    assert.ok((await client.finished(3)).at(-1)?.includes('END_STREAM'));
  });

  keeps('a connection that is cut in the middle of a frame is closed without harm', async () => {
    await using server = await start();
    using client = await connectFrames(server.port);
    client.headers(1, GET('/hold'), Flag.END_STREAM);
    await server.request(0);
    client.send(frame(FrameType.DATA, 0, 1, 'abc').subarray(0, 5));
    client.socket.resetAndDestroy();
    await once(client.socket, 'close').catch(() => {});
    await server.until(() => server.open === 0 && server.listener.streams === 0);
  });

  limitsContract(suite);
  abuseContract(suite);
  endsContract(suite);
}
