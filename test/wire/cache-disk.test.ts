// The cache on disk behind a gateway: what was stored outlives a restart, and a disk that fails harms no answer.
import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { type Cached, startCached } from '../support/cached.ts';
import { type Origin, startOrigin } from '../support/origin.ts';

const FRESH = { 'cache-control': 'max-age=600', 'content-type': 'text/plain' };
const authority = 'cached.example';

let folder: string;
let origin: Origin;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatehouse-disk-'));
  origin = await startOrigin('h2c');
  origin.play = (one) => one.answer(200, { ...FRESH, vary: 'accept-language' }, `body of ${one.target} `.repeat(100));
});
afterEach(async () => {
  await origin[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

/** A gateway with the directory; its store holds what is on disk when this resolves. */
async function started(directory = folder): Promise<Cached> {
  const stage = await startCached({ origin, config: { cache: { disk: { directory } } } });
  await stage.gateway.primary.generation.services.cache.disk!.start();
  return stage;
}

async function files(): Promise<string[]> {
  const all = await readdir(folder, { recursive: true, withFileTypes: true });
  return all.filter((one) => one.isFile()).map((one) => join(one.parentPath, one.name));
}

test('a restart with the same directory serves hits without asking the origin, in the language and with the tag of before', async () => {
  const before = new Map<string, string>();
  {
    await using stage = await started();
    for (const language of ['de', 'en']) {
      await stage.get('/c/page', { authority, fields: { 'accept-language': language } });
      const got = await stage.get('/c/page', { authority, fields: { 'accept-language': language } });
      before.set(language, got.of('etag')!);
    }
  }
  await origin.die();
  await using stage = await started();
  for (const language of ['de', 'en']) {
    const got = await stage.get('/c/page', { authority, fields: { 'accept-language': language } });
    assert.equal(got.status, 200);
    assert.match(got.cache!, /^gatehouse; hit; ttl=(?:600|59\d)$/);
    assert.deepEqual([got.of('etag'), got.text], [before.get(language), 'body of /c/page '.repeat(100)]);
  }
  assert.equal((await stage.get('/c/page', { authority: 'other.example' })).status, 502);
});

test('attack: a flipped byte in any file: the origin is asked again, and no wrong byte is served', async () => {
  {
    await using stage = await started();
    await stage.get('/c/page', { authority });
  }
  const kept = await files();
  assert.ok(kept.length >= 2);
  for (const file of kept) {
    const bytes = await readFile(file);
    const flipped = Buffer.from(bytes);
    flipped[Math.floor(bytes.length / 2)]! ^= 1;
    await writeFile(file, flipped);
    const asked = origin.asked.length;
    await using stage = await started();
    const got = await stage.get('/c/page', { authority });
    assert.deepEqual([got.status, got.text], [200, 'body of /c/page '.repeat(100)]);
    assert.equal(origin.asked.length, asked + 1, file);
  }
});

test('attack: files that are cut, empty, or of somebody else are thrown away, and the gateway starts', async () => {
  {
    await using stage = await started();
    await stage.get('/c/page', { authority });
  }
  const kept = await files();
  await writeFile(kept[0]!, (await readFile(kept[0]!)).subarray(0, 20));
  await writeFile(kept[1]!, '');
  await writeFile(join(folder, 'README'), 'not of a cache');
  await using stage = await started();
  assert.equal((await stage.get('/c/page', { authority })).text, 'body of /c/page '.repeat(100));
  assert.equal(origin.asked.length, 2);
});

test('what was purged does not come back with a restart', async () => {
  {
    await using stage = await started();
    await stage.get('/c/page', { authority });
    await stage.get('/c/page', { authority, method: 'POST', body: 'x' });
  }
  const asked = origin.asked.length;
  await using stage = await started();
  await stage.get('/c/page', { authority });
  assert.equal(origin.asked.length, asked + 1);
});

test('a directory that cannot be used is told once, and the cache goes on in memory', async () => {
  const file = join(folder, 'file');
  await writeFile(file, '');
  await using stage = await started(join(file, 'below'));
  const told = await stage.gateway.announcement('cache_disk');
  assert.equal(told.up, false);
  for (let i = 0; i < 3; i += 1) await stage.get(`/c/${i}`, { authority });
  for (let i = 0; i < 3; i += 1) {
    assert.match((await stage.get(`/c/${i}`, { authority })).cache!, /^gatehouse; hit/);
  }
  assert.equal(stage.gateway.announced.filter(({ name }) => name === 'cache_disk').length, 1);
});

test('a directory that goes away while the gateway runs costs no answer', async () => {
  await using stage = await started();
  await rm(folder, { recursive: true });
  await writeFile(folder, 'a file in its place');
  for (let i = 0; i < 3; i += 1) {
    assert.equal((await stage.get(`/c/${i}`, { authority })).status, 200);
    assert.match((await stage.get(`/c/${i}`, { authority })).cache!, /^gatehouse; hit/);
  }
  assert.equal((await stage.gateway.announcement('cache_disk')).up, false);
});
