// The cache on disks that fail for real: full, read-only, pulled, and a process without a file descriptor to spare.
// Harm: answers that are torn or out of date after a restart, and a gateway that fails with a disk it can do without.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, openSync, readdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import http2 from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Registry } from 'prom-client';
import { Events } from '../../src/core/events.ts';
import { cacheMetrics } from '../../src/telemetry/cache-metrics.ts';
import { type Cached, startCached } from '../support/cached.ts';
import { HandClock } from '../support/hand-clock.ts';
import { type Origin, startOrigin } from '../support/origin.ts';
import { say } from '../support/programs.ts';
import { mounting, runBelow, SmallDisk } from '../support/small-disk.ts';

const MIB = 1024 * 1024;
const FRESH = { 'cache-control': 'max-age=86400', 'content-type': 'application/octet-stream' };
const authority = 'cached.example';
/** Longer than the tier waits before it tries a disk again that has failed. */
const PAUSE_MS = 30_000;

/** A gateway with its store on a directory, its clock, and an origin whose bodies are known. */
class Stage implements AsyncDisposable {
  readonly bodies = new Map<string, Buffer>();
  readonly clock = new HandClock();
  readonly directory: string;
  readonly #origin: Origin;
  #cached!: Cached;

  private constructor(origin: Origin, directory: string) {
    this.#origin = origin;
    this.directory = directory;
    origin.play = (one) => one.answer(200, FRESH, this.#bodyOf(one.target));
  }

  static async begin(directory: string): Promise<Stage> {
    const stage = new Stage(await startOrigin('h2c'), directory);
    await stage.#start();
    return stage;
  }

  async #start(): Promise<void> {
    this.#cached = await startCached({
      origin: this.#origin,
      clock: this.clock,
      config: { cache: { disk: { directory: this.directory } } },
    });
    await this.disk.start();
  }

  /** As after a crash of nobody: what is on disk is all that is left. */
  async restart(): Promise<void> {
    await this.#cached[Symbol.asyncDispose]();
    await this.#start();
  }

  /** Other bodies for the same targets from now on. */
  change(): void {
    this.bodies.clear();
  }

  #bodyOf(target: string): Buffer {
    const body = this.bodies.get(target) ?? randomBytes(64 * 1024);
    this.bodies.set(target, body);
    return body;
  }

  get disk() {
    return this.#cached.gateway.primary.generation.services.cache.disk!;
  }

  get gateway() {
    return this.#cached.gateway;
  }

  /** Asks for all of them: each is whole, and is what the origin has; gives how many were hits. */
  async ask(targets: readonly string[]): Promise<number> {
    let hits = 0;
    for (const target of targets) {
      const got = await this.#cached.get(target, { authority });
      assert.equal(got.status, 200, target);
      assert.ok(got.body.equals(this.#bodyOf(target)), target);
      if (got.cache?.startsWith('gatehouse; hit') === true) hits += 1;
    }
    return hits;
  }

  /** What was announced of the disk, in order. */
  get told(): string[] {
    return this.gateway.announced
      .filter(({ name }) => name === 'cache_disk')
      .map(({ payload }) => {
        const { up, problem } = payload as { up: boolean; problem?: string };
        return up ? 'up' : `down ${/E[A-Z]+/.exec(problem ?? '')?.[0] ?? problem}`;
      });
  }

  /** What monitoring sees. */
  async metric(name: string): Promise<number> {
    const registry = new Registry();
    const { store, maker } = this.gateway.primary.generation.services.cache;
    cacheMetrics(registry, new Events(), () => ({
      memory: store.figures(),
      disk: this.disk.figures(),
      variants: maker.stats,
    }));
    const { values } = await registry.getSingleMetric(`gatehouse_${name}`)!.get();
    return values[0]!.value;
  }

  /** Names of files that are not whole answers, bodies or codings. */
  get leftovers(): string[] {
    return readdirSync(join(this.directory, 'gatehouse-cache')).filter((name) => name.startsWith('t-'));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#cached[Symbol.asyncDispose]();
    await this.#origin[Symbol.asyncDispose]();
  }
}

const targets = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, i) => `/c/${from + i}`);
const free = (path: string): number => {
  const { bavail, bsize } = statfsSync(path);
  return bavail * bsize;
};

const where = await mounting();
const MOUNTS = typeof where === 'object' ? where : {};
const PRLIMIT = await say('prlimit', ['--version']).then(
  () => ({}),
  () => ({ skip: 'prlimit not found on PATH: this is not checked here' }),
);

if (where === 'below') {
  test('disks that fail for real, in a namespace where they can be mounted', async () => {
    const { code, text } = await runBelow(import.meta.filename);
    assert.equal(code, 0, text);
    assert.match(text, /^# skipped 0$|^ℹ skipped 0$/m, text);
  });
} else {
  test(
    'a disk that is full: every answer is whole and hit in memory, the failure is told once, counted, and over when there is room',
    MOUNTS,
    async () => {
      using disk = new SmallDisk(2 * MIB);
      const ballast = join(disk.path, 'ballast');
      writeFileSync(ballast, Buffer.alloc(MIB));
      await using stage = await Stage.begin(disk.path);
      const all = targets(0, 40);
      await stage.ask(all);
      assert.equal(await stage.disk.settled(), true, 'nothing is owed: what could not be written was withdrawn');
      assert.deepEqual(stage.told, ['down ENOSPC']);
      assert.deepEqual(stage.leftovers, []);
      assert.equal(await stage.ask(all), 40, 'the memory goes on');
      assert.equal(await stage.metric('cache_disk_up'), 0);
      assert.ok((await stage.metric('cache_disk_dropped_total')) > 20);
      assert.ok(free(disk.path) < 128 * 1024);

      rmSync(ballast);
      await stage.ask(targets(40, 41));
      assert.deepEqual(stage.told, ['down ENOSPC'], 'it is not asked for each answer');
      stage.clock.pass(PAUSE_MS);
      await stage.ask(targets(41, 45));
      assert.equal(await stage.disk.settled(), true);
      assert.deepEqual(stage.told, ['down ENOSPC', 'up']);
      assert.equal(await stage.metric('cache_disk_up'), 1);
      const kept = stage.disk.figures().entries;
      await stage.restart();
      assert.deepEqual([stage.disk.figures().rejected, stage.disk.figures().loaded], [0, kept]);
      assert.equal(await stage.ask(targets(41, 45)), 4);
      assert.equal(await stage.ask(all), kept - 4);
    },
  );

  test('a disk that is full from the first byte on costs no answer', MOUNTS, async () => {
    using disk = new SmallDisk(2 * MIB);
    writeFileSync(join(disk.path, 'ballast'), Buffer.alloc(2 * MIB - 4096 * 2));
    await using stage = await Stage.begin(disk.path);
    await stage.ask(targets(0, 5));
    await stage.disk.settled();
    assert.deepEqual(stage.told, ['down ENOSPC']);
    assert.equal(await stage.ask(targets(0, 5)), 5);
    await stage.restart();
    assert.equal(await stage.ask(targets(0, 5)), 0);
  });

  test('a disk that fills up while answers change: after a restart none of before comes back', MOUNTS, async () => {
    using disk = new SmallDisk(2 * MIB);
    await using stage = await Stage.begin(disk.path);
    const all = targets(0, 10);
    await stage.ask(all);
    await stage.disk.settled();
    writeFileSync(join(disk.path, 'ballast'), Buffer.alloc(free(disk.path)));
    stage.change();
    stage.clock.pass(86_400_001);
    await stage.ask(all);
    await stage.disk.settled();
    // What is withdrawn makes room, for some of those that come after.
    assert.equal(stage.told[0], 'down ENOSPC');
    await stage.restart();
    assert.deepEqual([await stage.ask(all), stage.disk.figures().rejected], [stage.disk.figures().loaded, 0]);
  });

  test(
    'a disk that becomes read-only: answers go on, a purge says that it is not certain, and is made up for',
    MOUNTS,
    async () => {
      using disk = new SmallDisk(4 * MIB);
      await using stage = await Stage.begin(disk.path);
      await stage.ask(targets(0, 3));
      assert.equal(await stage.disk.settled(), true);
      disk.readOnly(true);
      await stage.ask(targets(3, 6));
      await stage.disk.settled();
      assert.deepEqual(stage.told, ['down EROFS']);
      assert.equal(await stage.ask(targets(0, 6)), 6);
      stage.gateway.primary.generation.services.cache.store.purge({ host: authority });
      assert.equal(await stage.disk.settled(), false);
      disk.readOnly(false);
      stage.clock.pass(PAUSE_MS);
      await stage.ask(targets(6, 7));
      assert.equal(await stage.disk.settled(), true);
      assert.deepEqual(stage.told, ['down EROFS', 'up']);
      await stage.restart();
      assert.equal(await stage.ask(targets(0, 7)), 1);
    },
  );

  test('a disk that is read-only at the start is told, and the cache is in memory', MOUNTS, async () => {
    using disk = new SmallDisk(4 * MIB);
    disk.readOnly(true);
    await using stage = await Stage.begin(disk.path);
    assert.deepEqual(stage.told, ['down EROFS']);
    await stage.ask(targets(0, 3));
    assert.equal(await stage.ask(targets(0, 3)), 3);
    assert.equal(await stage.metric('cache_disk_up'), 0);
  });

  test('a volume that is pulled while the gateway runs costs no answer', MOUNTS, async () => {
    using disk = new SmallDisk(4 * MIB);
    await using stage = await Stage.begin(disk.path);
    await stage.ask(targets(0, 3));
    await stage.disk.settled();
    disk.pull();
    await stage.ask(targets(3, 6));
    await stage.disk.settled();
    // What was being written may make its folder anew, below, and succeed.
    assert.equal(stage.told[0], 'down ENOENT');
    assert.equal(await stage.ask(targets(0, 6)), 6);
    stage.clock.pass(PAUSE_MS);
    await stage.ask(targets(6, 7));
    assert.equal(await stage.disk.settled(), true);
    assert.equal(stage.told.at(-1), 'up');
  });
}

test(
  'a process without a file descriptor to spare: answers on open connections go on, and are written when there is one',
  PRLIMIT,
  async () => {
    const directory = await mkdtemp(join(tmpdir(), 'gatehouse-disk-'));
    try {
      await using stage = await Stage.begin(directory);
      const session = http2.connect(stage.gateway.clearUrl);
      const get = async (target: string): Promise<Buffer> => {
        const stream = session.request({ ':path': target, ':authority': authority });
        return Buffer.concat((await stream.toArray()) as Buffer[]);
      };
      await get('/c/0');
      assert.equal(await stage.disk.settled(), true);
      // Those are closed to run the program that lifts the limit again.
      const spare = Array.from({ length: 32 }, () => openSync('/dev/null', 'r'));
      const lowest = openSync('/dev/null', 'r');
      const [soft] = execFileSync('prlimit', [
        '--pid',
        String(process.pid),
        '--nofile',
        '--output',
        'SOFT',
        '--noheadings',
      ])
        .toString()
        .split('\n');
      const limit = (most: string) =>
        execFileSync('prlimit', ['--pid', String(process.pid), `--nofile=${most.trim()}:`], { stdio: 'pipe' });
      closeSync(lowest);
      limit(String(lowest));
      try {
        for (const target of targets(1, 6)) assert.ok((await get(target)).equals(stage.bodies.get(target)!));
        await stage.disk.settled();
        assert.deepEqual(stage.told, ['down EMFILE']);
        for (const target of targets(0, 6)) assert.ok((await get(target)).equals(stage.bodies.get(target)!));
      } finally {
        for (const descriptor of spare) closeSync(descriptor);
        limit(soft!);
      }
      stage.clock.pass(PAUSE_MS);
      await get('/c/6');
      assert.equal(await stage.disk.settled(), true);
      assert.deepEqual(stage.told, ['down EMFILE', 'up']);
      session.destroy();
      await stage.restart();
      assert.deepEqual([await stage.ask(targets(0, 7)), stage.disk.figures().rejected], [2, 0]);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  },
);
