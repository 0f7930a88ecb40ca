// The cache in front of an origin: what is answered from the store, in every form that HTTP knows, over both protocols.
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { type Cached, CLIENT_PROTOCOLS, startCached } from '../support/cached.ts';
import { HandClock } from '../support/hand-clock.ts';

const FRESH = { 'cache-control': 'max-age=60', 'content-type': 'text/plain' };
const BODY = '0123456789';

let clock: HandClock;
let stage: Cached;
let target = '/c/0';
let number = 0;

before(async () => {
  clock = new HandClock();
  stage = await startCached({ clock });
});
after(() => stage[Symbol.asyncDispose]());
beforeEach(() => {
  number += 1;
  target = `/c/${number}`;
  stage.origin.play = (asked) => asked.answer(200, FRESH, BODY);
});

/** How often the origin was asked for it. */
const asked = (): number => stage.origin.asked.filter((one) => one.target === target).length;
const lastAsked = () => stage.origin.asked.at(-1)!;

for (const protocol of CLIENT_PROTOCOLS) {
  const get = (fields: Record<string, string> = {}, method = 'GET') => stage.get(target, { protocol, fields, method });

  test(`${protocol}: a second GET is a hit, with the bytes of the first, Age, and no question to the origin`, async () => {
    const first = await get();
    assert.deepEqual([first.status, first.text, first.cache], [200, BODY, 'gatehouse; fwd=uri-miss; stored']);
    assert.equal(first.of('age'), undefined);
    clock.pass(5000);
    const second = await get();
    assert.deepEqual([second.status, second.text, second.cache], [200, BODY, 'gatehouse; hit; ttl=55']);
    assert.deepEqual([second.of('age'), second.of('content-length')], ['5', '10']);
    assert.equal(second.of('content-type'), 'text/plain');
    assert.equal(asked(), 1);
  });

  test(`${protocol}: HEAD is answered from a stored GET, and a HEAD that comes first stores nothing`, async () => {
    const before = await get({}, 'HEAD');
    assert.deepEqual([before.status, before.body.length, lastAsked().method], [200, 0, 'HEAD']);
    await get();
    assert.equal(lastAsked().method, 'GET');
    const head = await get({}, 'HEAD');
    assert.deepEqual([head.status, head.body.length, head.of('content-length')], [200, 0, '10']);
    assert.equal(head.cache, 'gatehouse; hit; ttl=60');
    assert.equal(asked(), 2);
  });

  test(`${protocol}: 304 with the ETag that the gateway makes where the origin has none`, async () => {
    await get();
    const tag = (await get()).of('etag')!;
    assert.match(tag, /^"[^"]+"$/);
    for (const field of [tag, `"other", ${tag}`, `W/${tag}`, '*']) {
      const got = await get({ 'if-none-match': field });
      assert.deepEqual([got.status, got.body.length, got.of('etag')], [304, 0, tag]);
      assert.deepEqual([got.of('age'), got.cache], ['0', 'gatehouse; hit; ttl=60']);
    }
    assert.equal((await get({ 'if-none-match': '"other"' })).status, 200);
    assert.equal((await get({ 'if-match': '"other"' })).status, 412);
    assert.equal(asked(), 1);
  });

  test(`${protocol}: 304 with the ETag of the origin, also to who comes first with one`, async () => {
    stage.origin.play = (one) => one.answer(200, { ...FRESH, etag: '"v1"' }, BODY);
    const first = await get({ 'if-none-match': '"v1"' });
    assert.deepEqual([first.status, first.of('etag'), first.body.length], [304, '"v1"', 0]);
    assert.equal(lastAsked().headers['if-none-match'], undefined);
    const whole = await get();
    assert.deepEqual([whole.status, whole.text, whole.of('etag')], [200, BODY, '"v1"']);
    assert.equal(asked(), 1);
  });

  test(`${protocol}: If-Modified-Since counts where there is no If-None-Match`, async () => {
    const modified = 'Thu, 01 Jan 2015 00:00:00 GMT';
    stage.origin.play = (one) => one.answer(200, { ...FRESH, 'last-modified': modified }, BODY);
    await get();
    assert.equal((await get({ 'if-modified-since': modified })).status, 304);
    assert.equal((await get({ 'if-modified-since': 'Wed, 31 Dec 2014 23:59:59 GMT' })).status, 200);
    assert.equal((await get({ 'if-modified-since': modified, 'if-none-match': '"other"' })).status, 200);
    assert.equal((await get({ 'if-unmodified-since': 'Wed, 31 Dec 2014 23:59:59 GMT' })).status, 412);
    assert.equal(asked(), 1);
  });

  test(`${protocol}: ranges are cut from the stored answer, and from the first one when it is whole`, async () => {
    const first = await get({ range: 'bytes=2-4' });
    assert.deepEqual([first.status, first.text, first.of('content-range')], [206, '234', 'bytes 2-4/10']);
    assert.equal(lastAsked().headers.range, undefined);
    const last = await get({ range: 'bytes=-3' });
    assert.deepEqual([last.status, last.text, last.of('content-length')], [206, '789', '3']);
    assert.equal(last.cache, 'gatehouse; hit; ttl=60');
    const beyond = await get({ range: 'bytes=10-' });
    assert.deepEqual([beyond.status, beyond.of('content-range'), beyond.text], [416, 'bytes */10', '']);
    assert.equal((await get({ range: 'bytes=0-1,8-' })).text, BODY, 'two parts would cost more than the whole');
    assert.equal((await get({ range: 'lines=1-2' })).text, BODY);
    assert.equal(asked(), 1);
  });

  test(`${protocol}: several ranges are the parts of one multipart answer`, async () => {
    stage.origin.play = (one) => one.answer(200, FRESH, BODY.repeat(100));
    await get();
    const parts = await get({ range: 'bytes=0-1,998-' });
    assert.equal(parts.status, 206);
    const boundary = /^multipart\/byteranges; boundary=(.+)$/.exec(parts.of('content-type')!)![1]!;
    assert.equal(parts.text.split(`--${boundary}`).length, 4);
    assert.match(parts.text, /content-range: bytes 0-1\/1000\r\n\r\n01\r\n/i);
    assert.match(parts.text, /content-range: bytes 998-999\/1000\r\n\r\n89\r\n/i);
    assert.equal(Number(parts.of('content-length')), parts.body.length);
    assert.equal(asked(), 1);
  });

  test(`${protocol}: If-Range with the right tag gives the part, with another one the whole`, async () => {
    await get();
    const tag = (await get()).of('etag')!;
    assert.equal((await get({ range: 'bytes=0-0', 'if-range': tag })).status, 206);
    const changed = await get({ range: 'bytes=0-0', 'if-range': '"old"' });
    assert.deepEqual([changed.status, changed.text], [200, BODY]);
    assert.equal((await get({ range: 'bytes=0-0', 'if-range': `W/${tag}` })).status, 200);
  });

  test(`${protocol}: no-cache asks the origin again with its validator, and serves what it confirms`, async () => {
    stage.origin.play = (one) =>
      one.headers['if-none-match'] === '"v1"'
        ? one.answer(304, { ...FRESH, etag: '"v1"' })
        : one.answer(200, { ...FRESH, etag: '"v1"' }, BODY);
    await get();
    const got = await get({ 'cache-control': 'no-cache' });
    assert.deepEqual([got.status, got.text], [200, BODY]);
    assert.equal(got.cache, 'gatehouse; fwd=request; fwd-status=304; ttl=60; stored');
    assert.equal((await get({ pragma: 'no-cache' })).cache, got.cache);
    clock.pass(61_000);
    const stale = await get();
    assert.equal(stale.cache, 'gatehouse; fwd=stale; fwd-status=304; ttl=60; stored');
    assert.equal(stale.of('age'), '0');
    assert.equal(asked(), 4);
    assert.equal(stage.gateway.ended.at(-1)!.record.cache, 'revalidated');
  });

  test(`${protocol}: a stale answer that the origin has changed gives way to the new one`, async () => {
    await get();
    clock.pass(61_000);
    stage.origin.play = (one) => one.answer(200, FRESH, 'new');
    const got = await get();
    assert.deepEqual([got.text, got.cache], ['new', 'gatehouse; fwd=stale; stored']);
    assert.equal((await get()).text, 'new');
    assert.equal(asked(), 2);
  });

  test(`${protocol}: only-if-cached is 504 where nothing is stored, and asks nobody`, async () => {
    const got = await get({ 'cache-control': 'only-if-cached' });
    assert.equal(got.status, 504);
    assert.equal(asked(), 0);
    await get();
    assert.equal((await get({ 'cache-control': 'only-if-cached' })).text, BODY);
  });

  test(`${protocol}: a POST that succeeds throws the stored answer away, one that fails does not`, async () => {
    await get();
    stage.origin.play = (one) => one.answer(one.method === 'POST' ? 500 : 200, FRESH, BODY);
    assert.equal((await stage.get(target, { protocol, method: 'POST', body: 'x' })).status, 500);
    assert.equal((await get()).cache, 'gatehouse; hit; ttl=60');
    stage.origin.play = (one) => one.answer(one.method === 'POST' ? 201 : 200, FRESH, BODY);
    const post = await stage.get(target, { protocol, method: 'POST', body: 'x' });
    assert.equal(post.cache, 'gatehouse; fwd=method; detail=method');
    assert.equal((await get()).cache, 'gatehouse; fwd=uri-miss; stored');
  });
}

test('Vary: each language has its own answer, and who asks in a third is asked for', async () => {
  stage.origin.play = (one) =>
    one.answer(200, { ...FRESH, vary: 'Accept-Language' }, `in ${one.headers['accept-language'] ?? 'none'}`);
  const get = (language: string) => stage.get(target, { fields: { 'accept-language': language } });
  assert.equal((await get('de')).text, 'in de');
  const other = await get('en');
  assert.deepEqual([other.text, other.cache], ['in en', 'gatehouse; fwd=vary-miss; stored']);
  for (const language of ['de', 'en']) {
    const got = await get(language);
    assert.deepEqual([got.text, got.cache], [`in ${language}`, 'gatehouse; hit; ttl=60']);
  }
  assert.equal(asked(), 2);
});

test('Vary: accept-encoding stands on what is too small to be coded only where its length is not known yet', async () => {
  stage.origin.play = (one) => one.answer(200, { ...FRESH, 'content-length': 4 }, 'tiny');
  for (const how of ['fwd=uri-miss', 'hit']) {
    const got = await stage.get(target);
    assert.ok(got.cache?.includes(how));
    assert.equal(got.of('vary'), undefined, how);
  }
  target += '/untold';
  stage.origin.play = (one) => {
    one.head(200, FRESH);
    one.write('ti');
    one.response.end('ny');
  };
  assert.equal((await stage.get(target)).of('vary'), 'accept-encoding');
  assert.equal((await stage.get(target)).of('vary'), undefined);
});

test('every hit says once that it varies by Accept-Encoding where it may be coded', async () => {
  stage.origin.play = (one) => one.answer(200, { ...FRESH, vary: 'Origin, accept-encoding' }, 'a'.repeat(2000));
  for (let i = 0; i < 3; i += 1) {
    const got = await stage.get(target, { fields: { 'accept-encoding': 'gzip' } });
    assert.equal(got.of('vary')!.match(/accept-encoding/gi)!.length, 1);
  }
});
