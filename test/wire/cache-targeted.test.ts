// Fields of an answer that speak to some caches only: RFC 9213, and Surrogate-Control where the route names it.
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { type Cached, type CachedOptions, cachedRoutes, type Got, startCached } from '../support/cached.ts';
import { HandClock } from '../support/hand-clock.ts';
import type { Said } from '../support/origin.ts';
import { until } from '../support/until.ts';

const ROUTES = {
  plain: {},
  surrogate: { targeted_fields: ['cdn-cache-control', 'Surrogate-Control'], request_fields: 'all' },
  own: { targeted_fields: ['gatehouse-cache-control', 'cdn-cache-control'], request_fields: ['surrogate-capability'] },
  none: { targeted_fields: [] },
} satisfies Record<string, CachedOptions['cache']>;
type Route = keyof typeof ROUTES;

let clock: HandClock;
let stage: Cached;
let number = 0;

before(async () => {
  clock = new HandClock();
  stage = await startCached({ clock, config: { routes: cachedRoutes(ROUTES) } });
});
after(() => stage[Symbol.asyncDispose]());
beforeEach(() => {
  number += 1;
});

function play(said: Said): void {
  stage.origin.play = (one) => one.answer(200, said, 'body');
}

const get = (route: Route, wish = {}): Promise<Got> => stage.get(`/${route}/${number}`, wish);

/** How the second of two is answered. */
async function second(route: Route): Promise<string> {
  await get(route);
  return /; (?:hit|fwd=[a-z-]+)/.exec((await get(route)).cache ?? '')?.[0].slice(2) ?? '';
}

const FRESH = 'max-age=60';

const ANSWERS: readonly (readonly [route: Route, said: Said, how: 'hit' | 'fwd=uri-miss'])[] = [
  ['plain', { 'surrogate-control': FRESH, 'cache-control': 'no-store' }, 'fwd=uri-miss'],
  ['plain', { 'surrogate-control': 'no-store', 'cache-control': FRESH }, 'hit'],
  ['plain', { 'cdn-cache-control': 'MaX-aGe=60' }, 'fwd=uri-miss'],
  ['plain', { 'cdn-cache-control': 'foobar, max-age=60', expires: '0' }, 'hit'],
  ['plain', { 'cdn-cache-control': 'private', 'cache-control': FRESH }, 'fwd=uri-miss'],
  ['plain', { 'cdn-cache-control': 'no-cache', 'cache-control': FRESH }, 'fwd=uri-miss'],
  ['plain', { 'cdn-cache-control': 'max-age=60, &&&&&', 'cache-control': 'no-store' }, 'fwd=uri-miss'],
  ['plain', { 'cdn-cache-control': 'max-age="60"', 'cache-control': 'no-store' }, 'fwd=uri-miss'],
  ['plain', { 'cdn-cache-control': FRESH, age: '90', 'cache-control': 'max-age=600' }, 'fwd=uri-miss'],
  ['none', { 'cdn-cache-control': 'no-store', 'cache-control': FRESH }, 'hit'],
  ['own', { 'gatehouse-cache-control': FRESH, 'cdn-cache-control': 'no-store' }, 'hit'],
  ['own', { 'cdn-cache-control': FRESH, 'cache-control': 'no-store' }, 'hit'],
  ['surrogate', { 'surrogate-control': FRESH, 'cache-control': 'no-store' }, 'hit'],
  ['surrogate', { 'surrogate-control': 'no-store', 'cache-control': FRESH }, 'fwd=uri-miss'],
  ['surrogate', { 'surrogate-control': 'max-age=60;other', 'cache-control': 'no-store' }, 'fwd=uri-miss'],
  ['surrogate', { 'surrogate-control': FRESH, 'set-cookie': 'a=b' }, 'fwd=uri-miss'],
  ['surrogate', { 'cdn-cache-control': 'no-store', 'surrogate-control': FRESH }, 'fwd=uri-miss'],
];

for (const [route, said, how] of ANSWERS) {
  const fields = Object.entries(said).map(([name, value]) => `${name}: ${value}`);
  test(`${route}: ${fields.join(' | ')}: ${how === 'hit' ? 'stored' : 'not stored'}`, async () => {
    play(said);
    assert.equal(await second(route), how);
  });
}

test('Surrogate-Control reaches no client where it is named, from the origin, from the store or past the cache', async () => {
  play({ 'surrogate-control': FRESH, etag: '"a"' });
  for (const wish of [{}, {}, { method: 'POST' }, { method: 'HEAD' }, { fields: { 'if-none-match': '"a"' } }]) {
    const got = await get('surrogate', wish);
    assert.deepEqual([got.of('surrogate-control'), got.of('etag')], [undefined, '"a"'], JSON.stringify(wish));
  }
});

test('Surrogate-Control goes on where it is not named, for a surrogate further out', async () => {
  play({ 'surrogate-control': FRESH, 'cache-control': FRESH });
  assert.deepEqual(
    [(await get('plain')).of('surrogate-control'), (await get('plain')).of('surrogate-control')],
    [FRESH, FRESH],
  );
});

test('the origin reads in Surrogate-Capability what the gateway can do, and not what a client says', async () => {
  play({ 'surrogate-control': FRESH });
  const said = { fields: { 'surrogate-capability': 'client="ESI/1.0"' } };
  await get('surrogate', said);
  assert.equal(stage.origin.asked.at(-1)!.headers['surrogate-capability'], 'gatehouse="Surrogate/1.0"');
  await get('own', said);
  assert.equal(stage.origin.asked.at(-1)!.headers['surrogate-capability'], 'client="ESI/1.0"');
  await get('none', said);
  assert.equal(stage.origin.asked.at(-1)!.headers['surrogate-capability'], undefined);
});

test('a 304 without Surrogate-Control keeps what the answer said before', async () => {
  stage.origin.play = (one) => {
    const validated = one.headers['if-none-match'] === '"a"';
    one.answer(validated ? 304 : 200, { etag: '"a"', ...(!validated && { 'surrogate-control': FRESH }) }, '');
  };
  await get('surrogate');
  clock.pass(61_000);
  assert.match((await get('surrogate')).cache!, /fwd=stale; fwd-status=304/);
  assert.match((await get('surrogate')).cache!, /; hit; ttl=60/);
});

test('after max-age=10+20 a stale answer is served for 20 seconds while it is asked for anew, and then no more', async () => {
  play({ 'surrogate-control': 'max-age=10+20' });
  await get('surrogate');
  clock.pass(31_000);
  assert.match((await get('surrogate')).cache!, /fwd=stale/);
  clock.pass(20_000);
  const asked = stage.origin.asked.length;
  assert.match((await get('surrogate')).cache!, /; hit; ttl=-10/);
  await until(() => stage.origin.asked.length === asked + 1);
});
