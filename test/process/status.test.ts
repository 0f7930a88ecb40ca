// How the gateway is, in one answer: with one thread and with several, in JSON and for people.
// Harm: an operator who looks in five places, and misses the sixth.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { systemClock } from '../../src/core/clock.ts';
import { mergedUpstreams } from '../../src/process/merged.ts';
import { type Status, StatusBoard } from '../../src/process/status.ts';
import { statusText } from '../../src/process/status-command.ts';
import { startAdmin } from '../admin/started-admin.ts';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { startOrigin } from '../support/origin.ts';
import { runProcess } from '../support/started-process.ts';
import { until } from '../support/until.ts';

const MAIN = join(import.meta.dirname, '..', '..', 'src', 'main.ts');
const { GATEHOUSE_CONFIG: _, ...env } = process.env;
const FOLDER = mkdtempSync(join(tmpdir(), 'gatehouse-status-'));
after(() => rmSync(FOLDER, { recursive: true, force: true }));

function boardOf({ primary }: TestGateway): StatusBoard {
  const { workers } = primary;
  return new StatusBoard({
    primary,
    clock: systemClock,
    async upstreams() {
      if (workers === undefined) return primary.upstreams();
      const told = [...(await workers.ask('upstreams', undefined))];
      return mergedUpstreams(
        told.flatMap(([{ worker }, upstreams]) => (upstreams === undefined ? [] : [{ worker, upstreams }])),
      );
    },
  });
}

const SOME: Status = {
  version: '1.2.3',
  node: 'v26.10.0',
  pid: 7,
  since: '2026-01-01T00:00:00.000Z',
  ready: true,
  generation: 3,
  details: {},
  threads: [
    {
      worker: 1,
      state: 'serving',
      connections: 4,
      in_flight: 2,
      silent_s: 1,
      restarts: 0,
      event_loop_delay_ms: 250,
      refused_priorities: ['low'],
      memory_percent: 91,
      memory_short: true,
    },
    {
      worker: 2,
      state: 'lost',
      connections: 0,
      in_flight: 0,
      silent_s: 0,
      restarts: 2,
      last_loss: { problem: 'its event loop has stood still for 30 s', at: '2026-01-01T01:00:00.000Z' },
    },
  ],
  upstreams: [
    {
      name: 'zitadel',
      endpoints: 3,
      used: 2,
      panic: false,
      in_flight: 5,
      unwell: [{ endpoint: '10.0.0.1:8080', state: 'unhealthy', reason: '412\u001b[2J' }],
      concurrency: { limit: 40, waiting: 5 },
    },
  ],
  acme: [
    {
      names: ['id.example.com'],
      directory: 'https://acme.example',
      state: 'waiting',
      next: '2026-01-02T00:00:00.000Z',
      failures: 2,
      problem: 'no',
    },
  ],
};

describe('the status', () => {
  test('of one thread has readiness, connections, upstreams with their limits, and no certificate of ACME', async () => {
    await using origin = await startOrigin('h2c');
    await using gateway = await startGateway({ zitadel: origin.address });
    await until(() => gateway.primary.ready().ok);
    const status = await boardOf(gateway).status();
    assert.equal(status.ready, true);
    assert.deepEqual(status.acme, []);
    assert.deepEqual(status.threads, [
      {
        worker: 'main',
        state: 'serving',
        connections: 0,
        in_flight: 0,
        silent_s: 0,
        restarts: 0,
        event_loop_delay_ms: 0,
        refused_priorities: [],
        memory_percent: 0,
        memory_short: false,
      },
    ]);
    const [zitadel] = status.upstreams;
    assert.deepEqual([zitadel!.name, zitadel!.endpoints, zitadel!.used, zitadel!.panic], ['zitadel', 1, 1, false]);
    assert.deepEqual(zitadel!.concurrency, { limit: 2000, waiting: 0 });
  });

  test('of two workers has both, the sum of their limits, and why one was lost', async () => {
    await using origin = await startOrigin('h2c');
    await using gateway = await startGateway({ zitadel: origin.address, config: { workers: 2 } });
    const board = boardOf(gateway);
    await gateway.primary.workers!.serving[0]!.kill();
    const lost = await board.status();
    assert.deepEqual(
      lost.threads.map(({ worker, state, restarts }) => [worker, state, restarts]),
      [
        [1, 'lost', 1],
        [2, 'serving', 0],
      ],
    );
    assert.match(lost.threads[0]!.last_loss!.problem, /ended/);
    await gateway.announcement('worker_started');
    const { threads, upstreams } = await board.status();
    assert.deepEqual(
      threads.map(({ state }) => state),
      ['serving', 'serving'],
    );
    assert.deepEqual(upstreams[0]!.concurrency, { limit: 2000, waiting: 0 });
  });

  test('is for people too, and what others have said moves no cursor', () => {
    assert.equal(
      statusText(SOME),
      `Gatehouse 1.2.3, Node v26.10.0, pid 7, since 2026-01-01T00:00:00.000Z, generation 3

ready

Threads
  worker 1: serving, 4 connections, 2 requests, event loop 250 ms late, memory 91 %, memory is short, refuses low
  worker 2: lost, 0 connections, 0 requests, lost 2 times, the last 2026-01-01T01:00:00.000Z: its event loop has stood still for 30 s

Upstreams
  zitadel: 2 of 3 endpoints used, 5 requests, 5 of 40 wait for an answer
    10.0.0.1:8080 unhealthy: 412 [2J

ACME
  id.example.com: waiting, next 2026-01-02T00:00:00.000Z, no
`,
    );
  });

  test('says why the gateway is not ready, and what operators should know', () => {
    const text = (details: Status['details']): string => statusText({ ...SOME, ready: false, details });
    assert.match(text({ draining: true }), /^not ready: it drains$/m);
    assert.match(text({ listeners_bound: false }), /^not ready: a listener is not bound$/m);
    assert.match(text({ upstreams_checked: false }), /^not ready: the first checks/m);
    assert.match(text({ unreachable_upstreams: ['zitadel'] }), /^not ready: no endpoint answers of zitadel$/m);
    assert.match(text({ workers: { wanted: 1, serving: 0 } }), /^not ready: no worker serves$/m);
    assert.match(text({ warnings: ['log: waits'] }), /^warning: log: waits$/m);
    assert.match(text({ rejected_reload: 'line 3' }), /^the config on disk was refused: line 3$/m);
  });
});

test('gatehouse status asks the admin listener, and ends with 0 where the gateway is ready, else with 1', async () => {
  let ready = true;
  await using admin = await startAdmin({ status: () => ({ ...SOME, ready, details: { draining: !ready } }) });
  const file = join(FOLDER, 'status.yaml');
  writeFileSync(
    file,
    `listeners: [{ name: clear, address: "127.0.0.1:0" }]
upstreams: { zitadel: { endpoints: ["127.0.0.1:1"] } }
admin: { address: "127.0.0.1:${admin.port}" }
`,
  );
  const yes = await runProcess(process.execPath, [MAIN, 'status', file], { env });
  assert.deepEqual([yes.code, yes.stdout], [0, statusText(SOME)]);
  ready = false;
  const no = await runProcess(process.execPath, [MAIN, 'status', file, '--json'], { env });
  assert.deepEqual([no.code, (JSON.parse(no.stdout) as Status).ready], [1, false]);
});
