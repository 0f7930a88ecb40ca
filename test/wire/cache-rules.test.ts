// What the origin and the route let the cache keep, on routes with different rules.
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import {
  type Cached,
  type CachedOptions,
  CLIENT_PROTOCOLS,
  cachedRoutes,
  type Got,
  startCached,
} from '../support/cached.ts';
import { HandClock } from '../support/hand-clock.ts';
import type { Said } from '../support/origin.ts';

const FRESH = { 'cache-control': 'max-age=60' };

const RULES = {
  plain: {},
  strip: { credentials: 'strip' },
  rfc: { credentials: 'rfc9111' },
  cookies: { strip_set_cookie: true },
  assumed: { default_ttl_s: 30 },
  capped: { max_ttl_s: 10 },
  guessed: { heuristic: true },
  only: { statuses: [200, 301] },
  deaf: { client_directives: 'ignore' },
  unasked: { query: 'drop' },
} satisfies Record<string, CachedOptions['cache']>;
type Rule = keyof typeof RULES;

let clock: HandClock;
let stage: Cached;
let number = 0;

before(async () => {
  clock = new HandClock();
  stage = await startCached({ clock, config: { routes: cachedRoutes(RULES) } });
});
after(() => stage[Symbol.asyncDispose]());
beforeEach(() => {
  number += 1;
});

function play(said: Said, body = 'body', status = 200): void {
  stage.origin.play = (one) => one.answer(status, said, body);
}

const get = (rule: Rule, fields: Record<string, string> = {}, query = ''): Promise<Got> =>
  stage.get(`/${rule}/${number}${query}`, { fields });

/** Whether a second request for the same is answered from the store. */
async function kept(rule: Rule, first: Record<string, string> = {}, second = first): Promise<boolean> {
  await get(rule, first);
  const { cache } = await get(rule, second);
  return cache?.startsWith('gatehouse; hit') === true;
}

const ANSWERS: readonly (readonly [title: string, said: Said, stored: boolean, status?: number])[] = [
  ['CDN-Cache-Control before Cache-Control', { ...FRESH, 'cdn-cache-control': 'no-store' }, false],
  ['CDN-Cache-Control that allows more', { 'cache-control': 'no-store', 'cdn-cache-control': 'max-age=60' }, true],
  ['CDN-Cache-Control that is no dictionary', { ...FRESH, 'cdn-cache-control': 'max-age=60=60,,' }, true],
  ['s-maxage before max-age', { 'cache-control': 'max-age=0, s-maxage=60' }, true],
  ['Expires without Cache-Control', { expires: 'Thu, 01 Jan 2099 00:00:00 GMT' }, true],
  ['Expires: 0', { expires: '0' }, false],
  ['no-store', { 'cache-control': 'no-store, max-age=60' }, false],
  ['private', { 'cache-control': 'private, max-age=60' }, false],
  ['nothing said at all', {}, false],
  ['Set-Cookie', { ...FRESH, 'set-cookie': 'a=b' }, false],
  ['a 404 with a lifetime', FRESH, true, 404],
  ['a 500 with a lifetime', FRESH, true, 500],
  ['a 206 without having been asked for a part', { ...FRESH, 'content-range': 'bytes 0-3/9' }, false, 206],
  ['Vary: *', { ...FRESH, vary: '*' }, false],
];

for (const [title, said, stored, status = 200] of ANSWERS) {
  test(`${title}: ${stored ? 'stored' : 'not stored'}`, async () => {
    play(said, 'body', status);
    assert.equal(await kept('plain'), stored);
  });
}

for (const protocol of CLIENT_PROTOCOLS) {
  test(`${protocol}: Set-Cookie of one client never reaches another, and goes to the one who asked`, async () => {
    let count = 0;
    stage.origin.play = (one) => {
      count += 1;
      one.answer(200, { ...FRESH, 'set-cookie': `session=${count}` }, 'body');
    };
    const target = `/plain/cookie-${protocol}`;
    const got = await Promise.all([1, 2, 3].map(() => stage.get(target, { protocol })));
    assert.equal(new Set(got.map((one) => one.of('set-cookie'))).size, 3);
    assert.ok(got.every((one) => !one.cache!.includes('stored')));
  });
}

test('strip_set_cookie takes it from everybody, the first one too', async () => {
  play({ ...FRESH, 'set-cookie': 'session=1' });
  const first = await get('cookies');
  const second = await get('cookies');
  assert.deepEqual([first.of('set-cookie'), second.of('set-cookie')], [undefined, undefined]);
  assert.equal(second.cache, 'gatehouse; hit; ttl=60');
});

test('credentials: bypass sends who has Authorization or Cookie on, and stores nothing of it', async () => {
  play({ 'cache-control': 'public, max-age=60' });
  for (const fields of [{ authorization: 'Bearer x' }, { cookie: 'a=b' }]) {
    const got = await get('plain', fields);
    assert.equal(got.cache, `gatehouse; fwd=bypass; detail=${Object.keys(fields)[0]}`);
    assert.equal(stage.origin.asked.at(-1)!.headers[Object.keys(fields)[0]!], Object.values(fields)[0]);
  }
  assert.equal((await get('plain')).cache, 'gatehouse; fwd=uri-miss; stored');
  assert.equal((await get('plain', { cookie: 'a=b' })).cache, 'gatehouse; fwd=bypass; detail=cookie');
});

test('credentials: strip sends neither on, and answers everybody from one entry', async () => {
  play(FRESH);
  assert.equal(await kept('strip', { authorization: 'Bearer x', cookie: 'a=b' }, {}), true);
  const { headers } = stage.origin.asked.at(-1)!;
  assert.deepEqual([headers.authorization, headers.cookie], [undefined, undefined]);
});

test('credentials: rfc9111 stores an answer to Authorization only where the origin says that others may have it', async () => {
  const authorized = { authorization: 'Bearer x' };
  for (const [control, stored] of [
    ['max-age=60', false],
    ['public, max-age=60', true],
    ['s-maxage=60', true],
    ['must-revalidate, max-age=60', true],
  ] as const) {
    number += 1;
    play({ 'cache-control': control });
    assert.equal(await kept('rfc', authorized, {}), stored, control);
    assert.equal(stage.origin.asked.findLast(({ target }) => target === `/rfc/${number}`)?.method, 'GET');
  }
});

test('default_ttl_s makes fresh what the origin says nothing about, and nothing else', async () => {
  play({});
  assert.equal(await kept('assumed'), true);
  clock.pass(31_000);
  assert.equal((await get('assumed')).cache, 'gatehouse; fwd=stale; stored');
  number += 1;
  play({ 'cache-control': 'no-store' });
  assert.equal(await kept('assumed'), false);
  number += 1;
  play({}, 'body', 503);
  assert.equal(await kept('assumed'), false);
});

test('max_ttl_s caps what the origin says', async () => {
  play({ 'cache-control': 'max-age=31536000' });
  await get('capped');
  assert.equal((await get('capped')).cache, 'gatehouse; hit; ttl=10');
  clock.pass(11_000);
  assert.equal((await get('capped')).cache, 'gatehouse; fwd=stale; stored');
});

test('heuristic makes an answer with Last-Modified fresh for a tenth of its age', async () => {
  play({ 'last-modified': new Date(clock.wall() - 1_000_000).toUTCString() });
  await get('guessed');
  assert.match((await get('guessed')).cache!, /^gatehouse; hit; ttl=(?:99|100)$/);
  number += 1;
  assert.equal(await kept('plain'), false);
});

test('statuses: no other one is stored', async () => {
  for (const [status, stored] of [
    [200, true],
    [301, true],
    [404, false],
    [302, false],
  ] as const) {
    number += 1;
    play(FRESH, 'body', status);
    assert.equal(await kept('only'), stored, `${status}`);
  }
});

test('client_directives: ignore serves a hit to who reloads, and stores for who says no-store', async () => {
  play(FRESH);
  await get('deaf', { 'cache-control': 'no-store' });
  for (const control of ['no-cache', 'max-age=0', 'no-store', 'only-if-cached']) {
    assert.equal((await get('deaf', { 'cache-control': control })).cache, 'gatehouse; hit; ttl=60', control);
  }
});

test('a request with no-store is not stored, and gets its own answer', async () => {
  play(FRESH);
  assert.equal(await kept('plain', { 'cache-control': 'no-store' }, {}), false);
});

test('query: each one has its own answer, or none matters and none goes upstream', async () => {
  stage.origin.play = (one) => one.answer(200, FRESH, one.target);
  assert.equal((await get('plain', {}, '?a')).text, `/plain/${number}?a`);
  assert.equal((await get('plain', {}, '?b')).text, `/plain/${number}?b`);
  assert.equal((await get('unasked', {}, '?a')).text, `/unasked/${number}`);
  assert.equal((await get('unasked', {}, '?b')).cache, 'gatehouse; hit; ttl=60');
});

test('each host has its own answer', async () => {
  stage.origin.play = (one) => one.answer(200, FRESH, String(one.headers[':authority']));
  for (const authority of ['a.example', 'b.example', 'a.example']) {
    assert.equal((await stage.get('/plain/host', { authority })).text, authority);
  }
  assert.equal(stage.origin.asked.filter(({ target }) => target === '/plain/host').length, 2);
});

test('what a cache before the origin said stands before ours in Cache-Status, and its Age counts', async () => {
  play({ ...FRESH, age: 20, 'cache-status': 'inner; hit' });
  const first = await get('plain');
  assert.deepEqual([first.cache, first.of('age')], ['inner; hit, gatehouse; fwd=uri-miss; stored', '20']);
  const second = await get('plain');
  assert.deepEqual([second.of('age'), second.cache], ['20', 'inner; hit, gatehouse; hit; ttl=40']);
});
