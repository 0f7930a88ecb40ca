/** The limits that every HTTP/2 engine keeps; a part of the engine contract. */

import assert from 'node:assert/strict';
import { connectFrames, describe, Flag, FrameType, frame, headerBlock } from '../support/h2-frames.ts';
import { type EngineSuite, GET } from './engine-suite.ts';

/** Declares the tests of the limits. */
export function limitsContract({ keeps, start }: EngineSuite): void {
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
    [
      'max_header_count',
      { maxHeaderCount: 3 },
      [
        ['a', '1'],
        ['b', '1'],
        ['c', '1'],
        ['d', '1'],
      ],
      '/',
    ],
    ['max_url_bytes', { maxUrlBytes: 100 }, [], `/${'a'.repeat(100)}`],
  ] as const) {
    keeps(`${title}: the request comes with its fault, so that it is refused in its dialect`, async () => {
      await using server = await start({ limits });
      using client = await connectFrames(server.port);
      client.headers(1, GET(path, ...(fields as unknown as [string, string][])), Flag.END_STREAM);
      const request = await server.request(0);
      assert.equal(request.fault, title === 'max_url_bytes' ? 'URL_TOO_LONG' : 'HEADERS_TOO_LARGE');
      assert.match(request.faultDetail ?? '', new RegExp(`^limits\\.${title}: `));
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

  keeps(
    'max_concurrent_streams: before the client knows of it, one more is REFUSED_STREAM and the others live',
    async () => {
      await using server = await start({ limits: { maxConcurrentStreams: 2 } });
      using client = await connectFrames(server.port);
      client.answerSettings = false;
      for (const id of [1, 3, 5]) client.headers(id, GET(id === 1 ? '/hold' : '/hold/too'), Flag.END_STREAM);
      assert.deepEqual(await client.finished(5), ['RST_STREAM 5 code 7']);
      assert.equal(server.requests.length, 2);
      assert.equal(client.closed, false);
    },
  );

  keeps(
    'max_concurrent_streams: a client that breaks its word ends its connection, and the limit is named',
    async () => {
      await using server = await start({ limits: { maxConcurrentStreams: 2 } });
      using client = await connectFrames(server.port);
      await client.next(({ type, flags }) => type === FrameType.SETTINGS && flags === 0);
      client.send(frame(FrameType.PING, 0, 0, Buffer.alloc(8)));
      await client.next(({ type, flags }) => type === FrameType.PING && flags === Flag.ACK);
      for (const id of [1, 3, 5]) client.headers(id, GET('/hold'), Flag.END_STREAM);
      await client.next(() => false);
      assert.equal((await server.end()).limit, 'limits.max_concurrent_streams');
    },
  );
}
