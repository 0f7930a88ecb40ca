// Filling and wearing out the cache: targets, hosts and fields that no client needs, in numbers and sizes that no client
// sends. Harm: what everybody needs is pushed out, memory has no end, or one request costs as much as a thousand.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { type Cached, type Got, startCached } from '../support/cached.ts';
import { mirror, UNLIMITED } from '../support/mirror.ts';

const MEMORY = 1024 * 1024;
const FRESH = { 'cache-control': 'public, max-age=600', 'content-type': 'text/plain' };
const BODY = randomBytes(20_000).toString('base64');

/** Without the work of other threads, which would count as that of requests. */
const CACHED = {
  name: 'cached',
  paths: ['/c/*'],
  policies: { rate_limit: false as const, cache: { variants: false } },
};

let stage: Cached;

before(async () => {
  stage = await startCached({
    config: { ...UNLIMITED, cache: { memory_bytes: MEMORY, max_entry_bytes: 128 * 1024 }, routes: [CACHED] },
  });
  stage.origin.play = (asked) => asked.answer(200, FRESH, BODY);
});
after(() => stage[Symbol.asyncDispose]());

const figures = () => stage.gateway.primary.generation.services.cache.store.figures();
const hit = (got: Got): boolean => got.cache?.startsWith('gatehouse; hit') === true;

for (const [what, ask] of [
  ['queries', (i: number) => stage.get(`/c/x?${i}`)],
  ['paths', (i: number) => stage.get(`/c/${i}`)],
  [
    'spellings of a path',
    (i: number) => stage.get(`/c/${'x'.repeat(i + 1).replaceAll('x', i % 2 === 0 ? '%78' : 'x')}`),
  ],
  ['hosts', (i: number) => stage.get('/c/x', { authority: `h${i}.example` })],
  ['long queries', (i: number) => stage.get(`/c/x?${i}=${'q'.repeat(6000)}`)],
] as const) {
  test(`cache filling with ${what}: memory is bounded, and what everybody asks for stays`, async () => {
    stage.origin.play = (asked) =>
      asked.answer(200, FRESH, `${asked.target} ${randomBytes(15_000).toString('base64')}`);
    await stage.get('/c/hot');
    for (let i = 0; i < 120; i += 1) {
      await ask(i);
      assert.ok(figures().bytes <= MEMORY);
      if (i % 10 === 0) assert.ok(hit(await stage.get('/c/hot')), `gone after ${i}`);
    }
    assert.ok(figures().evictions > 0);
  });
}

test('filling one URL with values of what Vary names: what everybody asks for stays', async () => {
  stage.origin.play = (asked) =>
    asked.answer(200, { ...FRESH, vary: 'Origin' }, `for ${asked.headers['accept-language']}`);
  await stage.get('/c/vary');
  for (let i = 0; i < 100; i += 1) {
    await stage.get('/c/vary', { fields: { 'accept-language': `x-${i}` } });
    if (i % 8 === 0) assert.ok(hit(await stage.get('/c/vary')), `gone after ${i}`);
  }
  const { store } = stage.gateway.primary.generation.services.cache;
  for (const { answers } of store.resources()) assert.ok(answers.length <= store.limits.maxVariants);
});

test('answers that are not stored are remembered within bounds', async () => {
  stage.origin.play = (asked) => asked.answer(200, { 'cache-control': 'no-store' }, 'x');
  for (let i = 0; i < 200; i += 1) await stage.get(`/c/none?${i}`, { fields: { accept: 'a'.repeat(2000) } });
  assert.ok(figures().uncacheable <= 200);
  assert.equal(figures().fills, 0);
});

const LONG = 65_536;
const PARTS = Array.from({ length: 1300 }, (_, i) => `${i}-${i}`).join();
const TAGS = Array.from({ length: 6000 }, () => '"evil"').join();

for (const [name, value] of [
  ['accept-encoding', 'br, '.repeat(LONG / 4)],
  ['accept-encoding', 'gzip;q=0.1, '.repeat(700)],
  ['accept-encoding', `br;q=${'0'.repeat(8000)}`],
  ['accept-encoding', ','.repeat(8000)],
  ['range', `bytes=${'0-1,'.repeat(LONG / 4)}0-1`],
  ['range', `bytes=${PARTS}`],
  ['range', `bytes=${'0-,'.repeat(2500)}0-`],
  ['range', 'bytes=0-0,0-0,0-0,0-0,0-0,0-0,0-0,0-0'],
  ['range', `bytes=${'9'.repeat(8000)}-`],
  ['if-none-match', TAGS.repeat(2).slice(0, LONG)],
  ['if-none-match', TAGS.slice(0, 8000)],
  ['if-none-match', '"'.repeat(8000)],
  ['if-match', `W/${TAGS.slice(0, 8000)}`],
  ['if-modified-since', '9'.repeat(8000)],
  ['if-range', '"'.repeat(8000)],
  ['cache-control', 'max-age=0, '.repeat(700)],
  ['cache-control', `max-stale=${'9'.repeat(8000)}`],
  ['cache-control', `no-cache="${'x,'.repeat(4000)}"`],
  ['accept-language', 'en;q=0.5, '.repeat(800)],
  ['accept', ' '.repeat(8000)],
] as const) {
  for (const protocol of ['h2', 'http/1.1'] as const) {
    test(`${protocol}: ${value.length} bytes of ${name} (${value.slice(0, 12).trim()}…) are refused, or do no more than a few`, async () => {
      stage.origin.play = (asked) => asked.answer(200, FRESH, BODY);
      const target = `/c/long-${name}`;
      await stage.get(target, { protocol });
      const began = process.cpuUsage();
      const got = await stage.get(target, { protocol, fields: { [name]: value } });
      const { user } = process.cpuUsage(began);
      assert.ok(user < 500_000, `${user} us of CPU`);
      const refused = [412, 416, 431].includes(got.status) || got.status === 0;
      if (!refused) assert.deepEqual([got.status, got.text === BODY], [200, true]);
      assert.ok(got.body.length <= BODY.length + 1000);
      const next = await stage.get(target, { protocol });
      assert.deepEqual([next.status, next.text === BODY, hit(next)], [200, true, true]);
    });
  }
}

test('a reload storm: Cache-Control of clients is no way round the cache where the route ignores it', async () => {
  stage.origin.play = (asked) => mirror(asked);
  const target = '/oauth/v2/keys';
  await stage.get(target);
  const before = stage.origin.asked.length;
  for (const value of [
    'no-cache',
    'no-store',
    'max-age=0',
    'min-fresh=99999',
    'only-if-cached',
    'max-stale',
    'no-transform',
  ]) {
    const got = await stage.get(target, { fields: { 'cache-control': value, pragma: 'no-cache' } });
    assert.ok(hit(got), value);
  }
  assert.equal(stage.origin.asked.length, before);
});

test('forty requests for what nobody has: the origin is asked once', async () => {
  stage.origin.play = () => {};
  const before = stage.origin.asked.length;
  const all = Promise.all(Array.from({ length: 40 }, () => stage.get('/c/herd')));
  const one = await stage.origin.nth(before);
  one.answer(200, FRESH, BODY);
  for (const got of await all) assert.equal(got.text, BODY);
  assert.equal(stage.origin.asked.length, before + 1);
});
