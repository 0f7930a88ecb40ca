// The server of shared limits gone, slow, mute, back: nothing waits, and counts stay within their bound.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { Outcome } from '../../../src/limits/tier.ts';
import { HandClock } from '../../support/hand-clock.ts';
import { needs } from '../../support/programs.ts';
import { until } from '../../support/until.ts';
import { clientOf, type RedisServer, startRedis } from './redis-server.ts';
import { chargeOf, type Replica, replica } from './replica.ts';

const DEADLINE_MS = 5;

/** The server goes on; resolves when the replica uses it again. */
async function resumed(redis: RedisServer, one: Replica): Promise<void> {
  const up = one.next('up');
  redis.signal('SIGCONT');
  await up;
}

for (const on_error of ['local', 'allow', 'deny'] as const) {
  test(
    `a stopped server is waited for no longer than the deadline, then on_error: ${on_error}`,
    needs('redis'),
    async () => {
      await using redis = await startRedis();
      const clock = new HandClock();
      using one = replica(redis.url, { deadline_ms: DEADLINE_MS, on_error }, clock);
      assert.equal(await one.tier.firstTry, undefined);
      redis.signal('SIGSTOP');
      const outcomes: Outcome[] = [];
      for (let i = 0; i < 500; i += 1) one.tier.take([chargeOf('k')], (outcome) => outcomes.push(outcome));
      clock.pass(DEADLINE_MS);
      await until(() => outcomes.length === 500 || one.tier.status().timeouts > 0);
      await turn();
      assert.equal(outcomes.length, 500);
      const admitted = outcomes.filter(({ refused }) => refused === undefined).length;
      assert.equal(admitted, { local: 5, allow: 500, deny: 0 }[on_error]);
      assert.equal(outcomes.filter(({ unavailable }) => unavailable === true).length, on_error === 'deny' ? 500 : 0);
      // From now on nobody waits at all.
      let called = false;
      one.tier.take([chargeOf('other')], () => {
        called = true;
      });
      assert.equal(called, true);
      assert.deepEqual(one.downs.length, 1);
      await resumed(redis, one);
      assert.equal(one.tier.status().connected, true);
    },
  );
}

test(
  'a flood to a stopped server is decided whole, by the local counts, and the queue stays bounded',
  needs('redis'),
  async () => {
    await using redis = await startRedis();
    using one = replica(redis.url, { deadline_ms: DEADLINE_MS });
    await one.next('up');
    redis.signal('SIGSTOP');
    const outcomes = await Promise.all(Array.from({ length: 25_000 }, (_, i) => one.take([chargeOf(`k${i % 100}`)])));
    assert.equal(outcomes.filter(({ refused }) => refused === undefined).length, 500);
    await resumed(redis, one);
  },
);

for (const on_error of ['local', 'deny'] as const) {
  test(`answers that come too late count nothing twice, with on_error: ${on_error}`, needs('redis'), async () => {
    await using redis = await startRedis();
    const clock = new HandClock();
    using one = replica(redis.url, { deadline_ms: DEADLINE_MS, on_error }, clock);
    using other = replica(redis.url);
    await Promise.all([one.tier.firstTry, other.tier.firstTry]);
    redis.signal('SIGSTOP');
    const waiting = [one.take([chargeOf('k')]), one.take([chargeOf('k')])];
    await turn(); // the library writes in the next turn
    await turn();
    clock.pass(DEADLINE_MS);
    await Promise.all(waiting);
    await resumed(redis, one);
    await one.take([chargeOf('behind what was given back')]);
    const rest = await Promise.all(Array.from({ length: 10 }, () => other.take([chargeOf('k')])));
    const admitted = rest.filter(({ refused }) => refused === undefined).length;
    assert.equal(admitted, on_error === 'local' ? 3 : 5);
  });
}

test(
  'what was admitted without the server and given back meanwhile is not left at the server',
  needs('redis'),
  async () => {
    await using redis = await startRedis();
    const clock = new HandClock();
    using one = replica(redis.url, { deadline_ms: DEADLINE_MS }, clock);
    using other = replica(redis.url);
    await Promise.all([one.tier.firstTry, other.tier.firstTry]);
    redis.signal('SIGSTOP');
    const charges = [chargeOf('k')];
    const waiting = one.take(charges);
    await turn();
    await turn();
    clock.pass(DEADLINE_MS);
    await waiting;
    one.tier.giveBack(charges);
    await resumed(redis, one);
    await one.take([chargeOf('behind what was given back')]);
    assert.equal((await other.take([chargeOf('k')])).taken[0]!.remaining, 4);
  },
);

test(
  'a server killed and started anew under load: every request is decided once, and N replicas admit at most N bursts',
  needs('redis'),
  async () => {
    await using redis = await startRedis();
    using a = replica(redis.url);
    using b = replica(redis.url);
    await Promise.all([a.tier.firstTry, b.tier.firstTry]);
    const keys = Array.from({ length: 20 }, (_, i) => `k${i}`);
    const admitted = new Map<string, number>();
    let asked = 0;
    let decided = 0;
    const load = (): void => {
      for (const one of [a, b]) {
        for (const key of keys) {
          asked += 1;
          one.tier.take([chargeOf(key)], ({ refused }) => {
            decided += 1;
            if (refused === undefined) admitted.set(key, (admitted.get(key) ?? 0) + 1);
          });
        }
      }
    };
    let running = true;
    const loading = (async () => {
      while (running) {
        load();
        await turn();
      }
    })();
    for (let round = 0; round < 2; round += 1) {
      const down = Promise.all([a.next('down'), b.next('down')]);
      await redis.kill();
      await down;
      const up = Promise.all([a.next('up'), b.next('up')]);
      await redis.restart();
      await up;
    }
    running = false;
    await loading;
    await Promise.all([a, b].map((one) => one.take([chargeOf('behind all')])));
    assert.equal(decided, asked);
    for (const [key, count] of admitted) assert.ok(count >= 5 && count <= 10, `${key}: ${count}`);
  },
);

test(
  'a server whose memory is flushed lets through no more than each replica on its own allows',
  needs('redis'),
  async () => {
    await using redis = await startRedis();
    using one = replica(redis.url);
    await one.tier.firstTry;
    const client = await clientOf(redis);
    try {
      for (let i = 0; i < 5; i += 1) assert.equal((await one.take([chargeOf('k')])).refused, undefined);
      await client.sendCommand(['FLUSHALL']);
      await client.sendCommand(['SCRIPT', 'FLUSH']);
      const outcomes = await Promise.all(Array.from({ length: 10 }, () => one.take([chargeOf('k')])));
      assert.ok(outcomes.every(({ refused }) => refused === 0));
      assert.equal((await one.take([chargeOf('new')])).refused, undefined);
      assert.deepEqual([one.tier.status().fallbacks, one.downs], [0, []]);
    } finally {
      client.destroy();
    }
  },
);

test('a wrong password is told at once and without the password; the local counts hold', needs('redis'), async () => {
  await using redis = await startRedis(['--requirepass', 'right']);
  using one = replica(redis.url, { password: 'wrong-secret' });
  const reason = await one.tier.firstTry;
  assert.match(reason!, /refused the login: check username and password/);
  assert.doesNotMatch(reason!, /wrong-secret/);
  const outcomes = await Promise.all(Array.from({ length: 6 }, () => one.take([chargeOf('k')])));
  assert.deepEqual(
    outcomes.map(({ refused }) => refused),
    [undefined, undefined, undefined, undefined, undefined, 0],
  );
  using right = replica(redis.url, { password: 'right' });
  assert.equal(await right.tier.firstTry, undefined);
});

test('a password that is missing is told as one', needs('redis'), async () => {
  await using redis = await startRedis(['--requirepass', 'right']);
  using one = replica(redis.url);
  assert.match((await one.tier.firstTry)!, /refused the login/);
});

test('a server that has become read-only counts as gone until it can write', needs('redis'), async () => {
  await using redis = await startRedis();
  using one = replica(redis.url);
  await one.tier.firstTry;
  const client = await clientOf(redis);
  try {
    await client.sendCommand(['REPLICAOF', '127.0.0.1', '1']);
    assert.equal((await one.take([chargeOf('k')])).refused, undefined);
    assert.match(one.tier.status().last_error!, /READONLY|MASTERDOWN/);
    const up = one.next('up');
    await client.sendCommand(['REPLICAOF', 'NO', 'ONE']);
    await up;
  } finally {
    client.destroy();
  }
});

for (const host of ['127.0.0.1', '::1']) {
  test(`a server on ${host} that accepts and never says a word is given up, and tried again`, async () => {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => sockets.add(socket.on('error', () => {}))).listen(0, host);
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    const clock = new HandClock();
    const shown = host === '::1' ? '[::1]' : host;
    using one = replica(`redis://${shown}:${port}/0`, { connect_timeout_ms: 2000, password: 'x' }, clock);
    try {
      await once(server, 'connection');
      assert.equal((await one.take([chargeOf('k')])).refused, undefined);
      clock.pass(2000);
      assert.match((await one.tier.firstTry)!, /not ready within 2000 ms/);
      const again = once(server, 'connection');
      clock.pass(50);
      await again;
    } finally {
      one.tier[Symbol.dispose]();
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    }
  });
}

test('nothing listens there: told once, and no error without a listener', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  using one = replica(`redis://127.0.0.1:${port}`);
  assert.match((await one.tier.firstTry)!, /ECONNREFUSED/);
  assert.equal(one.downs.length, 1);
});

test(
  'a server that answers, but later than the deadline, counts as gone and says why, until it is fast again',
  needs('redis'),
  async () => {
    await using redis = await startRedis();
    const clock = new HandClock();
    using one = replica(redis.url, { deadline_ms: DEADLINE_MS }, clock);
    await one.tier.firstTry;
    redis.signal('SIGSTOP');
    const waiting = one.take([chargeOf('k')]);
    clock.pass(DEADLINE_MS);
    await waiting;
    await turn();
    clock.pass(100);
    redis.signal('SIGCONT');
    await until(() => one.tier.status().last_error!.startsWith('answers in'));
    assert.equal(one.tier.status().last_error, 'answers in 100.0 ms, deadline_ms is 5');
    assert.equal(one.tier.status().connected, false);
    const up = one.next('up');
    clock.pass(50);
    await up;
    assert.equal(one.tier.status().last_error, undefined);
  },
);

test('a connection whose probe is not answered is given up for a new one', needs('redis'), async () => {
  await using redis = await startRedis();
  const clock = new HandClock();
  using one = replica(redis.url, { deadline_ms: DEADLINE_MS, connect_timeout_ms: 2000 }, clock);
  await one.tier.firstTry;
  redis.signal('SIGSTOP');
  const waiting = one.take([chargeOf('k')]);
  clock.pass(DEADLINE_MS);
  await waiting;
  await turn();
  clock.pass(2000);
  assert.equal(one.tier.status().last_error, 'no answer within 2000 ms');
  const up = one.next('up');
  redis.signal('SIGCONT');
  clock.pass(50);
  await up;
});

test('bans go on while the server is gone: known ones hold, and new ones are made here', needs('redis'), async () => {
  await using redis = await startRedis();
  using one = replica(redis.url);
  await one.tier.firstTry;
  const ban = { after: 2, withinMs: 60_000, forMs: 600_000, maxMs: 600_000 };
  const [before, meanwhile] = [chargeOf('a', { rate: { burst: 1 }, ban }), chargeOf('b', { rate: { burst: 1 }, ban })];
  for (let i = 0; i < 3; i += 1) await one.take([before]);
  const down = one.next('down');
  await redis.kill();
  await down;
  assert.equal((await one.take([before])).banned, true);
  for (let i = 0; i < 3; i += 1) await one.take([meanwhile]);
  assert.equal((await one.take([meanwhile])).banned, true);
  const up = one.next('up');
  await redis.restart();
  await up;
  assert.equal((await one.take([before])).banned, true);
  assert.equal((await one.take([meanwhile])).banned, true);
});
