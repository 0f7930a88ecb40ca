// A page that is built anew with each release, behind one upstream with pods of two releases: no mix of them reaches anybody.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { type Cached, type CachedOptions, startCached } from '../support/cached.ts';
import { HandClock } from '../support/hand-clock.ts';
import { type Origin, startOrigin } from '../support/origin.ts';
import { until } from '../support/until.ts';

const authority = 'app.example';
const WEEK = { 'cache-control': 'public, max-age=0, s-maxage=604800' };

/** What a pod of a release has, by path below the page's. */
function release(version: number): Record<string, string> {
  const hash = `AAAAAAA${version}`;
  return {
    '': `<!doctype html><base href="/c/app/"><link rel="stylesheet" href="styles-${hash}.css"><script src="main-${hash}.js" type="module"></script>`,
    [`main-${hash}.js`]: `import("./chunk-${hash}.js"); console.log(${version})`,
    [`chunk-${hash}.js`]: `chunk of ${version}`,
    [`styles-${hash}.css`]: `/* ${version} */`,
    'i18n/en.json': `{"release":${version}}`,
  };
}

let clock: HandClock;
let origins: [Origin, Origin];
let stage: Cached | undefined;

/** A pod has a release from now on. */
function deploy(origin: Origin, version: number): void {
  const files = release(version);
  origin.play = (one) => {
    const path = one.target.slice('/c/app/'.length).split('?')[0]!;
    const text = files[path.includes('.') ? path : ''];
    if (text === undefined) one.answer(404, WEEK, 'not here');
    else one.answer(200, { ...WEEK, 'content-type': path.includes('.') ? 'text/plain' : 'text/html' }, text);
  };
}

beforeEach(async () => {
  clock = new HandClock();
  origins = [await startOrigin('h2c'), await startOrigin('h2c')];
  deploy(origins[0], 1);
  deploy(origins[1], 2);
});
afterEach(async () => {
  await stage?.[Symbol.asyncDispose]();
  stage = undefined;
  for (const origin of origins) await origin[Symbol.asyncDispose]();
});

async function start(warm = false, config: CachedOptions['config'] = {}): Promise<Cached> {
  stage = await startCached({
    clock,
    origin: origins[0],
    others: [origins[1]],
    cache: {
      credentials: 'strip',
      request_fields: [],
      query: 'drop',
      client_directives: 'ignore',
      stale_if_error_s: 604_800,
      single_page_app: { index: '/c/app/', hashed: '[.-](?:[A-Z0-9]{8})\\.[a-z0-9]{2,5}$', warm },
    },
    config,
  });
  return stage;
}

const get = (path: string) => stage!.get(`/c/app/${path}`, { authority });
const asked = (path = '') =>
  origins.flatMap((one) => one.asked).filter(({ target }) => target === `/c/app/${path}`).length;

/** The release of the page that clients get. */
async function current(): Promise<number> {
  return Number(/main-AAAAAAA(\d)/.exec((await get('')).text)![1]);
}

test('every path without a dot is the one page: deep links share its entry, whatever their query', async () => {
  await start();
  const page = await get('');
  for (const path of ['users/1/general', 'orgs?filter=x', 'signin?state=abc', 'a/b/c/d']) {
    const got = await get(path);
    assert.equal(got.text, page.text);
    assert.match(got.cache!, /^gatehouse; hit/);
  }
  assert.equal(asked(), 1);
  assert.equal(origins.flatMap((one) => one.asked).length, 1);
});

test('in a roll-out all files of a page come from the pod that gave the page, those without a hash too', async () => {
  await start();
  const version = await current();
  for (let i = 0; i < 3; i += 1) {
    assert.equal((await get('i18n/en.json')).text, `{"release":${version}}`);
    for (const [path, text] of Object.entries(release(version))) assert.equal((await get(path)).text, text, path);
  }
  const other = origins[version === 1 ? 1 : 0]!;
  assert.equal(other.asked.length, 0);
});

test('a hashed file that one pod has not is asked of the other: clients of either release get theirs', async () => {
  await start();
  await current();
  for (const version of [1, 2, 1, 2]) {
    const got = await get(`chunk-AAAAAAA${version}.js`);
    assert.deepEqual([got.status, got.text], [200, `chunk of ${version}`]);
  }
});

test('a hashed file that no pod has is 404, and that is not stored: it is there as soon as a pod has it', async () => {
  await start();
  await current();
  assert.equal((await get('chunk-AAAAAAA3.js')).status, 404);
  assert.equal((await get('chunk-AAAAAAA3.js')).status, 404);
  assert.equal(asked('chunk-AAAAAAA3.js'), 4, 'each pod, each time');
  deploy(origins[1], 3);
  clock.pass(31_000);
  assert.equal((await get('chunk-AAAAAAA3.js')).text, 'chunk of 3');
});

test('when a new page comes, files without a hash go, and the old hashed files stay for those who still run the old page', async () => {
  deploy(origins[1], 1);
  await start();
  const old = release(1);
  for (const path of Object.keys(old)) await get(path);
  for (const origin of origins) deploy(origin, 2);
  assert.equal((await get('i18n/en.json')).text, '{"release":1}', 'nobody knows of the new release yet');
  clock.pass(604_801_000);
  assert.equal(await current(), 2);
  const before = asked('i18n/en.json');
  assert.equal((await get('i18n/en.json')).text, '{"release":2}');
  assert.equal(asked('i18n/en.json'), before + 1);
  for (const path of ['main-AAAAAAA1.js', 'chunk-AAAAAAA1.js', 'styles-AAAAAAA1.css']) {
    const got = await get(path);
    assert.deepEqual([got.status, got.text], [200, old[path]]);
    assert.match(got.cache!, /^gatehouse; hit/);
  }
});

test('a file without a hash is fresh for unhashed_ttl_s at most, whatever the origin says', async () => {
  await start();
  await current();
  await get('i18n/en.json');
  assert.equal((await get('i18n/en.json')).cache, 'gatehouse; hit; ttl=3600');
  clock.pass(3_600_000);
  assert.match((await get('i18n/en.json')).cache!, /fwd=stale/);
});

test('instances share no entry: a release that one host has seen purges nothing of another', async () => {
  deploy(origins[1], 1);
  await start();
  await stage!.get('/c/app/', { authority: 'other.example' });
  await stage!.get('/c/app/i18n/en.json', { authority: 'other.example' });
  for (const origin of origins) deploy(origin, 2);
  assert.equal(await current(), 2);
  const got = await stage!.get('/c/app/i18n/en.json', { authority: 'other.example' });
  assert.equal(got.text, '{"release":1}');
  assert.match(got.cache!, /^gatehouse; hit/);
});

test('warmed at the start: the page, its scripts and styles, and the chunks that they name, before anybody asks', async () => {
  await start(true, { cache: { warm_hosts: [authority] } });
  const { stored, host } = await stage!.gateway.announcement('cache_warmed');
  assert.deepEqual([stored, host], [4, authority]);
  const before = origins.flatMap((one) => one.asked).length;
  const version = await current();
  for (const path of [`main-AAAAAAA${version}.js`, `chunk-AAAAAAA${version}.js`, `styles-AAAAAAA${version}.css`, '']) {
    assert.match((await get(path)).cache!, /^gatehouse; hit/, path);
  }
  assert.equal(origins.flatMap((one) => one.asked).length, before);
});

test('warmed while no pod answers: nothing is stored, nothing is harmed, and the first client is served when they are back', async () => {
  for (const origin of origins) await origin.die();
  await start(true, { cache: { warm_hosts: [authority] } });
  assert.equal((await stage!.gateway.announcement('cache_warmed')).stored, 0);
  assert.equal((await get('')).status, 502);
  for (const origin of origins) await origin.revive();
  await until(() => stage!.gateway.primary.openExchanges === 0);
  assert.ok([1, 2].includes(await current()));
});
