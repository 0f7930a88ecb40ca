import assert from 'node:assert/strict';
import test from 'node:test';
import { Store } from '../../src/cache/store.ts';
import { cacheSource } from '../../src/process/cache-source.ts';
import { answerOf, keyOf } from '../cache/stored-answers.ts';
import { HandClock } from '../support/hand-clock.ts';
import { bearer, type StartedAdmin, startAdmin, TOKEN } from './started-admin.ts';

interface Filled {
  readonly admin: StartedAdmin;
  readonly store: Store;
  readonly clock: HandClock;
}

/** An admin listener before a store with eight answers on two hosts, one of IPv6. */
async function filled(): Promise<Filled & AsyncDisposable> {
  const clock = new HandClock();
  const store = new Store({ maxBytes: 1_000_000, maxEntryBytes: 1_000_000 }, clock);
  for (const host of ['id.example.com', '[2001:db8::1]:8443']) {
    for (const target of ['/ui/console/', '/ui/console/main.js', '/ui/console/styles.css', '/oauth/v2/keys']) {
      const key = keyOf(target, { host, route: target.startsWith('/ui') ? 'console' : 'keys' });
      store.put(key, answerOf(target), store.begin(key));
    }
  }
  const admin = await startAdmin({ cache: cacheSource(() => ({ store }), clock) });
  return { admin, store, clock, [Symbol.asyncDispose]: () => admin[Symbol.asyncDispose]() };
}

const purge = async (admin: StartedAdmin, order: unknown): Promise<[number, unknown]> => {
  const body = typeof order === 'string' ? order : JSON.stringify(order);
  const { status, text } = await admin.get('/cache/purge', { method: 'POST', body });
  return [status, JSON.parse(text)];
};

test('/cache tells how full it is, and the hit ratio in all and by route', async () => {
  await using all = await filled();
  const { admin, store } = all;
  store.count('console', 'hit');
  store.count('console', 'hit');
  store.count('console', 'stale');
  store.count('keys', 'miss');
  using _underWay = store.begin(keyOf('/slow'));
  const { status, text } = await admin.get('/cache');
  const summary = JSON.parse(text);
  assert.equal(status, 200);
  assert.deepEqual([summary.entries, summary.bodies, summary.fills, summary.evictions], [8, 4, 1, 0]);
  assert.deepEqual([summary.hit, summary.stale, summary.miss, summary.hit_ratio], [2, 1, 1, 0.75]);
  assert.deepEqual(summary.routes, {
    console: { hit: 2, stale: 1, miss: 0, hit_ratio: 1 },
    keys: { hit: 0, stale: 0, miss: 1, hit_ratio: 0 },
  });
  assert.ok(summary.bytes > 0 && summary.bytes < summary.max_bytes);
  assert.equal(summary.disk, null);
});

test('/cache/entries lists what is stored, with codings, ages, freshness and hits', async () => {
  await using all = await filled();
  const { admin, store, clock } = all;
  const key = keyOf('/ui/console/main.js');
  const kept = store.put(
    key,
    answerOf('script', { initialAgeS: 5, vary: [['accept-language', 'de']] }),
    store.begin(key),
  )!;
  store.addCoding(kept.digest, 'br', Buffer.alloc(3));
  store.count('console', 'hit', kept);
  clock.pass(301_000);
  const { text } = await admin.get('/cache/entries?host=ID.example.com&prefix=/ui/console/main&limit=5');
  const { entries, next } = JSON.parse(text);
  assert.equal(next, undefined);
  const [entry, other] = entries;
  assert.equal(other.url, entry.url, 'all answers of one URL');
  assert.deepEqual(entry, {
    url: 'https://id.example.com/ui/console/main.js',
    route: 'console',
    status: 200,
    type: 'text/javascript',
    vary: { 'accept-language': 'de' },
    bytes: 6,
    codings: { br: 3 },
    digest: kept.digest,
    age_s: 306,
    fresh_for_s: -1,
    hits: 1,
    release: '',
  });
});

test('pages of /cache/entries together list everything once, also while answers are used between', async () => {
  await using all = await filled();
  const { admin, store } = all;
  const urls: string[] = [];
  let after: string | undefined;
  do {
    const query = new URLSearchParams({ limit: '3', ...(after !== undefined && { after }) });
    const page = JSON.parse((await admin.get(`/cache/entries?${query}`)).text);
    urls.push(...page.entries.map(({ url }: { url: string }) => url));
    after = page.next;
    store.get(keyOf('/oauth/v2/keys', { route: 'keys' }));
  } while (after !== undefined);
  assert.equal(urls.length, 8);
  assert.deepEqual(urls, [...new Set(urls)].sort());
});

test('/cache/purge throws away by URL, prefix and host, or everything, and says how many', async () => {
  await using all = await filled();
  const { admin, store } = all;
  assert.deepEqual(await purge(admin, { url: 'https://id.example.com/ui/console/main.js' }), [200, { purged: 1 }]);
  assert.deepEqual(await purge(admin, { host: 'ID.EXAMPLE.COM', prefix: '/ui/' }), [200, { purged: 2 }]);
  assert.deepEqual(await purge(admin, { host: '[2001:db8::1]:8443', prefix: '/oauth' }), [200, { purged: 1 }]);
  assert.deepEqual(await purge(admin, { host: '[2001:DB8::1]' }), [200, { purged: 3 }]);
  assert.deepEqual(await purge(admin, { all: true }), [200, { purged: 1 }]);
  assert.equal(store.figures().entries, 0);
});

test('an order that is none is 400, says what was expected, and purges nothing', async () => {
  await using all = await filled();
  const { admin, store } = all;
  for (const [order, problem] of [
    ['', /^body: expected JSON, \{"url"/],
    ['{', /^body: expected JSON/],
    ['null', /^body: expected \{"url"/],
    [[], /^body: expected/],
    [{}, /^body: expected/],
    [{ all: false }, /^all: expected true/],
    [{ all: true, host: 'id.example.com' }, /^body: expected/],
    [{ host: 'id.example.com', perfix: '/ui' }, /^body: expected/],
    [{ prefix: '/ui' }, /^body: expected/],
    [{ host: 5 }, /^host: expected a string/],
    [{ host: 'id.example.com/ui' }, /^host: expected a host/],
    [{ host: 'id.example.com', prefix: 'ui' }, /^prefix: expected/],
    [{ url: 'main.js' }, /^url: expected a whole URL/],
    ['{"__proto__": {"all": true}}', /^body: expected/],
  ] as const) {
    const [status, answer] = await purge(admin, order);
    assert.equal(status, 400, JSON.stringify(order));
    assert.match((answer as { problem: string }).problem, problem);
  }
  assert.equal(store.figures().entries, 8);
});

test('a question to /cache/entries that is none is 400 and says what was expected', async () => {
  await using all = await filled();
  for (const [query, problem] of [
    ['limit=0', /limit: expected a number from 1 to 1000/],
    ['limit=1001', /limit: expected/],
    ['limit=x', /limit: expected/],
    ['limit=1&limit=2', /limit: expected once/],
    ['hosts=a', /hosts: expected host, prefix, limit, after only/],
    ['host=a/b', /host: expected/],
  ] as const) {
    const { status, text } = await all.admin.get(`/cache/entries?${query}`);
    assert.equal(status, 400, query);
    assert.match(JSON.parse(text).problem, problem);
  }
});

test('the cache is for operators only, and not there where there is none', async () => {
  const clock = new HandClock();
  const store = new Store({ maxBytes: 1000, maxEntryBytes: 1000 }, clock);
  await using admin = await startAdmin({ token: TOKEN, cache: cacheSource(() => ({ store }), clock) });
  for (const path of ['/cache', '/cache/entries']) {
    assert.equal((await admin.get(path)).status, 401);
    assert.equal((await admin.get(path, { headers: bearer(TOKEN) })).status, 200);
  }
  assert.equal((await admin.get('/cache/purge', { method: 'POST', body: '{"all":true}' })).status, 401);
  await using without = await startAdmin();
  assert.equal((await without.get('/cache')).status, 404);
});

test('a purge that the disk did not take says so; a source that fails is a defect and no 400', async () => {
  const cache = { summary: () => ({}), entries: () => ({}), purge: async () => ({ purged: 3, disk: false }) };
  await using admin = await startAdmin({ cache });
  const [status, answer] = await purge(admin, { all: true });
  assert.deepEqual([status, (answer as { purged: number }).purged], [200, 3]);
  assert.match((answer as { problem: string }).problem, /the disk failed/);
  const failing = {
    ...cache,
    entries: () => {
      throw new TypeError('inside');
    },
  };
  const defects: unknown[] = [];
  await using broken = await startAdmin({ cache: failing, onDefect: (thrown) => void defects.push(thrown) });
  assert.equal((await broken.get('/cache/entries')).status, 500);
  assert.equal(defects.length, 1);
});
