// The limits of one endpoint: so many streams, so many that wait, in the order in which they came.
// Harm: an upstream that slows down takes every request of the gateway, and with them its memory.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { UpstreamStream } from '../../src/core/raw.ts';
import { H1Pool } from '../../src/upstream/h1-pool.ts';
import { H2Pool } from '../../src/upstream/h2-pool.ts';
import { LimitedPool } from '../../src/upstream/limited-pool.ts';
import type { OpenRequest, PoolObserver, UpstreamPool } from '../../src/upstream/pool.ts';
import { startByteServer } from '../support/h1-bytes.ts';
import { Flag, type FramePeer, startFrameServer } from '../support/h2-frames.ts';
import { HandClock } from '../support/hand-clock.ts';
import { until } from '../support/until.ts';
import { addressOf, Observed, poolSettings, request } from './pool-settings.ts';

/** A pool whose streams a test ends by hand. */
class HandPool implements UpstreamPool {
  streams = 0;
  readonly sessions = 1;
  readonly opened: string[] = [];
  /** Set where the next requests wait for a session. */
  connecting: Promise<void> | undefined;
  readonly #observer: PoolObserver;

  constructor(observer: PoolObserver) {
    this.#observer = observer;
  }

  async open({ path }: OpenRequest): Promise<UpstreamStream> {
    await this.connecting;
    this.streams += 1;
    this.opened.push(path);
    return { session: 1 } as UpstreamStream;
  }

  end(): void {
    this.streams -= 1;
    this.#observer.streamClosed?.();
  }

  drain(): void {}
  destroy(): void {}
}

function limited(limits: { maxStreams?: number; maxPending?: number; pendingTimeoutMs?: number } = {}) {
  const clock = new HandClock();
  let inner!: HandPool;
  const pool = new LimitedPool(
    (observer) => {
      inner = new HandPool(observer);
      return inner;
    },
    { maxStreams: 2, maxPending: 2, pendingTimeoutMs: 1000, ...limits },
    new Observed(),
    '127.0.0.1:8080',
    clock,
  );
  return { clock, pool, inner };
}

const at = (path: string, given: Partial<OpenRequest> = {}) => request({ path, ...given });

test('beyond max_streams requests wait, and are served in the order in which they came', async () => {
  const { pool, inner } = limited();
  await Promise.all([pool.open(at('/1')), pool.open(at('/2'))]);
  const third = pool.open(at('/3'));
  const fourth = pool.open(at('/4'));
  assert.deepEqual([pool.full, pool.pending, inner.opened], [true, 2, ['/1', '/2']]);
  inner.end();
  await third;
  inner.end();
  await fourth;
  assert.deepEqual(inner.opened, ['/1', '/2', '/3', '/4']);
  assert.equal(pool.pending, 0);
});

test('when max_pending wait the next is refused at once: UPSTREAM_BUSY', async () => {
  const { pool } = limited();
  await Promise.all([pool.open(at('/1')), pool.open(at('/2'))]);
  void pool.open(at('/3'));
  void pool.open(at('/4'));
  await assert.rejects(pool.open(at('/5')), { code: 'UPSTREAM_BUSY', detail: '127.0.0.1:8080: max_pending 2' });
});

test('requests that wait for a session count as pending too', async () => {
  const { pool, inner } = limited({ maxStreams: 0 });
  const { promise, resolve } = Promise.withResolvers<void>();
  inner.connecting = promise;
  const waiting = [pool.open(at('/1')), pool.open(at('/2'))];
  assert.deepEqual([pool.pending, pool.full], [2, true]);
  await assert.rejects(pool.open(at('/3')), { code: 'UPSTREAM_BUSY' });
  resolve();
  await Promise.all(waiting);
  assert.deepEqual([pool.pending, pool.full], [0, false]);
});

test('max_pending 0: nobody waits for room, and a session is still connected to', async () => {
  const { pool } = limited({ maxPending: 0 });
  await Promise.all([pool.open(at('/1')), pool.open(at('/2'))]);
  await assert.rejects(pool.open(at('/3')), { code: 'UPSTREAM_BUSY', detail: /max_streams 2/ });
});

test('who waits longer than pending_timeout_ms is refused, and leaves its place', async () => {
  const { pool, inner, clock } = limited();
  await Promise.all([pool.open(at('/1')), pool.open(at('/2'))]);
  const third = assert.rejects(pool.open(at('/3')), { code: 'UPSTREAM_BUSY', detail: /no room within 1000 ms/ });
  clock.pass(500);
  const fourth = pool.open(at('/4'));
  clock.pass(500);
  await third;
  assert.equal(pool.pending, 1);
  inner.end();
  await fourth;
  assert.deepEqual(inner.opened, ['/1', '/2', '/4']);
});

test('who has left is passed over, and makes room in a full queue', async () => {
  const { pool, inner } = limited();
  await Promise.all([pool.open(at('/1')), pool.open(at('/2'))]);
  const gone = [
    assert.rejects(pool.open(at('/3', { wanted: () => false })), { code: 'CLIENT_LEFT' }),
    assert.rejects(pool.open(at('/4', { wanted: () => false })), { code: 'CLIENT_LEFT' }),
  ];
  const fifth = pool.open(at('/5'));
  await Promise.all(gone);
  inner.end();
  await fifth;
  assert.deepEqual(inner.opened, ['/1', '/2', '/5']);
});

test('a request that gets no session gives its room to the next', async () => {
  const { pool, inner } = limited({ maxStreams: 1 });
  inner.connecting = Promise.reject(new Error('refused'));
  const first = assert.rejects(pool.open(at('/1')));
  const second = pool.open(at('/2'));
  inner.connecting = undefined;
  await first;
  await second;
  assert.deepEqual(inner.opened, ['/2']);
});

test('destroy refuses those who wait', async () => {
  const { pool } = limited();
  await Promise.all([pool.open(at('/1')), pool.open(at('/2'))]);
  const third = assert.rejects(pool.open(at('/3')), { code: 'CONNECT_FAILED' });
  pool.destroy();
  await third;
});

test('streams of HTTP/2: the end of one lets the next in', async () => {
  await using server = await startFrameServer(() => {});
  const settings = poolSettings({ maxStreams: 1 });
  const pool = new LimitedPool(
    (observer) => new H2Pool(addressOf(server.address), settings, observer),
    settings,
    new Observed(),
    server.address,
  );
  const first = request();
  await pool.open(first);
  const next = pool.open(request());
  const peer: FramePeer = await server.peer(0);
  await peer.settled();
  assert.deepEqual(peer.of(3), []);
  peer.headers(1, [[':status', '200']], Flag.END_STREAM);
  await next;
  assert.equal(pool.streams, 1);
  pool.destroy();
});

test('connections of HTTP/1.1: the end of an exchange lets the next in', async () => {
  const held: (() => void)[] = [];
  await using server = await startByteServer((peer) => {
    held.push(() => peer.send('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'));
    if (held.length === 2) held[1]!();
  });
  const settings = poolSettings({ protocol: 'http/1.1', maxStreams: 1 });
  const pool = new LimitedPool(
    (observer) => new H1Pool(addressOf(server.address), settings, observer),
    settings,
    new Observed(),
    server.address,
  );
  const first = request();
  await pool.open(first);
  const second = request();
  const next = pool.open(second);
  assert.equal(pool.pending, 1);
  await until(() => held.length > 0);
  held[0]!();
  await next;
  await second.receiver.seen('close');
  assert.equal(pool.streams, 0);
  pool.destroy();
});
