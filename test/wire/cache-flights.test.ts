// Single flight: who asks for what is being fetched waits for that answer, and nobody waits for a stranger's sake.
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { type Cached, CLIENT_PROTOCOLS, type Got, startCached, type Wish } from '../support/cached.ts';
import { connectFrames, Flag, type FramePeer, SettingId } from '../support/h2-frames.ts';
import { HandClock } from '../support/hand-clock.ts';
import type { Asked } from '../support/origin.ts';
import { until } from '../support/until.ts';

const FRESH = { 'cache-control': 'max-age=60', 'content-type': 'text/plain' };
const BIG = Buffer.alloc(1_000_000, 'abcdefghij');

let clock: HandClock;
let stage: Cached;
let target = '/c/0';
let number = 0;
/** Requests of this test that the origin has not answered. */
let pending: Asked[] = [];

before(async () => {
  clock = new HandClock();
  stage = await startCached({ clock, cache: { wait_ms: 3000, fetch_timeout_ms: 20_000 } });
});
after(() => stage[Symbol.asyncDispose]());
beforeEach(() => {
  number += 1;
  target = `/c/${number}`;
  pending = [];
  stage.origin.play = (one) => void pending.push(one);
});
afterEach(async () => {
  for (const one of pending) one.response.destroy();
  await until(() => open() === 0);
});

const asked = (): number => stage.origin.asked.filter((one) => one.target === target).length;
const open = (): number => stage.gateway.primary.openExchanges;

/** Begins requests and waits until the gateway has them all. */
async function crowd(size: number, wish: (i: number) => Wish = () => ({})): Promise<Promise<Got>[]> {
  const before = open();
  const all = Array.from({ length: size }, (_, i) =>
    stage.get(target, { protocol: CLIENT_PROTOCOLS[i % 2]!, ...wish(i) }),
  );
  await until(() => open() === before + size);
  return all;
}

/** The first request that the origin has. */
async function first(): Promise<Asked> {
  await until(() => pending.length > 0);
  return pending[0]!;
}

/** A client that takes no byte of body. */
async function stalled(): Promise<FramePeer & Disposable> {
  const peer = await connectFrames(stage.gateway.port('clear'), { settings: [[SettingId.INITIAL_WINDOW_SIZE, 0]] });
  const pseudo = [
    [':method', 'GET'],
    [':scheme', 'http'],
    [':authority', new URL(stage.gateway.clearUrl).host],
    [':path', target],
  ] as const;
  peer.headers(1, pseudo, Flag.END_STREAM);
  return peer;
}

test('50 clients at once are one request to the origin, and all get the same', async () => {
  const all = await crowd(50);
  (await first()).answer(200, FRESH, BIG);
  const got = await Promise.all(all);
  assert.ok(got.every(({ status, body, cut }) => status === 200 && body.equals(BIG) && !cut));
  assert.equal(got.filter(({ cache }) => cache === 'gatehouse; fwd=uri-miss; stored; collapsed').length, 49);
  assert.equal(asked(), 1);
});

test('who comes in the middle of a body gets it from its beginning', async () => {
  const [early] = await crowd(1);
  const one = await first();
  one.head(200, FRESH);
  one.write(BIG.subarray(0, 600_000));
  const peer = await stalled();
  await peer.next(({ stream }) => stream === 1);
  const [late] = await crowd(1);
  one.response.end(BIG.subarray(600_000));
  for (const got of [await early!, await late!]) assert.ok(got.body.equals(BIG));
  peer.close();
  assert.equal(asked(), 1);
});

test('a first client with a window of zero delays nobody, and the answer is stored', async () => {
  using peer = await stalled();
  const one = await first();
  const others = await crowd(10);
  one.answer(200, FRESH, BIG);
  for (const got of await Promise.all(others)) assert.ok(got.body.equals(BIG));
  assert.equal((await stage.get(target)).cache, 'gatehouse; hit; ttl=60');
  assert.equal(peer.bytes(1), 0);
  peer.window(1, BIG.length);
  peer.window(0, BIG.length);
  assert.equal((await peer.finished(1)).at(-1), 'DATA+END_STREAM 1');
  assert.ok(peer.body(1).equals(BIG));
});

for (const when of ['before the head', 'in the middle of the body']) {
  test(`a first client that leaves ${when} harms nobody: the others are answered from the one request`, async () => {
    const leaver = new AbortController();
    const left = stage.get(target, { signal: leaver.signal });
    const one = await first();
    const others = await crowd(5);
    if (when !== 'before the head') {
      one.head(200, FRESH);
      one.write(BIG.subarray(0, 300_000));
    }
    leaver.abort();
    assert.equal((await left).cut, true);
    await until(() => open() === 5);
    if (when === 'before the head') one.answer(200, FRESH, BIG);
    else one.response.end(BIG.subarray(300_000));
    for (const got of await Promise.all(others)) assert.ok(got.body.equals(BIG));
    assert.equal(asked(), 1);
  });
}

test('what everybody left is stored all the same, for the next one', async () => {
  const leaver = new AbortController();
  const left = stage.get(target, { signal: leaver.signal });
  const one = await first();
  one.head(200, FRESH);
  one.write('begin');
  leaver.abort();
  await left;
  await until(() => open() === 0);
  one.response.end(' end');
  const store = stage.gateway.primary.generation.services.cache.store;
  await until(() => store.figures().fills === 0);
  const got = await stage.get(target);
  assert.deepEqual([got.text, got.cache], ['begin end', 'gatehouse; hit; ttl=60']);
});

test('who waits for a stranger waits wait_ms at most, and then goes by itself', async () => {
  const slow = stage.get(target);
  await first();
  const [waiting] = await crowd(1);
  stage.origin.play = (one) => one.answer(200, FRESH, 'by itself');
  clock.pass(2999);
  assert.equal(asked(), 1);
  clock.pass(1);
  const got = await waiting!;
  assert.deepEqual([got.text, got.cache], ['by itself', 'gatehouse; fwd=uri-miss; detail=wait']);
  pending[0]!.answer(200, FRESH, 'slow');
  assert.equal((await slow).text, 'slow');
});

test('fetch_timeout_ms: nobody waits longer for the head of the answer', async () => {
  const [alone] = await crowd(1);
  const one = await first();
  clock.pass(20_000);
  assert.equal((await alone!).status, 504);
  await one.closed;
});

test('uncacheable answers are not serialised: the crowd of the first time asks each for itself, at once', async () => {
  const all = await crowd(10);
  (await first()).answer(200, { 'cache-control': 'no-store' }, 'first');
  await until(() => pending.length === 10);
  for (const one of pending.slice(1)) one.answer(200, { 'cache-control': 'no-store' }, 'own');
  const texts = (await Promise.all(all)).map(({ text }) => text);
  assert.equal(texts.filter((text) => text === 'first').length, 1);
  assert.equal(texts.filter((text) => text === 'own').length, 9);
});

test('hit-for-miss: after an uncacheable answer nobody waits for anybody, until uncacheable_s are over', async () => {
  const [alone] = await crowd(1);
  (await first()).answer(200, { 'cache-control': 'no-store' });
  await alone;
  const all = await crowd(10);
  await until(() => pending.length === 11);
  for (const one of pending.slice(1)) one.answer(200, { 'cache-control': 'no-store' });
  await Promise.all(all);
  clock.pass(30_001);
  const again = await crowd(10);
  await until(() => pending.length === 12);
  pending[11]!.answer(200, FRESH, 'kept');
  for (const got of await Promise.all(again)) assert.equal(got.text, 'kept');
  assert.equal(asked(), 12);
});

test('parts and conditions wait for the whole answer of the one request', async () => {
  const wishes: Wish[] = [
    {},
    { fields: { range: 'bytes=0-4' } },
    { fields: { 'if-none-match': '"v1"' } },
    { fields: { 'if-none-match': '"v0"' } },
  ];
  const all = await crowd(8, (i) => wishes[i % 4]!);
  (await first()).answer(200, { ...FRESH, etag: '"v1"' }, BIG);
  const statuses = (await Promise.all(all)).map(({ status }) => status);
  assert.deepEqual(statuses, [200, 206, 304, 200, 200, 206, 304, 200]);
  assert.equal(asked(), 1);
});

test('attack: a part, or a condition, of a body that drips waits fetch_timeout_ms and wait_ms at most, and then goes by itself', async () => {
  const wishes: Wish[] = [{ fields: { range: 'bytes=0-1' } }, { fields: { 'if-none-match': '"v0"' } }];
  for (const [i, wish] of wishes.entries()) {
    target += `/${i}`;
    pending = [];
    stage.origin.play = (one) => void pending.push(one);
    const [waiting] = await crowd(1, () => wish);
    const drips = await first();
    drips.head(200, FRESH);
    drips.write('drop');
    const { promise: headIsHere, resolve: onHead } = Promise.withResolvers<void>();
    void stage.get(target, { onHead });
    await headIsHere;
    clock.pass(20_000);
    assert.equal(asked(), 1);
    stage.origin.play = (one) => one.answer(206, { ...FRESH, 'content-range': 'bytes 0-1/9' }, 'wh');
    clock.pass(3000);
    const got = await waiting!;
    assert.deepEqual([got.status, got.text, got.cache], [206, 'wh', 'gatehouse; fwd=uri-miss; detail=wait']);
    drips.response.destroy();
    await until(() => open() === 0);
  }
});

test('a part of an answer that cannot be stored is asked of the origin as a part', async () => {
  const all = await crowd(2, () => ({ fields: { range: 'bytes=0-1' } }));
  const whole = await first();
  stage.origin.play = (one) =>
    one.headers.range === undefined
      ? one.answer(200, { 'cache-control': 'no-store' }, 'whole')
      : one.answer(206, { 'cache-control': 'no-store', 'content-range': 'bytes 0-1/5' }, 'wh');
  whole.answer(200, { 'cache-control': 'no-store' }, 'whole');
  for (const got of await Promise.all(all)) assert.deepEqual([got.status, got.text], [206, 'wh']);
});

test('who asks in another language does not wait for the answer to the first one', async () => {
  const all = await crowd(4, (i) => ({ fields: { 'accept-language': i < 2 ? 'de' : 'en' } }));
  await until(() => pending.length === 2);
  for (const one of pending)
    one.answer(200, { ...FRESH, vary: 'accept-language' }, `${one.headers['accept-language']}`);
  const texts = (await Promise.all(all)).map(({ text }) => text);
  assert.deepEqual(texts, ['de', 'de', 'en', 'en']);
  assert.equal(asked(), 2);
});

test('where every field may matter, those who waited for what is not for them look again, together', async () => {
  await using open = await startCached({ clock, cache: { request_fields: 'all' } });
  open.origin.play = () => {};
  const first = open.get('/c/colours', { fields: { colour: 'red' } });
  const one = await open.origin.nth(0);
  const others = [1, 2, 3].map(() => open.get('/c/colours', { fields: { colour: 'blue' } }));
  await until(() => open.gateway.primary.openExchanges === 4);
  open.origin.play = (asked) => asked.answer(200, { ...FRESH, vary: 'colour' }, `${asked.headers.colour}`);
  one.answer(200, { ...FRESH, vary: 'colour' }, 'red');
  assert.equal((await first).text, 'red');
  for (const got of await Promise.all(others)) assert.equal(got.text, 'blue');
  assert.equal(open.origin.asked.length, 2);
});

test('HEAD waits for nobody', async () => {
  const [waiting] = await crowd(1);
  await first();
  stage.origin.play = (one) => one.answer(200, FRESH);
  assert.equal((await stage.get(target, { method: 'HEAD' })).status, 200);
  pending[0]!.answer(200, FRESH, 'body');
  assert.equal((await waiting!).text, 'body');
});

test("a client's deadline ends its own wait, and not the request that others wait for", async () => {
  const hand = new HandClock();
  await using limited = await startCached({ clock: hand, policies: { deadline: { answer_ms: 5000 } } });
  limited.origin.play = () => {};
  const early = limited.get('/c/slow');
  const one = await limited.origin.nth(0);
  hand.pass(4000);
  const late = limited.get('/c/slow', { protocol: 'http/1.1' });
  await until(() => limited.gateway.primary.openExchanges === 2);
  hand.pass(1000);
  assert.equal((await early).status, 504);
  one.answer(200, FRESH, 'for the other one');
  assert.equal((await late).text, 'for the other one');
  assert.equal(limited.origin.asked.length, 1);
});
