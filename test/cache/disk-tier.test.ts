// The disk tier with real files; where a disk must fail, the folder is one that fails.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { bodyName, entryName } from '../../src/cache/disk-entry.ts';
import { FileKind, sealed, unsealed } from '../../src/cache/disk-file.ts';
import { type DiskFolder, LocalFolder } from '../../src/cache/disk-folder.ts';
import { DiskTier } from '../../src/cache/disk-tier.ts';
import { Store } from '../../src/cache/store.ts';
import type { CacheKey, StoredAnswer } from '../../src/cache/stored.ts';
import { HandClock } from '../support/hand-clock.ts';
import { runProcess, startProcess } from '../support/started-process.ts';
import { answerOf, keyOf } from './stored-answers.ts';

const root = mkdtempSync(join(tmpdir(), 'gatehouse-disk-'));
after(() => rmSync(root, { recursive: true, force: true }));
let made = 0;
function newDirectory(): string {
  made += 1;
  return join(root, String(made));
}

interface Opened {
  readonly store: Store;
  readonly tier: DiskTier;
  readonly told: string[];
  readonly clock: HandClock;
}

interface How {
  folder?: DiskFolder;
  maxBytes?: number;
  memory?: number;
  clock?: HandClock;
}

/** A store and its tier, as after a start. */
function opened(directory: string, how: How = {}): Opened {
  const { clock = new HandClock(), memory = 10_000_000, maxBytes = 10_000_000 } = how;
  const told: string[] = [];
  const store = new Store({ maxBytes: memory, maxEntryBytes: memory / 2 }, clock);
  const tier = new DiskTier(store, how.folder ?? new LocalFolder(directory), maxBytes, clock, {
    onProblem: (problem) => told.push(problem),
    onRecovered: () => told.push('recovered'),
  });
  return { store, tier, told, clock };
}

async function started(directory: string, how: How = {}): Promise<Opened> {
  const all = opened(directory, how);
  await all.tier.start();
  return all;
}

const sizeOnDisk = (directory: string): number =>
  files(directory).reduce(
    (sum, name) => sum + Math.ceil(statSync(join(inside(directory), name)).size / 4096) * 4096,
    0,
  );
const put = (store: Store, key: CacheKey, stored: StoredAnswer) => store.put(key, stored, store.begin(key));
const texts = (store: Store, key: CacheKey): string[] => store.get(key).map(({ body }) => Buffer.from(body).toString());
const inside = (directory: string): string => join(directory, 'gatehouse-cache');
const files = (directory: string): string[] => readdirSync(inside(directory)).sort();

test('answers, their fields, variants and codings survive a restart', async () => {
  const directory = newDirectory();
  const key = keyOf('/ui/console/main.js?v=1', { host: '[2001:db8::1]:8443' });
  const german = answerOf('de', {
    vary: [['accept-language', 'de']],
    fields: ['content-type', 'text/html; charset=utf-8', 'etag', '"ä"'],
    freshForS: -5,
    initialAgeS: 7,
    staleIfErrorS: 86_400,
    revalidate: 'when_stale',
    release: 'console',
  });
  {
    const { store, tier } = await started(directory);
    const { digest } = put(store, key, german)!;
    put(store, key, answerOf('en', { vary: [['accept-language', 'en']] }));
    store.addCoding(digest, 'br', Buffer.from('coded'));
    assert.ok(await tier.settled());
    assert.equal(tier.figures().entries, 2);
  }
  const { store, tier } = await started(directory);
  assert.deepEqual(texts(store, key).sort(), ['de', 'en']);
  const kept = store.get(key).find(({ release }) => release === 'console')!;
  const { codings, body, hits: _hits, usedAt: _used, ...rest } = kept;
  assert.deepEqual(rest, (({ codings: _c, body: _b, ...others }) => others)(german));
  assert.deepEqual(
    [...codings].map(([name, coded]) => [name, Buffer.from(coded).toString()]),
    [['br', 'coded']],
  );
  assert.equal(body.buffer.byteLength < 5000, true);
  assert.deepEqual([tier.figures().loaded, tier.figures().rejected, tier.figures().waiting], [2, 0, 0]);
});

test('files are for their owner only, and their names say nothing of the request', async () => {
  const directory = newDirectory();
  const { store, tier } = await started(directory);
  put(store, keyOf('/../../etc/passwd?token=geheim', { host: '../..' }), answerOf('a'));
  await tier.settled();
  assert.equal(statSync(inside(directory)).mode & 0o777, 0o700);
  assert.equal(files(directory).length, 2);
  for (const name of files(directory)) {
    assert.match(name, /^[eb]-[0-9a-f]{64}$/);
    assert.equal(statSync(join(inside(directory), name)).mode & 0o777, 0o600);
  }
});

test('a body that many answers have is one file, until the last of them has left', async () => {
  const directory = newDirectory();
  const { store, tier } = await started(directory);
  for (let i = 0; i < 10; i += 1) put(store, keyOf('/', { host: `h${i}` }), answerOf('one bundle'));
  await tier.settled();
  assert.equal(files(directory).filter((name) => name.startsWith('b-')).length, 1);
  for (let i = 0; i < 9; i += 1) store.purge({ host: `h${i}` });
  await tier.settled();
  assert.equal(files(directory).length, 2);
  const again = await started(directory);
  assert.deepEqual(texts(again.store, keyOf('/', { host: 'h9' })), ['one bundle']);
  again.store.purge({ all: true });
  assert.ok(await again.tier.settled());
  assert.deepEqual(files(directory), []);
  assert.equal(again.tier.figures().bytes, 0);
});

test('what was purged, replaced or pushed out does not come back after a restart', async () => {
  const directory = newDirectory();
  {
    const { store, tier } = await started(directory, { memory: 60_000 });
    put(store, keyOf('/purged'), answerOf('a'));
    put(store, keyOf('/replaced'), answerOf('old'));
    await tier.settled();
    store.delete(keyOf('/purged'));
    put(store, keyOf('/replaced'), answerOf('new'));
    for (let i = 0; i < 5; i += 1) put(store, keyOf(`/big/${i}`), answerOf(String(i).repeat(20_000)));
    put(store, keyOf('/replaced'), answerOf('newest'));
    assert.ok(await tier.settled());
  }
  const { store } = await started(directory);
  assert.deepEqual(texts(store, keyOf('/purged')), []);
  assert.deepEqual(texts(store, keyOf('/replaced')), ['newest']);
  assert.deepEqual(texts(store, keyOf('/big/0')), []);
  assert.deepEqual(texts(store, keyOf('/big/4')), ['4'.repeat(20_000)]);
});

test('a purge while the start is still reading reaches what was not read yet', async () => {
  const directory = newDirectory();
  {
    const { store, tier } = await started(directory);
    for (let i = 0; i < 20; i += 1) put(store, keyOf(`/${i}`, { host: i % 2 ? 'odd' : 'even' }), answerOf(`body ${i}`));
    await tier.settled();
  }
  const { store, tier } = opened(directory);
  const starting = tier.start();
  store.purge({ host: 'odd' });
  store.invalidate({ scheme: 'https', host: 'even', target: '/4' });
  const settled = tier.settled();
  await starting;
  assert.ok(await settled);
  assert.equal(store.figures().entries, 9);
  assert.equal(files(directory).filter((name) => name.startsWith('e-')).length, 9);
});

test('what the origin sent while the start is still reading wins over what is on disk', async () => {
  const directory = newDirectory();
  {
    const { store, tier } = await started(directory);
    put(store, keyOf('/'), answerOf('old'));
    await tier.settled();
  }
  const { store, tier } = opened(directory);
  const starting = tier.start();
  put(store, keyOf('/'), answerOf('new'));
  await starting;
  assert.deepEqual(texts(store, keyOf('/')), ['new']);
  await tier.settled();
  assert.deepEqual(texts((await started(directory)).store, keyOf('/')), ['new']);
});

test('a file cut at any length, or with any bit turned, is no file', async () => {
  const payload = randomBytes(100);
  const bytes = await sealed(FileKind.BODY, { digest: 'd', coding: '' }, payload);
  assert.deepEqual(
    Buffer.from((await unsealed(Buffer.from(bytes) as Buffer<ArrayBuffer>, FileKind.BODY)).payload),
    payload,
  );
  for (let length = 0; length < bytes.length; length += 1) {
    await assert.rejects(unsealed(Buffer.from(bytes.subarray(0, length)), FileKind.BODY), { name: 'Error' });
  }
  await fc.assert(
    fc.asyncProperty(fc.nat(bytes.length * 8 - 1), async (bit) => {
      const turned = Buffer.from(bytes);
      turned[bit >> 3]! ^= 1 << (bit & 7);
      await assert.rejects(unsealed(turned, FileKind.BODY));
    }),
  );
  await assert.rejects(unsealed(Buffer.concat([bytes, Buffer.alloc(1)]), FileKind.BODY), /longer than it says/);
  await assert.rejects(unsealed(Buffer.from(bytes), FileKind.ENTRY), /another kind/);
});

test('whatever stands in a file, the start takes it over whole or not at all', async () => {
  const directory = newDirectory();
  const key = keyOf('/');
  const answer = answerOf('the body of an answer');
  const entry = entryName(key, answer);
  {
    const { store, tier } = await started(directory);
    put(store, key, answer);
    await tier.settled();
  }
  const good = new Map(files(directory).map((name) => [name, readFileSync(join(inside(directory), name))]));
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...good.keys()),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      fc.boolean(),
      async (name, at, cut) => {
        for (const [other, bytes] of good) writeFileSync(join(inside(directory), other), bytes);
        const bytes = Buffer.from(good.get(name)!);
        const offset = Math.floor(at * bytes.length);
        if (!cut) bytes[offset]! ^= 0x41;
        writeFileSync(join(inside(directory), name), cut ? bytes.subarray(0, offset) : bytes);
        const { store, tier } = await started(directory);
        assert.deepEqual(store.get(key), []);
        assert.equal(tier.figures().rejected, 1);
        assert.deepEqual(files(directory), [], 'neither it nor what belonged to it is left');
      },
    ),
    { numRuns: 40 },
  );
  for (const [other, bytes] of good) writeFileSync(join(inside(directory), other), bytes);
  assert.equal((await started(directory)).store.get(key).length, 1);
  assert.ok(good.has(entry));
});

test('a file of a newer version, another program, or under another name is thrown away and counted', async () => {
  const directory = newDirectory();
  const key = keyOf('/');
  {
    const { store, tier } = await started(directory);
    put(store, key, answerOf('a'));
    put(store, keyOf('/b'), answerOf('b'));
    await tier.settled();
  }
  const folder = inside(directory);
  const a = join(folder, entryName(key, answerOf('a')));
  const renamed = join(folder, `e-${'0'.repeat(64)}`);
  writeFileSync(renamed, readFileSync(a));
  const newer = readFileSync(a);
  newer[4] = 2;
  writeFileSync(a, newer);
  writeFileSync(join(folder, 't-1-1'), 'torn');
  writeFileSync(join(folder, 'notes.txt'), 'foreign');
  mkdirSync(join(folder, 'a-directory'));
  const { store, tier } = await started(directory);
  assert.deepEqual([store.get(key).length, store.get(keyOf('/b')).length], [0, 1]);
  assert.equal(tier.figures().rejected, 4);
  assert.ok(tier.figures().last_rejection);
  assert.equal(files(directory).length, 3, 'an answer, its body, and the directory, which is left alone');
});

test('attack: two answers whose bodies changed places are not served', async () => {
  const directory = newDirectory();
  const [a, b] = [answerOf('body a'), answerOf('body b')];
  {
    const { store, tier } = await started(directory);
    put(store, keyOf('/a'), a);
    put(store, keyOf('/b'), b);
    await tier.settled();
  }
  const [fileA, fileB] = [a, b].map(({ digest }) => join(inside(directory), bodyName(digest))) as [string, string];
  const [bytesA, bytesB] = [readFileSync(fileA), readFileSync(fileB)];
  writeFileSync(fileA, bytesB);
  writeFileSync(fileB, bytesA);
  const { store, tier } = await started(directory);
  assert.equal(store.figures().entries, 0);
  assert.equal(tier.figures().rejected, 2);
});

test('attack: links in the directory are not followed, neither for files nor for the directory itself', async () => {
  const directory = newDirectory();
  const key = keyOf('/');
  {
    const { store, tier } = await started(directory);
    put(store, key, answerOf('a'));
    await tier.settled();
  }
  const body = join(inside(directory), bodyName(answerOf('a').digest));
  const elsewhere = join(newDirectory(), 'secret');
  mkdirSync(join(elsewhere, '..'), { recursive: true });
  writeFileSync(elsewhere, readFileSync(body));
  rmSync(body);
  symlinkSync(elsewhere, body);
  const { store, tier } = await started(directory);
  assert.deepEqual(store.get(key), []);
  put(store, key, answerOf('a'));
  await tier.settled();
  assert.equal(statSync(body).size, readFileSync(body).length);
  assert.ok(existsSync(elsewhere), 'what a link led to is left alone');

  const other = newDirectory();
  mkdirSync(other);
  symlinkSync(inside(directory), inside(other));
  const { told } = await started(other);
  assert.match(told.join(), /expected a directory, not a link/);
});

test('a named pipe in the directory does not hold up the start', async () => {
  const directory = newDirectory();
  mkdirSync(inside(directory), { recursive: true });
  const { code } = await runProcess('mkfifo', [join(inside(directory), `e-${'1'.repeat(64)}`)], {});
  assert.equal(code, 0);
  const { tier } = await started(directory);
  assert.equal(tier.figures().rejected, 1);
});

test('an answer from the future is thrown away: the clock was set back and its age is unknown', async () => {
  const directory = newDirectory();
  const later = new HandClock();
  later.pass(3_600_000);
  {
    const { store, tier } = await started(directory, { clock: later });
    put(store, keyOf('/future'), answerOf('a', { receivedAt: later.wall() }));
    put(store, keyOf('/past'), answerOf('b'));
    await tier.settled();
  }
  const { store } = await started(directory);
  assert.deepEqual([store.get(keyOf('/future')).length, store.get(keyOf('/past')).length], [0, 1]);
});

test('the budget is kept, and what was not used longest goes first', async () => {
  const directory = newDirectory();
  const { store, tier, clock } = await started(directory, { maxBytes: 100_000 });
  const kept = [];
  for (let i = 0; i < 5; i += 1) {
    kept.push(put(store, keyOf(`/${i}`), answerOf(String(i).repeat(15_000)))!);
    clock.pass(1000);
  }
  store.count('console', 'hit', kept[0]);
  await tier.settled();
  for (let i = 5; i < 8; i += 1) put(store, keyOf(`/${i}`), answerOf(String(i).repeat(15_000)));
  await tier.settled();
  const { bytes, entries } = tier.figures();
  assert.ok(bytes <= 100_000 && entries >= 3);
  assert.equal(bytes, sizeOnDisk(directory));
  const again = await started(directory);
  assert.equal(again.store.get(keyOf('/0')).length, 1, 'used a moment ago');
  assert.equal(again.store.get(keyOf('/1')).length, 0);
  assert.equal(again.store.get(keyOf('/7')).length, 1);
  put(store, keyOf('/huge'), answerOf('x'.repeat(200_000)));
  await tier.settled();
  assert.equal(tier.figures().dropped, 1);
});

test('a start with a smaller budget, or less memory, takes over what was written last and removes the rest', async () => {
  const directory = newDirectory();
  {
    const { store, tier } = await started(directory);
    for (let i = 0; i < 10; i += 1) put(store, keyOf(`/${i}`), answerOf(String(i).repeat(20_000)));
    await tier.settled();
  }
  const { tier } = await started(directory, { memory: 120_000 });
  assert.ok(tier.figures().loaded >= 3 && tier.figures().loaded <= 4);
  assert.equal(files(directory).filter((name) => name.startsWith('e-')).length, tier.figures().loaded);
});

/** A folder whose operations can be made to fail. */
function failing(directory: string): { folder: DiskFolder; fail: Map<keyof DiskFolder, string> } {
  const folder = new LocalFolder(directory);
  const fail = new Map<keyof DiskFolder, string>();
  const proxy = new Proxy(folder, {
    get(target, name: keyof DiskFolder) {
      return (...args: unknown[]) => {
        const code = fail.get(name);
        if (code !== undefined) return Promise.reject(Object.assign(new Error(`${code}: no`), { code }));
        return (target[name] as (...args: unknown[]) => unknown).apply(target, args);
      };
    },
  });
  return { folder: proxy, fail };
}

test('a full disk is told once, is not asked for every answer, and is used again when there is room', async () => {
  const directory = newDirectory();
  const { folder, fail } = failing(directory);
  const { store, tier, told, clock } = await started(directory, { folder });
  fail.set('write', 'ENOSPC');
  for (let i = 0; i < 50; i += 1) {
    put(store, keyOf(`/${i}`), answerOf(String(i)));
    await tier.settled();
  }
  assert.deepEqual(told, ['ENOSPC: no']);
  assert.equal(store.figures().entries, 50, 'the memory goes on');
  assert.equal(tier.figures().dropped, 50);
  assert.match(tier.figures().problem!, /ENOSPC/);
  fail.clear();
  put(store, keyOf('/early'), answerOf('a'));
  clock.pass(30_000);
  put(store, keyOf('/late'), answerOf('a'));
  assert.ok(await tier.settled());
  assert.deepEqual(told, ['ENOSPC: no', 'recovered']);
  assert.deepEqual([tier.figures().entries, tier.figures().problem], [1, null]);
});

test('an answer that could not be written does not leave the one before it on disk', async () => {
  const directory = newDirectory();
  const { folder, fail } = failing(directory);
  const { store, tier } = await started(directory, { folder });
  put(store, keyOf('/'), answerOf('old'));
  await tier.settled();
  fail.set('write', 'ENOSPC');
  put(store, keyOf('/'), answerOf('new'));
  assert.ok(await tier.settled());
  assert.deepEqual(files(directory), []);
});

test('a purge that the disk refuses is said, and is made up for when the disk takes it', async () => {
  const directory = newDirectory();
  const { folder, fail } = failing(directory);
  const { store, tier, told } = await started(directory, { folder });
  put(store, keyOf('/'), answerOf('a'));
  await tier.settled();
  fail.set('remove', 'EROFS');
  store.purge({ all: true });
  assert.equal(await tier.settled(), false);
  assert.deepEqual(told, ['EROFS: no']);
  fail.clear();
  assert.equal(await tier.settled(), true);
  assert.deepEqual(files(directory), []);
});

test('a sync that fails is no certain purge', async () => {
  const directory = newDirectory();
  const { folder, fail } = failing(directory);
  const { store, tier } = await started(directory, { folder });
  put(store, keyOf('/'), answerOf('a'));
  await tier.settled();
  fail.set('sync', 'EIO');
  store.purge({ all: true });
  assert.equal(await tier.settled(), false);
});

test('a directory that cannot be read, or is none, is told once, and the cache goes on in memory', async () => {
  const file = newDirectory();
  writeFileSync(file, 'a file');
  for (const directory of [file, '/proc/gatehouse']) {
    const { store, tier, told } = await started(directory);
    put(store, keyOf('/'), answerOf('a'));
    store.delete(keyOf('/'));
    put(store, keyOf('/'), answerOf('b'));
    assert.equal(await tier.settled(), false);
    assert.equal(told.length, 1, directory);
    assert.deepEqual(texts(store, keyOf('/')), ['b']);
    assert.equal(tier.figures().waiting, 0);
  }
});

test('a directory that vanishes is made again', async () => {
  const directory = newDirectory();
  const { store, tier, told, clock } = await started(directory);
  put(store, keyOf('/a'), answerOf('a'));
  await tier.settled();
  rmSync(directory, { recursive: true });
  put(store, keyOf('/b'), answerOf('b'));
  await tier.settled();
  assert.match(told.join(), /ENOENT/);
  clock.pass(30_000);
  put(store, keyOf('/c'), answerOf('a'));
  assert.ok(await tier.settled());
  assert.equal(told.length, 2);
  assert.deepEqual(texts((await started(directory)).store, keyOf('/c')), ['a']);
});

test('a disk that does not answer holds up nothing, and only so much waits for it', async () => {
  const directory = newDirectory();
  const gate = Promise.withResolvers<void>();
  const local = new LocalFolder(directory);
  const folder: DiskFolder = new Proxy(local, {
    get(target, name: keyof DiskFolder) {
      if (name === 'write') {
        return async (file: string, bytes: Uint8Array) => {
          await gate.promise;
          await target.write(file, bytes);
        };
      }
      return (target[name] as (...args: unknown[]) => unknown).bind(target);
    },
  });
  const { store, tier } = await started(directory, { folder });
  for (let i = 0; i < 3000; i += 1) put(store, keyOf(`/${i}`), answerOf('same'));
  assert.equal(tier.figures().waiting, 1024);
  assert.ok(tier.figures().dropped > 1900);
  store.purge({ all: true });
  put(store, keyOf('/last'), answerOf('last'));
  assert.equal(tier.figures().waiting, 1025 - 1023, 'what was purged no longer waits');
  gate.resolve();
  assert.ok(await tier.settled());
  assert.equal(tier.figures().entries, 1);
});

test('a process that is killed while it writes leaves whole answers or none', async () => {
  const directory = newDirectory();
  for (let round = 0; round < 3; round += 1) {
    const writer = startProcess(process.execPath, [join(import.meta.dirname, 'disk-writer.ts'), directory], {});
    await writer.line((line) => line.written === 20 + round * 7);
    writer.child.kill('SIGKILL');
    await writer[Symbol.asyncDispose]();
    const { store, tier } = await started(directory);
    assert.ok(tier.figures().loaded > 0);
    for (const { key, answers } of store.resources()) {
      for (const { body } of answers) {
        const text = Buffer.from(body).toString();
        assert.equal(text, `${key.target} `.repeat(text.length / (key.target.length + 1)));
      }
    }
    assert.ok(files(directory).every((name) => !name.startsWith('t-')));
  }
});

test('a disk that takes only part of a file leaves nothing of it, and the rest is served from memory', async () => {
  const directory = newDirectory();
  // Files above 4 KiB are cut by the kernel, as a full disk does it; the signal that comes along is ignored.
  const shell = `trap '' XFSZ; ulimit -f 4; exec "$0" "$@"`;
  const writer = join(import.meta.dirname, 'disk-writer.ts');
  await using child = startProcess('/bin/bash', ['-c', shell, process.execPath, writer, directory], {});
  const { problem } = await child.line((line) => line.event === 'problem');
  assert.match(String(problem), /EFBIG/);
  await child.line((line) => line.written === 20);
  assert.ok(
    files(directory).every((name) => !name.startsWith('t-') && statSync(join(inside(directory), name)).size <= 4096),
  );
});

test('an order is carried out although more and more is written', async () => {
  const directory = newDirectory();
  const { store, tier } = await started(directory);
  put(store, keyOf('/purged'), answerOf('a'));
  let going = true;
  const traffic = (async () => {
    for (let i = 0; going; i += 1) {
      put(store, keyOf(`/${i % 50}`), answerOf(`body ${i}`));
      await new Promise(setImmediate);
    }
  })();
  store.delete(keyOf('/purged'));
  assert.ok(await tier.settled());
  assert.ok(!files(directory).includes(entryName(keyOf('/purged'), answerOf('a'))));
  going = false;
  await traffic;
  await tier.settled();
  assert.equal(tier.figures().bytes, sizeOnDisk(directory));
});

test('after any sequence of answers, orders and failures a restart brings only what was in memory, whole', async () => {
  const name = fc.constantFrom('/a', '/b', '/c', '/d');
  const step = fc.oneof(
    fc.record({ kind: fc.constant('put' as const), name, text: fc.constantFrom('x', 'y', 'z'.repeat(9_000)) }),
    fc.record({ kind: fc.constant('code' as const), name }),
    fc.record({ kind: fc.constant('delete' as const), name }),
    fc.record({ kind: fc.constant('settle' as const) }),
    fc.record({
      kind: fc.constant('fail' as const),
      what: fc.constantFrom('write' as const, 'remove' as const, 'sync' as const),
    }),
    fc.record({ kind: fc.constant('mend' as const) }),
  );
  const image = (store: Store): Map<string, string> =>
    new Map(
      [...store.resources()].map(({ key, answers: [answer] }) => [
        key.target,
        `${Buffer.from(answer!.body)} ${answer!.receivedAt} ${[...answer!.codings.keys()]}`,
      ]),
    );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      const directory = newDirectory();
      const { folder, fail } = failing(directory);
      const { store, tier, clock } = await started(directory, { folder, maxBytes: 40_000, memory: 60_000 });
      let version = 0;
      for (const step of steps) {
        if (step.kind === 'put') {
          version += 1;
          put(store, keyOf(step.name), answerOf(step.text, { receivedAt: clock.wall() - 1000 + version }));
        } else if (step.kind === 'code') {
          const [answer] = store.get(keyOf(step.name));
          if (answer !== undefined) store.addCoding(answer.digest, 'br', Buffer.from('coded'));
        } else if (step.kind === 'delete') store.delete(keyOf(step.name));
        else if (step.kind === 'settle') await tier.settled();
        else if (step.kind === 'fail') fail.set(step.what, 'EIO');
        else {
          fail.clear();
          clock.pass(30_000);
        }
      }
      fail.clear();
      // What was under way when the disk failed is made up for by the next one.
      await tier.settled();
      assert.equal(await tier.settled(), true);
      assert.equal(tier.figures().bytes, sizeOnDisk(directory));
      assert.ok(tier.figures().bytes <= 40_000);
      const before = image(store);
      const again = await started(directory, { clock });
      assert.deepEqual([again.tier.figures().rejected, again.tier.figures().bytes], [0, sizeOnDisk(directory)]);
      for (const [target, text] of image(again.store)) {
        // A coding may have been dropped while the disk failed; the rest is as it was.
        assert.ok(
          [before.get(target), `${before.get(target)} `].some((one) => one?.startsWith(text)),
          `${target}: ${text}`,
        );
      }
    }),
    { numRuns: 60 },
  );
});

test('a revalidated answer replaces the file of its head in one step; its body is not written again', async () => {
  const directory = newDirectory();
  const written: string[] = [];
  const local = new LocalFolder(directory);
  const folder: DiskFolder = new Proxy(local, {
    get(target, operation: keyof DiskFolder) {
      return (...args: unknown[]) => {
        if (operation === 'write' || operation === 'remove') written.push(`${operation} ${String(args[0])[0]}`);
        return (target[operation] as (...args: unknown[]) => unknown).apply(target, args);
      };
    },
  });
  const { store, tier } = await started(directory, { folder });
  const { digest } = put(store, keyOf('/'), answerOf('body'))!;
  store.addCoding(digest, 'br', Buffer.from('coded'));
  await tier.settled();
  assert.deepEqual(written.splice(0), ['write b', 'write e', 'write c']);
  put(store, keyOf('/'), answerOf('body', { freshForS: 600 }));
  await tier.settled();
  assert.deepEqual(written.splice(0), ['write e']);
  put(store, keyOf('/'), answerOf('other'));
  await tier.settled();
  assert.deepEqual(written, ['write b', 'write e', 'remove b', 'remove c'], 'the body of the one before goes last');
});
