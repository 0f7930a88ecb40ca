// A worker whose event loop stands still for ever: it is ended and replaced, and the others go on.
// Harm: half of all clients wait for nothing, and the process looks well.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import { describe, test } from 'node:test';
import { type GatewayOptions, startGateway, type TestGateway } from '../support/gateway.ts';
import { HandClock } from '../support/hand-clock.ts';
import { startOrigin } from '../support/origin.ts';
import { until } from '../support/until.ts';
import { STUCK } from './unsound-worker.ts';

const HANG_MS = 4000;
const CONFIG = {
  workers: 2,
  worker_hang_ms: HANG_MS,
  listeners: [{ name: 'clear', address: '127.0.0.1:0', external_scheme: 'https' }],
  routes: [{ name: 'free', paths: ['/free'], class: 'free', policies: { rate_limit: false } }],
} as unknown as NonNullable<GatewayOptions['config']>;

const workersOf = (gateway: TestGateway) => gateway.primary.workers!;

async function started(config = CONFIG) {
  const origin = await startOrigin('h2c');
  origin.play = (asked) => asked.answer(200, {}, 'here');
  const clock = new HandClock(Date.now());
  const gateway = await startGateway({
    zitadel: origin.address,
    config,
    clock,
    workerScript: new URL('./unsound-worker.ts', import.meta.url),
  });
  /** A second of the main thread; the next begins when every worker that can has answered. */
  const second = async (stuck: number): Promise<void> => {
    clock.pass(1000);
    const sound = workersOf(gateway).serving.filter(({ worker }) => worker !== stuck);
    await until(() => sound.every(({ unanswered, status }) => unanswered === 0 || status === 'ended'));
  };
  return {
    gateway,
    origin,
    second,
    async [Symbol.asyncDispose]() {
      await gateway[Symbol.asyncDispose]();
      await origin[Symbol.asyncDispose]();
    },
  };
}

/** Keeps its connection. */
async function client(gateway: TestGateway) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  return {
    agent,
    async status(): Promise<number> {
      const request = http.get(`${gateway.clearUrl}/free`, { agent });
      const [answer] = (await once(request, 'response')) as [http.IncomingMessage];
      await answer.resume().toArray();
      return answer.statusCode!;
    },
  };
}

describe('a worker that stands still', () => {
  test('is ended and replaced, which is told; the other worker, and its connections, go on', async () => {
    await using run = await started();
    const { gateway, second } = run;
    const [stuck, other] = workersOf(gateway).serving;
    const clients = await Promise.all([client(gateway), client(gateway)]);
    assert.deepEqual(await Promise.all(clients.map(({ status }) => status())), [200, 200]);
    assert.deepEqual(
      [stuck!, other!].map((thread) => workersOf(gateway).connectionsOf(thread)),
      [1, 1],
    );
    stuck!.ask('hottest_keys', STUCK, 60_000).catch(() => {});
    for (let left = HANG_MS; left > 0; left -= 1000) await second(stuck!.worker);
    assert.equal(stuck!.status, 'serving');
    assert.deepEqual(
      gateway.announced.filter(({ name }) => name === 'worker_hung'),
      [],
    );
    await second(stuck!.worker);
    const lost = await gateway.announcement('worker_lost');
    assert.deepEqual(lost, {
      worker: stuck!.worker,
      problem: 'its event loop has stood still for 4 s',
      restartInMs: 1000,
    });
    assert.deepEqual(await gateway.announcement('worker_hung'), { worker: stuck!.worker });
    await stuck!.ended;
    await second(0);
    assert.equal((await gateway.announcement('worker_started')).worker, stuck!.worker);
    assert.equal(workersOf(gateway).serving.length, 2);
    assert.equal(other!.status, 'serving');
    // One of the connections was the stuck one's, the other is there as before.
    assert.equal(workersOf(gateway).connectionsOf(other!), 1);
    for (const { agent } of clients) agent.destroy();
    assert.equal(await (await client(gateway)).status(), 200);
  });

  test('gets no new connections from its third second on, long before it is ended', async () => {
    await using run = await started({ ...CONFIG, worker_hang_ms: 60_000 });
    const { gateway, second } = run;
    const [stuck, other] = workersOf(gateway).serving;
    stuck!.ask('hottest_keys', STUCK, 60_000).catch(() => {});
    for (let at = 0; at < 3; at += 1) await second(stuck!.worker);
    const clients = await Promise.all(Array.from({ length: 4 }, () => client(gateway)));
    assert.deepEqual(await Promise.all(clients.map(({ status }) => status())), [200, 200, 200, 200]);
    assert.deepEqual(
      [stuck!, other!].map((thread) => workersOf(gateway).connectionsOf(thread)),
      [0, 4],
    );
    for (const { agent } of clients) agent.destroy();
    await stuck!.kill();
  });

  test('that hangs again and again begins later each time', async () => {
    await using run = await started({ ...CONFIG, workers: 1, worker_hang_ms: 1000 });
    const { gateway, second } = run;
    const waits: number[] = [];
    for (let time = 1; time <= 3; time += 1) {
      const [stuck] = workersOf(gateway).serving;
      stuck!.ask('hottest_keys', STUCK, 60_000).catch(() => {});
      while (stuck!.status === 'serving') await second(stuck!.worker);
      const lost = gateway.announced.filter(({ name }) => name === 'worker_lost').at(-1)!.payload;
      const { restartInMs } = lost as { restartInMs: number };
      waits.push(restartInMs);
      await stuck!.ended;
      for (let left = restartInMs; left > 0; left -= 1000) await second(0);
      await until(() => workersOf(gateway).serving.length === 1);
      await until(() => gateway.announced.filter(({ name }) => name === 'worker_started').length === time);
    }
    assert.deepEqual(waits, [1000, 2000, 4000]);
  });
});
