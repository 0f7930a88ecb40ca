// The parts of several cores, each by itself: when a lost worker begins again, how many there are, whose bodies are
// coded where, and what is shown of all of them together.
// Harm: a crash loop that takes all cores; a counter that goes backwards; half a log line; a body coded once per core.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { MakerDesk } from '../../src/encoding/variants/maker-desk.ts';
import { type MakerAnswer, type MakerOrder, RemoteMaker } from '../../src/encoding/variants/remote-maker.ts';
import type { VariantDone } from '../../src/encoding/variants/variant-job.ts';
import { VariantMaker } from '../../src/encoding/variants/variant-maker.ts';
import { ConnectionColumns } from '../../src/process/connection-columns.ts';
import { mergedHottest } from '../../src/process/merged.ts';
import { RestartPace } from '../../src/process/restart-pace.ts';
import { heapLimits, workerCount } from '../../src/process/worker-count.ts';
import { MergedMetrics } from '../../src/telemetry/merged-metrics.ts';
import { threadOutlet } from '../../src/telemetry/thread-outlet.ts';
import { HandClock } from '../support/hand-clock.ts';

const MIB = 1024 * 1024;

describe('a worker that was lost begins again', () => {
  test('at once after a minute of life', () => {
    const clock = new HandClock();
    const pace = new RestartPace(clock);
    clock.pass(60_000);
    assert.equal(pace.afterLoss(), 0);
  });

  test('after 1 s, 2 s, 4 s and at most 30 s where it does not live that long', () => {
    const clock = new HandClock();
    const pace = new RestartPace(clock);
    const waits = Array.from({ length: 7 }, () => {
      const wait = pace.afterLoss();
      clock.pass(wait);
      pace.begun();
      return wait;
    });
    assert.deepEqual(waits, [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
  });

  test('and slower also where it could not even begin after a long life', () => {
    const clock = new HandClock();
    const pace = new RestartPace(clock);
    clock.pass(3_600_000);
    assert.deepEqual([pace.afterLoss(), pace.afterLoss(), pace.afterLoss()], [0, 1000, 2000]);
  });
});

describe('how many workers', () => {
  const machine = { cores: 4, memoryBytes: 4096 * MIB };
  test('auto is one per core, none on one core, and 64 at most', () => {
    assert.equal(workerCount({ workers: 'auto' }, machine), 4);
    assert.equal(workerCount({ workers: 'auto' }, { ...machine, cores: 1 }), 0);
    assert.equal(workerCount({ workers: 'auto' }, { ...machine, cores: 256 }), 64);
  });

  test('a number is that number, on one core too', () => {
    assert.equal(workerCount({ workers: 3 }, { ...machine, cores: 1 }), 3);
    assert.equal(workerCount({ workers: 0 }, machine), 0);
  });

  test('heaps share what memory there is beside the cache, and are never tiny', () => {
    const cache = { memory_bytes: 1096 * MIB } as never;
    assert.equal(heapLimits({ cache, worker_heap_bytes: undefined }, 4, machine).maxOldGenerationSizeMb, 450);
    assert.equal(heapLimits({ cache, worker_heap_bytes: undefined }, 64, machine).maxOldGenerationSizeMb, 128);
    assert.equal(heapLimits({ cache, worker_heap_bytes: 200 * MIB }, 4, machine).maxOldGenerationSizeMb, 200);
  });
});

test('open connections are counted by thread, and those of a thread that is gone are not', () => {
  const columns = new ConnectionColumns(ConnectionColumns.allocate(3));
  for (const thread of [2, 2, 3]) columns.opened(thread);
  columns.closed(2);
  assert.deepEqual([columns.of(2), columns.of(3), columns.open], [1, 1, 2]);
  columns.zero(3);
  assert.equal(columns.open, 1);
});

describe('metrics of several threads', () => {
  /** A thread with a counter, a gauge, a histogram, and something of its own. */
  async function snapshot(worker: string, requests: number) {
    const registry = new Registry();
    const registers = [registry];
    new Counter({ name: 'requests_total', help: 'h', labelNames: ['route'], registers }).inc({ route: 'a' }, requests);
    new Gauge({ name: 'open', help: 'h', registers }).set(requests);
    new Histogram({ name: 'seconds', help: 'h', buckets: [1], registers }).observe(0.5);
    const own = new Registry();
    own.setDefaultLabels({ worker });
    new Gauge({ name: 'nodejs_heap', help: 'h', registers: [own] }).set(7);
    return [...(await registry.getMetricsAsJSON()), ...(await own.getMetricsAsJSON())];
  }
  const values = (text: string): string[] => text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));

  test('are sums, and what each has of its own is told apart', async () => {
    const merged = new MergedMetrics();
    const text = await merged.text(
      await snapshot('main', 0),
      new Map([
        [2, await snapshot('1', 3)],
        [3, await snapshot('2', 4)],
      ]),
    );
    const lines = values(text);
    assert.ok(lines.includes('requests_total{route="a"} 7'));
    assert.ok(lines.includes('open 7'));
    assert.ok(lines.includes('seconds_count 3'));
    for (const worker of ['main', '1', '2']) assert.ok(lines.includes(`nodejs_heap{worker="${worker}"} 7`));
  });

  test('what a thread had counted stays counted after its end, and what it had open does not', async () => {
    const merged = new MergedMetrics();
    await merged.text(
      await snapshot('main', 0),
      new Map([
        [2, await snapshot('1', 3)],
        [3, await snapshot('2', 4)],
      ]),
    );
    merged.ended(2);
    merged.ended(3);
    const lines = values(await merged.text(await snapshot('main', 0), new Map([[4, await snapshot('1', 1)]])));
    assert.ok(lines.includes('requests_total{route="a"} 8'));
    assert.ok(lines.includes('open 1'));
    assert.ok(lines.includes('seconds_count 4'));
    assert.ok(!lines.includes('nodejs_heap{worker="2"} 7'));
  });

  test('of a thread that does not answer, what it said last counts', async () => {
    const merged = new MergedMetrics();
    await merged.text(await snapshot('main', 0), new Map([[2, await snapshot('1', 3)]]));
    const lines = values(await merged.text(await snapshot('main', 0), new Map([[2, undefined]])));
    assert.ok(lines.includes('requests_total{route="a"} 3'));
  });
});

describe('lines of a worker', () => {
  test('go over whole, however they are cut, and the next when those before were taken', () => {
    const sent: string[] = [];
    const outlet = threadOutlet((lines) => sent.push(lines), false);
    const done: unknown[] = [];
    outlet.write(Buffer.from('one\ntw'), (bytes) => done.push(bytes));
    assert.deepEqual([sent, done], [['one\n'], []]);
    outlet.taken();
    assert.deepEqual([...done], [6]);
    outlet.write(Buffer.from('o\nthree\n'), (bytes) => done.push(bytes));
    outlet.taken();
    assert.deepEqual(
      [sent, done],
      [
        ['one\n', 'two\nthree\n'],
        [6, 8],
      ],
    );
  });

  test('a piece without an end waits for it, also where it ends within a character', async () => {
    const sent: string[] = [];
    const outlet = threadOutlet((lines) => sent.push(lines), false);
    const [first, second] = [Buffer.from('ü').subarray(0, 1), Buffer.from('ü').subarray(1)];
    const written = Promise.withResolvers<unknown>();
    outlet.write(first, written.resolve);
    assert.equal(await written.promise, 1);
    assert.deepEqual(sent, []);
    outlet.write(Buffer.concat([second, Buffer.from('\n')]), () => {});
    assert.deepEqual(sent, ['ü\n']);
  });
});

describe('the maker of variants of another thread', () => {
  const BODY = Buffer.from('a body that is worth its coding '.repeat(100));
  function desks(maxJobs: number) {
    const failures: unknown[] = [];
    const maker = new VariantMaker({
      clock: new HandClock(),
      maxQueuedBytes: 1_000_000,
      maxJobs,
      onFailure: (failure) => failures.push(failure),
    });
    const thread = () => {
      const remote: RemoteMaker = new RemoteMaker({
        maxQueuedBytes: 1_000_000,
        maxJobs: 100,
        send: (order: MakerOrder) => void setImmediate().then(() => desk.take(structuredClone(order))),
      });
      const desk: MakerDesk = new MakerDesk(
        () => maker,
        (answer: MakerAnswer) => remote.answered(structuredClone(answer)),
      );
      return { remote, desk };
    };
    return { maker, thread };
  }

  test('codes equal bodies of several threads once', async () => {
    const { maker, thread } = desks(100);
    using _ = maker;
    const coded: string[] = [];
    const done: VariantDone = (coding, bytes) => coded.push(`${coding} ${bytes === undefined ? 'none' : 'some'}`);
    const threads = [thread(), thread()];
    for (const { remote } of threads) remote.make({ body: BODY, digest: 'one' }, ['gzip', 'br'], done);
    await Promise.all(threads.map(({ remote }) => remote.idle()));
    assert.deepEqual(coded.sort(), ['br some', 'br some', 'gzip some', 'gzip some']);
    assert.equal(maker.stats.made, 2);
    assert.deepEqual(
      threads.map(({ remote: { stats } }) => [stats.made, stats.queuedJobs, stats.queuedBytes]),
      [
        [2, 0, 0],
        [2, 0, 0],
      ],
    );
  });

  test('says so where there is no room, and calls nobody after a cancel', async () => {
    const { maker, thread } = desks(1);
    using _ = maker;
    const { remote } = thread();
    const told: unknown[] = [];
    remote.make({ body: BODY, digest: 'one' }, ['gzip', 'br'], (coding, bytes) => told.push([coding, bytes]));
    await remote.idle();
    assert.deepEqual(
      [...told],
      [
        ['gzip', undefined],
        ['br', undefined],
      ],
    );
    assert.equal(remote.stats.refused, 1);
    remote.make({ body: BODY, digest: 'one' }, ['gzip'], () => told.push('called'))!.cancel();
    await remote.idle();
    await maker.idle();
    assert.equal(told.length, 2);
  });

  test('is bounded here as well', () => {
    const remote = new RemoteMaker({ maxQueuedBytes: BODY.byteLength, maxJobs: 1, send() {} });
    assert.notEqual(
      remote.make({ body: BODY, digest: 'one' }, ['gzip'], () => {}),
      undefined,
    );
    assert.equal(
      remote.make({ body: BODY, digest: 'two' }, ['gzip'], () => {}),
      undefined,
    );
  });
});

test('the keys that ask most are those of all workers together', () => {
  const hot = (key: string, asked: number, refused: number) => ({ rule: 'r', key, asked, refused });
  assert.deepEqual(mergedHottest([[hot('a', 3, 0), hot('b', 2, 1)], [hot('b', 4, 4)], []], 1), [hot('b', 6, 5)]);
});
