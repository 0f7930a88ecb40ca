/** What every HTTP/2 engine keeps, whatever it is made of; one suite, run over the list of engines. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { NOBODY } from '../../src/core/raw.ts';
import type { EngineFactory } from '../../src/transport/engines/index.ts';
import { connectFrames, describe, Flag, FrameType, frame, headerBlock, uint32 } from '../support/h2-frames.ts';
import { startListener, type TestListenerOptions } from '../support/listener.ts';

const GET = (path: string, ...fields: [string, string][]): [string, string][] => [
  ...([[':method', 'GET'], [':scheme', 'http'], [':authority', 'a.example'], [':path', path]] as [string, string][]),
  ...fields,
];

/** What an engine does not do yet, by title; each with its reason. */
export type Exceptions = Readonly<Record<string, string>>;

/** Declares the tests of the contract for one engine. */
export function engineContract(name: string, engine: EngineFactory, exceptions: Exceptions = {}): void {
  const start = (options: TestListenerOptions = {}) => startListener({ ...options, engine });
  const keeps = (title: string, body: () => Promise<void>): void => {
    test(`engine ${name}: ${title}`, { skip: exceptions[title] ?? false }, body);
  };

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

  keeps('drain: a connection without streams closes at once, also when its peer does not close its side', async () => {
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

  keeps('header_timeout: without a first request GOAWAY comes, and the limit is named', async () => {
    await using server = await start({ limits: { headerTimeoutMs: 50 } });
    using client = await connectFrames(server.port);
    await client.next(({ type }) => type === FrameType.GOAWAY);
    await client.next(() => false);
    assert.deepEqual(await server.end(), {
      ...{ listener: 'test', reason: 'no request', limit: 'limits.header_timeout_ms', peerAddress: '127.0.0.1' },
    });
  });

  keeps('header_timeout: half a header block is no request', async () => {
    await using server = await start({ limits: { headerTimeoutMs: 50 } });
    using client = await connectFrames(server.port);
    client.answerSettings = false; // no frame may come between HEADERS and CONTINUATION
    client.send(frame(FrameType.HEADERS, Flag.END_STREAM, 1, headerBlock(GET('/'))));
    assert.equal((await server.end()).limit, 'limits.header_timeout_ms');
    await client.next(() => false);
    assert.equal(server.requests.length, 0);
  });

  keeps('idle_timeout: GOAWAY(NO_ERROR) when no stream is open, and the limit is named', async () => {
    await using server = await start({ limits: { idleTimeoutMs: 50 } });
    using client = await connectFrames(server.port);
    client.headers(1, GET('/'), Flag.END_STREAM);
    const goaway = await client.next(({ type }) => type === FrameType.GOAWAY);
    assert.equal(goaway?.payload.readUInt32BE(4), 0);
    await client.next(() => false);
    assert.equal((await server.end()).limit, 'limits.idle_timeout_ms');
  });

  keeps('idle_timeout: never while a stream is open, however quiet it is', async () => {
    await using server = await start({ limits: { idleTimeoutMs: 30, headerTimeoutMs: 30 } });
    using quiet = await connectFrames(server.port);
    quiet.headers(1, GET('/hold'), Flag.END_STREAM);
    await server.request(0);
    // A second connection that idles out marks the time: by then the first would have been ended too.
    using other = await connectFrames(server.port);
    other.headers(1, GET('/'), Flag.END_STREAM);
    await other.next(({ type }) => type === FrameType.GOAWAY);
    using third = await connectFrames(server.port);
    third.headers(1, GET('/'), Flag.END_STREAM);
    await third.next(({ type }) => type === FrameType.GOAWAY);
    assert.ok(!quiet.frames.some(({ type }) => type === FrameType.GOAWAY));
    assert.equal(quiet.closed, false);
  });

  keeps('idle_timeout: a PING is activity', async () => {
    await using server = await start({ limits: { idleTimeoutMs: 300 } });
    await using shorter = await start({ limits: { idleTimeoutMs: 150 } });
    using pinging = await connectFrames(server.port);
    pinging.headers(1, GET('/'), Flag.END_STREAM);
    await pinging.finished(1);
    for (let round = 1; round <= 3; round += 1) {
      // A connection that idles out in half the time marks the moments to ping at.
      using mark = await connectFrames(shorter.port);
      mark.headers(1, GET('/'), Flag.END_STREAM);
      await mark.next(({ type }) => type === FrameType.GOAWAY);
      pinging.send(frame(FrameType.PING, 0, 0, Buffer.alloc(8, round)));
      await pinging.next(({ type, payload }) => type === FrameType.PING && payload[0] === round);
    }
    assert.ok(!pinging.frames.some(({ type }) => type === FrameType.GOAWAY), pinging.frames.map(describe).join(' | '));
    // And without them it ends.
    assert.equal((await server.end()).limit, 'limits.idle_timeout_ms');
  });

  for (const [title, limits, fields, path] of [
    ['max_header_bytes', { maxHeaderBytes: 1000 }, [['x', 'a'.repeat(1000)]], '/'],
    ['max_header_count', { maxHeaderCount: 3 }, [['a', '1'], ['b', '1'], ['c', '1'], ['d', '1']], '/'],
    ['max_url_bytes', { maxUrlBytes: 100 }, [], `/${'a'.repeat(100)}`],
  ] as const) {
    keeps(`${title}: the request comes with its fault, so that it is refused in its dialect`, async () => {
      await using server = await start({ limits });
      using client = await connectFrames(server.port);
      client.headers(1, GET(path, ...(fields as unknown as [string, string][])), Flag.END_STREAM);
      const request = await server.request(0);
      assert.equal(request.fault, title === 'max_url_bytes' ? 'URL_TOO_LONG' : 'HEADERS_TOO_LARGE');
      assert.match((request as { faultDetail?: string }).faultDetail ?? '', new RegExp(`^limits\\.${title}: `));
    });
    keeps(`${title}: what just fits passes`, async () => {
      await using server = await start({ limits });
      using client = await connectFrames(server.port);
      const fitting = title === 'max_header_bytes' ? [['x', 'a'.repeat(1000 - 33)]] : fields.slice(1);
      client.headers(1, GET(path.slice(0, 100), ...(fitting as [string, string][])), Flag.END_STREAM);
      assert.equal((await server.request(0)).fault, undefined);
    });
  }

  keeps('max_concurrent_streams is told in SETTINGS', async () => {
    await using server = await start({ limits: { maxConcurrentStreams: 7 } });
    using client = await connectFrames(server.port);
    const settings = await client.next(({ type, flags }) => type === FrameType.SETTINGS && flags === 0);
    const values = new Map<number, number>();
    for (let at = 0; at < settings!.payload.length; at += 6) {
      values.set(settings!.payload.readUInt16BE(at), settings!.payload.readUInt32BE(at + 2));
    }
    assert.equal(values.get(0x3), 7);
    assert.equal(values.get(0x4), 65_535);
  });

  keeps('max_concurrent_streams: before the client knows of it, one more is REFUSED_STREAM and the others live', async () => {
    await using server = await start({ limits: { maxConcurrentStreams: 2 } });
    using client = await connectFrames(server.port);
    client.answerSettings = false;
    for (const id of [1, 3, 5]) client.headers(id, GET(id === 1 ? '/hold' : '/hold/too'), Flag.END_STREAM);
    assert.deepEqual(await client.finished(5), ['RST_STREAM 5 code 7']);
    assert.equal(server.requests.length, 2);
    assert.equal(client.closed, false);
  });

  keeps('max_concurrent_streams: a client that breaks its word ends its connection, and the limit is named', async () => {
    await using server = await start({ limits: { maxConcurrentStreams: 2 } });
    using client = await connectFrames(server.port);
    await client.next(({ type, flags }) => type === FrameType.SETTINGS && flags === 0);
    client.send(frame(FrameType.PING, 0, 0, Buffer.alloc(8)));
    await client.next(({ type, flags }) => type === FrameType.PING && flags === Flag.ACK);
    for (const id of [1, 3, 5]) client.headers(id, GET('/hold'), Flag.END_STREAM);
    await client.next(() => false);
    assert.equal((await server.end()).limit, 'limits.max_concurrent_streams');
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

  const block = headerBlock(GET('/'));
  const ABUSE: [title: string, frames: () => Buffer[], code: number | undefined][] = [
    ['rapid reset (CVE-2023-44487)', () => range(1200).flatMap((i) => [request(i), rst(i)]), undefined],
    ['CONTINUATION flood', () => [frame(1, 0, 1, block), ...range(500).map(() => frame(9, 0, 1, ''))], undefined],
    ['PING flood (CVE-2019-9512)', () => range(5000).map(() => frame(6, 0, 0, Buffer.alloc(8))), undefined],
    ['SETTINGS flood (CVE-2019-9515)', () => range(5000).map(() => frame(4, 0, 0)), undefined],
    ['a SETTINGS frame of many settings', () => [frame(4, 0, 0, Buffer.concat(range(64).map(setting)))], undefined],
    ['DATA on stream 0', () => [frame(0, 0, 0, 'x')], 1],
    ['HEADERS on an even stream', () => [frame(1, 5, 2, block)], 1],
    ['a frame larger than it may be', () => [Buffer.from([0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 1])], 6],
    ['a header block that HPACK cannot read', () => [frame(1, 5, 1, Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f]))], 9],
    ['WINDOW_UPDATE of 0 on the connection', () => [frame(8, 0, 0, uint32(0))], 1],
    ['a window above 2^31-1', () => [frame(8, 0, 0, uint32(0x7fffffff))], 3],
    ['PUSH_PROMISE of a client', () => [frame(5, 4, 1, Buffer.concat([uint32(2), block]))], 1],
    ['CONTINUATION without HEADERS', () => [frame(9, 4, 1, block)], 1],
  ];
  for (const [title, frames, code] of ABUSE) {
    keeps(`${title}: the connection ends with an event, and the client beside does not notice`, async () => {
      await using server = await start();
      using good = await connectFrames(server.port);
      good.headers(1, GET('/hold'), Flag.END_STREAM);
      await server.request(0);
      using bad = await connectFrames(server.port);
      bad.send(...frames());
      const goaway = await bad.next(({ type }) => type === FrameType.GOAWAY);
      if (code !== undefined) assert.equal(goaway?.payload.readUInt32BE(4), code);
      await bad.next(() => false);
      const end = await server.end();
      assert.equal(end.peerAddress, '127.0.0.1');
      assert.ok(end.code !== undefined);
      good.headers(3, GET('/'), Flag.END_STREAM);
      assert.ok((await good.finished(3)).at(-1)?.includes('END_STREAM'));
      assert.equal(good.closed, false);
    });
  }

  keeps('more header fields than the engine reads: the stream is reset, and its siblings live', async () => {
    await using server = await start();
    using client = await connectFrames(server.port);
    client.headers(1, GET('/hold'), Flag.END_STREAM);
    client.headers(3, GET('/', ...range(2100).map((): [string, string] => ['x', 'y'])), Flag.END_STREAM);
    assert.deepEqual(await client.finished(3), ['RST_STREAM 3 code 11']);
    client.headers(5, GET('/'), Flag.END_STREAM);
    assert.ok((await client.finished(5)).at(-1)?.includes('END_STREAM'));
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
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}
const request = (i: number): Buffer => frame(1, 5, 1 + 2 * i, headerBlock(GET('/hold')));
const rst = (i: number): Buffer => frame(3, 0, 1 + 2 * i, uint32(8));
function setting(i: number): Buffer {
  const bytes = Buffer.alloc(6);
  bytes.writeUInt16BE(0x100 + i);
  return bytes;
}
