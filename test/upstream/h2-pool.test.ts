// Sessions to an HTTP/2 endpoint: RFC 9113 sections 5.1.2 (limits), 6.7 (PING), 6.8 (GOAWAY), 3.4 (preface).
// Harm: a pod that restarts or an idle connection that is cut takes the process or the next request with it.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { HTTP2_ENGINES } from '../../src/upstream/http2-engines.ts';
import type { PoolSettings } from '../../src/upstream/pool.ts';
import { Flag, type FramePeer, SettingId, startFrameServer } from '../support/h2-frames.ts';
import { HandClock } from '../support/hand-clock.ts';
import { addressOf, Observed, poolSettings, request } from './pool-settings.ts';

const OK = [[':status', '200']] as const;
const isPing = ({ type, flags }: { type: number; flags: number }): boolean => type === 0x6 && flags === 0;
const answer = (peer: FramePeer, stream: number): void => peer.headers(stream, OK, Flag.END_STREAM);

for (const [engine, Pool] of Object.entries(HTTP2_ENGINES)) {
  function poolOf(address: string, settings: Partial<PoolSettings> = {}, clock?: HandClock) {
    const observed = new Observed();
    const pool = new Pool(addressOf(address), poolSettings(settings), observed, clock);
    return { pool, observed, [Symbol.dispose]: () => pool.destroy() };
  }

  for (const [how, end] of [
    ['a TCP reset', (peer: FramePeer) => peer.socket.resetAndDestroy()],
    ['a FIN', (peer: FramePeer) => void peer.socket.end()],
    ['GOAWAY with NO_ERROR', (peer: FramePeer) => peer.goaway(1, 0)],
    ['GOAWAY with an error', (peer: FramePeer) => peer.goaway(1, 11)],
  ] as const) {
    test(`${engine}: an idle session ended by ${how}: the process lives and the next request has a new session`, async () => {
      await using server = await startFrameServer(answer);
      using one = poolOf(server.address);
      const first = request();
      await one.pool.open(first);
      await first.receiver.seen('close');
      end(await server.peer(0));
      await one.observed.until(() => one.observed.closed.length === 1);
      assert.equal(one.pool.sessions, 0);
      const second = request();
      await one.pool.open(second);
      await second.receiver.seen('close');
      assert.deepEqual(second.receiver.events, ['head', 'close']);
      assert.equal(server.peers.length, 2);
    });
  }

  test(`${engine}: MAX_CONCURRENT_STREAMS is honoured: more sessions are opened, none has more streams than it allows`, async () => {
    await using server = await startFrameServer(() => {}, undefined, {
      settings: [[SettingId.MAX_CONCURRENT_STREAMS, 5]],
    });
    using one = poolOf(server.address);
    await Promise.all(Array.from({ length: 12 }, () => one.pool.open(request())));
    assert.equal(one.pool.streams, 12);
    assert.equal(one.pool.sessions, 3);
    for (const peer of server.peers) await peer.settled();
    const counts = server.peers.map(
      (peer) => new Set(peer.frames.filter((f) => f.stream > 0).map((f) => f.stream)).size,
    );
    assert.deepEqual(counts.toSorted(), [2, 5, 5]);
  });

  test(`${engine}: the cap of the config counts where the endpoint allows more`, async () => {
    await using server = await startFrameServer(() => {});
    using one = poolOf(server.address, { maxStreamsPerSession: 2 });
    await Promise.all(Array.from({ length: 5 }, () => one.pool.open(request())));
    assert.equal(one.pool.sessions, 3);
  });

  test(`${engine}: when max_sessions are full a request waits for room`, async () => {
    await using server = await startFrameServer(() => {}, undefined, {
      settings: [[SettingId.MAX_CONCURRENT_STREAMS, 1]],
    });
    using one = poolOf(server.address, { maxSessions: 1 });
    const first = request();
    await one.pool.open(first);
    const second = request();
    const waiting = one.pool.open(second);
    answer(await server.peer(0), 1);
    await waiting;
    answer(await server.peer(0), 3);
    await second.receiver.seen('close');
    assert.equal(server.peers.length, 1);
  });

  test(`${engine}: when no room comes within pending_timeout_ms the error names max_sessions`, async () => {
    await using server = await startFrameServer(() => {}, undefined, {
      settings: [[SettingId.MAX_CONCURRENT_STREAMS, 1]],
    });
    const clock = new HandClock();
    using one = poolOf(server.address, { maxSessions: 1, pendingTimeoutMs: 50 }, clock);
    await one.pool.open(request());
    const busy = assert.rejects(one.pool.open(request()), { code: 'UPSTREAM_BUSY', detail: /max_sessions 1/ });
    clock.pass(50);
    await busy;
  });

  test(`${engine}: a request that nobody wants any more opens no stream, and the next in line has the room`, async () => {
    await using server = await startFrameServer(() => {}, undefined, {
      settings: [[SettingId.MAX_CONCURRENT_STREAMS, 1]],
    });
    using one = poolOf(server.address, { maxSessions: 1 });
    await one.pool.open(request());
    const left = assert.rejects(one.pool.open(request({ wanted: () => false })), { code: 'CLIENT_LEFT' });
    const next = one.pool.open(request({ path: '/next' }));
    const peer = await server.peer(0);
    answer(peer, 1);
    await left;
    await next;
    await peer.next(({ stream }) => stream === 3);
    await peer.settled();
    assert.deepEqual(peer.of(5), []);
  });

  test(`${engine}: streams above the last id of a GOAWAY, and refused ones, are told as unprocessed; others are not`, async () => {
    await using server = await startFrameServer((peer, stream) => {
      if (stream === 1) return;
      if (stream === 3) peer.reset(3, 7);
      else peer.goaway(1, 11);
    });
    using one = poolOf(server.address);
    const [below, refused, above] = [request(), request(), request()];
    await one.pool.open(below);
    await one.pool.open(refused);
    await refused.receiver.seen('close');
    await one.pool.open(above);
    await Promise.all([below, above].map(({ receiver }) => receiver.seen('close')));
    assert.equal(refused.receiver.resets[0]!.unprocessed, true);
    assert.equal(above.receiver.resets[0]!.unprocessed, true);
    assert.equal(below.receiver.resets[0]!.unprocessed, false);
  });

  test(`${engine}: GOAWAY with NO_ERROR refuses the streams above its id and leaves those below`, async () => {
    await using server = await startFrameServer((peer, stream) => {
      if (stream === 3) peer.goaway(1, 0);
    });
    using one = poolOf(server.address);
    const [below, above] = [request(), request()];
    await one.pool.open(below);
    await one.pool.open(above);
    await above.receiver.seen('close');
    assert.equal(above.receiver.resets[0]!.unprocessed, true);
    answer(await server.peer(0), 1);
    await below.receiver.seen('close');
    assert.deepEqual(below.receiver.events, ['head', 'close']);
  });

  test(`${engine}: an answer that is all here when its stream is reset, and that nobody has read: the stream closes`, async () => {
    await using server = await startFrameServer((peer, stream) => {
      peer.headers(stream, OK);
      peer.data(stream, 'ok', Flag.END_STREAM);
    });
    using one = poolOf(server.address);
    const first = request();
    const stream = await one.pool.open(first);
    await first.receiver.seen('head');
    // The head and the end come in one packet, and the reader has not begun.
    stream.reset(8);
    await first.receiver.seen('close');
    assert.deepEqual(first.receiver.events, ['head', 'close']);
    assert.equal(one.pool.streams, 0);
  });

  test(`${engine}: a session that does not answer PING is ended, and its streams are told that the connection is lost`, async () => {
    await using server = await startFrameServer(
      () => {},
      (peer) => {
        peer.answerPings = false;
      },
    );
    const clock = new HandClock();
    using one = poolOf(server.address, { pingIntervalMs: 20_000, pingTimeoutMs: 5000 }, clock);
    const quiet = request();
    await one.pool.open(quiet);
    clock.pass(20_000);
    await (await server.peer(0)).next(isPing);
    clock.pass(4999);
    assert.equal(one.pool.sessions, 1);
    clock.pass(1);
    await quiet.receiver.seen('close');
    assert.equal(quiet.receiver.resets[0]!.by, 'connection');
    await one.observed.until(() => one.observed.closed.length === 1);
    assert.match(one.observed.closed[0]!.reason, /no answer to PING/);
  });

  test(`${engine}: a quiet stream on a session that answers PING lives on`, async () => {
    await using server = await startFrameServer(() => {});
    using one = poolOf(server.address, { pingIntervalMs: 5, pingTimeoutMs: 5000, idleSessionMs: 1 });
    const quiet = request();
    await one.pool.open(quiet);
    const peer = await server.peer(0);
    let pings = 0;
    await peer.next((frame) => {
      if (isPing(frame)) pings += 1;
      return pings > 10;
    });
    assert.deepEqual(quiet.receiver.events, []);
    answer(peer, 1);
    await quiet.receiver.seen('close');
  });

  test(`${engine}: a session without streams is closed after idle_session_ms`, async () => {
    await using server = await startFrameServer(answer);
    const clock = new HandClock();
    using one = poolOf(server.address, { pingIntervalMs: 5000, idleSessionMs: 9000 }, clock);
    const only = request();
    await one.pool.open(only);
    await only.receiver.seen('close');
    clock.pass(5000);
    assert.equal(one.pool.sessions, 1);
    clock.pass(5000);
    await one.observed.until(() => one.observed.closed.length === 1);
    assert.equal(one.observed.closed[0]!.reason, 'idle');
  });

  test(`${engine}: drain: open streams go on, their session closes with the last`, async () => {
    await using server = await startFrameServer(() => {});
    using one = poolOf(server.address);
    const open = request();
    await one.pool.open(open);
    one.pool.drain();
    answer(await server.peer(0), 1);
    await open.receiver.seen('close');
    assert.deepEqual(open.receiver.events, ['head', 'close']);
    await one.observed.until(() => one.observed.closed.length === 1);
  });

  test(`${engine}: an HTTP/1.1 port spoken to as h2c is UPSTREAM_PROTOCOL, at once`, async () => {
    const server = http.createServer((_request, response) => response.end());
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    using one = poolOf(`127.0.0.1:${(server.address() as AddressInfo).port}`, { connectTimeoutMs: 60_000 });
    await assert.rejects(one.pool.open(request()), { code: 'UPSTREAM_PROTOCOL' });
    server.close();
  });

  test(`${engine}: a refused connection is CONNECT_FAILED`, async () => {
    const server = await startFrameServer(() => {});
    await server[Symbol.asyncDispose]();
    using one = poolOf(server.address);
    await assert.rejects(one.pool.open(request()), { code: 'CONNECT_FAILED', detail: /ECONNREFUSED/ });
  });

  test(`${engine}: a field that HTTP/2 lets out once and that came twice is BAD_HEADER, and no stream is opened`, async () => {
    await using server = await startFrameServer(answer);
    using one = poolOf(server.address);
    const fields = ['content-type', 'a/b', 'content-type', 'c/d'];
    await assert.rejects(one.pool.open(request({ fields })), { code: 'BAD_HEADER' });
    assert.equal(one.pool.streams, 0);
  });
}
