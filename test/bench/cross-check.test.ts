// The bench beside h2load and ghz: what they write is read right, and all see only right answers of the same server.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { countedBetween } from '../../bench/cross-check/foreign-run.ts';
import { ghzArguments, ghzAt, protoFor, readReport } from '../../bench/cross-check/ghz.ts';
import { h2loadArguments, h2loadAt, readAnswerLog } from '../../bench/cross-check/h2load.ts';
import { OWN_TOOL } from '../../bench/cross-check/own-tool.ts';
import { agreementOf, crossTable } from '../../bench/cross-check/table.ts';
import type { Reading, Task, Tool } from '../../bench/cross-check/tool.ts';
import type { PlannedRequest } from '../../bench/load/plan.ts';
import { build } from '../conformance/go-tools.ts';
import { needs, program } from '../support/programs.ts';
import { asking, expecting, planFor } from './plans.ts';

// Before the first test: `after` is called once all tests that are known are over.
const built = await build('ghz');

const GRPC: PlannedRequest = {
  ...asking('/a.b.v1.Service/Method', expecting('grpc', { messages: 1 })),
  method: 'POST',
  fields: ['content-type', 'application/grpc', 'te', 'trailers', 'authorization', 'Bearer x', 'content-length', '8'],
  body: Buffer.from([0, 0, 0, 0, 3, 0x0a, 0x01, 0x61]),
};

function taskFor(port: number, request: PlannedRequest, more: Partial<Task> = {}): Task {
  const { target } = planFor(port, request);
  const serverCpuS = async (): Promise<number> => Number.NaN;
  const effort = { connections: 2, streams: 3, threads: 1, warmUpMs: 100, durationMs: 1000, serverCpuS };
  return { target, request, ...effort, ...more };
}

describe('h2load', () => {
  const FILES = { log: 'LOG', body: 'BODY' };

  test('is asked for the same as the bench: connections, streams, fields, body', () => {
    assert.deepEqual(h2loadArguments(taskFor(81, GRPC), 4, FILES), [
      ...['-c', '2', '-m', '3', '-t', '1', '-D', '4', '--log-file=LOG', '-d', 'BODY'],
      ...['-H', 'content-type: application/grpc', '-H', 'te: trailers', '-H', 'authorization: Bearer x'],
      'http://127.0.0.1:81/a.b.v1.Service/Method',
    ]);
    const empty = { ...GRPC, fields: ['content-length', '0'], body: Buffer.alloc(0) };
    const target = { ...taskFor(81, empty).target, host: '::1', tls: true };
    assert.deepEqual(h2loadArguments(taskFor(81, empty, { target }), 4, FILES).slice(9), [
      ...['-H', ':method: POST', '-H', 'content-length: 0', 'https://[::1]:81/a.b.v1.Service/Method'],
    ]);
  });

  test('says of each answer when it began, its status and how long it took', () => {
    const log = '1795533710924862\t200\t30110\n1795533710955053\t503\t3990\n1795533710955113\t-1\t10\n';
    assert.deepEqual(readAnswerLog(log, [200]), [
      { endedAt: 1795533710954.972, latencyMs: 30.11, right: true },
      { endedAt: 1795533710959.043, latencyMs: 3.99, right: false },
      { endedAt: 1795533710955.123, latencyMs: 0.01, right: false },
    ]);
    for (const text of ['x', '1\t200', '1\t200\tfast'])
      assert.throws(() => readAnswerLog(text, [200]), /^Error: h2load: /);
  });
});

describe('ghz', () => {
  test('is asked for the same as the bench: connections, calls at once, metadata, message', () => {
    assert.deepEqual(ghzArguments(taskFor(81, GRPC), 4, { proto: 'PROTO', message: 'MESSAGE' }), [
      ...['--connections=2', '--concurrency=6', '--duration=4s', '--duration-stop=ignore', '--cpus=1'],
      ...['--disable-template-functions', '--disable-template-data', '--proto=PROTO', '--call=a.b.v1.Service/Method'],
      ...['--binary-file=MESSAGE', '--metadata={"authorization":"Bearer x"}', '--format=json', '--insecure'],
      '127.0.0.1:81',
    ]);
    assert.match(protoFor('/a.b.v1.Service/Method'), /package a\.b\.v1;[\s\S]*service Service \{ rpc Method\(/);
    assert.throws(() => protoFor('/v2/settings'), /expected \/package\.Service\/Method/);
  });

  test('is not asked for what it cannot do', () => {
    const tool = ghzAt('ghz');
    assert.equal(tool.unable(taskFor(81, GRPC)), undefined);
    assert.match(tool.unable(taskFor(81, asking('/')))!, /gRPC only/);
    assert.match(tool.unable(taskFor(81, { ...GRPC, path: '/no-service' }))!, /no \/package/);
  });

  test('says of each call when it ended, its status and how long it took', () => {
    const details = [
      { timestamp: '2026-11-24T15:21:50.982025597Z', latency: 2623297, error: '', status: 'OK' },
      { timestamp: '2026-11-24T16:21:50.983+01:00', latency: 214458, error: 'rpc error', status: 'Unavailable' },
    ];
    assert.deepEqual(readReport(JSON.stringify({ count: 2, details })), [
      { endedAt: Date.UTC(2026, 10, 24, 15, 21, 50, 982), latencyMs: 2.623297, right: true },
      { endedAt: Date.UTC(2026, 10, 24, 15, 21, 50, 983), latencyMs: 0.214458, right: false },
    ]);
    for (const said of ['', 'null', '{}', '{"details":[{}]}', '{"details":[null]}']) {
      assert.throws(() => readReport(said), /^Error: ghz: expected /, said);
    }
  });
});

test('what others say is read, or refused with their name, whatever it is', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (said) => {
      for (const [name, read] of [
        ['h2load', (text: string) => readAnswerLog(text, [200])],
        ['ghz', readReport],
      ] as const) {
        try {
          read(said);
        } catch (error) {
          assert.ok((error as Error).message.startsWith(`${name}: expected `), (error as Error).message);
        }
      }
    }),
  );
});

test('only what ended between two looks counts, with what was spent between them', () => {
  const answers = [900, 1000, 1500, 1999, 2000].map((endedAt) => ({ endedAt, latencyMs: 2, right: endedAt !== 1500 }));
  const [from, to] = [
    { at: 1000, cpuS: 1, serverCpuS: 5 },
    { at: 2000, cpuS: 1.003, serverCpuS: 5.03 },
  ];
  const { rps, p50Ms, errors, cpuMicros, serverMicros } = countedBetween(answers, from, to);
  assert.deepEqual([rps, p50Ms, errors, cpuMicros, serverMicros].map(Math.round), [2, 2, 1, 1000, 10_000]);
});

test('numbers agree where the rounds of the one reach into those of the other', () => {
  assert.deepEqual(agreementOf([100, 110, 90], [95, 105, 120]), {
    ratio: { middle: 100 / 105, least: 90 / 120, most: 100 / 95 },
    withinNoise: true,
  });
  assert.equal(agreementOf([100, 101], [102, 103]).withinNoise, false);
  const reading: Reading = {
    rps: 1,
    meanMs: 1,
    p50Ms: 1,
    p99Ms: 1,
    answers: 1,
    errors: 2,
    cpuMicros: Number.NaN,
    serverMicros: 9,
  };
  const table = crossTable([
    { tool: 'bench', rounds: [reading] },
    { tool: 'ghz', rounds: [reading] },
  ]);
  assert.match(table, /bench \/ ghz .*1\.00 \(1\.00…1\.00\) =/);
});

describe('a server that answers at once', () => {
  let server: ChildProcess;
  let [port, grpcPort] = [0, 0];
  before(async () => {
    const file = join(import.meta.dirname, '../../bench/cross-check/fast-server.ts');
    server = spawn(process.execPath, [file, '0', '0'], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = (await once(server.stdout!, 'data')) as [Buffer];
    [port, grpcPort] = line.toString().trim().split(' ').map(Number) as [number, number];
  });
  after(() => server.kill());

  const right = async (tool: Tool, task: Task): Promise<void> => {
    assert.equal(tool.unable(task), undefined);
    const { answers, errors } = await tool.run(task);
    assert.ok(answers > 0);
    assert.equal(errors, 0);
  };
  const rest = () => asking('/v2/settings', expecting('http', { digest: DIGEST }));
  const h1 = (): Task => {
    const { target } = planFor(port, rest(), { h1: true });
    return taskFor(port, rest(), { target, streams: 1 });
  };

  test('gives the bench right answers only, over HTTP/2, HTTP/1.1 and to gRPC', async () => {
    for (const task of [taskFor(port, rest()), h1(), taskFor(grpcPort, GRPC)]) {
      await right(OWN_TOOL, { ...task, durationMs: 300 });
    }
  });

  test('gives h2load right answers only, over HTTP/2, HTTP/1.1 and to gRPC', needs('h2load'), async () => {
    const tool = h2loadAt(program('h2load'));
    await right(tool, taskFor(port, rest()));
    await right(tool, h1());
    await right(tool, taskFor(grpcPort, GRPC));
    // An empty message of Connect.
    await right(tool, taskFor(port, { ...GRPC, body: Buffer.alloc(0), fields: [] }));
  });

  test('gives ghz right answers only', 'skip' in built ? { skip: built.skip } : {}, async () => {
    assert.ok('tools' in built);
    await right(ghzAt(built.tools.ghz), taskFor(grpcPort, GRPC));
  });

  test('gives wrong answers where something else is right, and both say so', needs('h2load'), async () => {
    const wanted = asking('/', expecting('http', { statuses: [204] }));
    for (const tool of [OWN_TOOL, h2loadAt(program('h2load'))]) {
      const { answers, errors } = await tool.run(taskFor(port, wanted));
      assert.equal(answers, 0);
      assert.ok(errors > 0);
    }
  });
});

/** SHA-256 of `{}`. */
const DIGEST = '44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a';
