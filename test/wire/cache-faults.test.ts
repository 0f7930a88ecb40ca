// Origins that lie and break: nothing partial is stored, and nothing partial is shown as complete.
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { type Cached, CLIENT_PROTOCOLS, startCached } from '../support/cached.ts';
import { HandClock } from '../support/hand-clock.ts';
import type { Asked, OriginProtocol, Said } from '../support/origin.ts';
import { until } from '../support/until.ts';

const FRESH = { 'cache-control': 'max-age=60', 'content-type': 'text/plain' };
const MAX_ENTRY = 256 * 1024;

for (const protocol of ['h2c', 'http/1.1'] as OriginProtocol[]) {
  let stage: Cached;
  let target = '/c/0';
  let number = 0;
  const clock = new HandClock();

  before(async () => {
    stage = await startCached({ clock, protocol, config: { cache: { max_entry_bytes: MAX_ENTRY } } });
  });
  after(() => stage[Symbol.asyncDispose]());
  beforeEach(() => {
    number += 1;
    target = `/c/${protocol}/${number}`;
  });

  const asked = (): number => stage.origin.asked.filter((one) => one.target === target).length;
  const open = (): number => stage.gateway.primary.openExchanges;
  const stored = () => stage.gateway.primary.generation.services.cache.store;
  const over = `origin over ${protocol}`;

  /** Two clients of both protocols that read along, what they got, and that the next one asks anew. */
  async function shownCut(play: (one: Asked) => Promise<void> | void): Promise<void> {
    let pending: Asked | undefined;
    stage.origin.play = (one) => {
      pending = one;
    };
    const along = CLIENT_PROTOCOLS.map((client) => stage.get(target, { protocol: client }));
    await until(() => pending !== undefined && open() === 2);
    await play(pending!);
    for (const got of await Promise.all(along))
      assert.equal(got.cut || got.status === 502, true, `${got.status} ${got.text}`);
    stage.origin.play = (one) => one.answer(200, FRESH, 'whole');
    const next = await stage.get(target);
    assert.deepEqual([next.text, next.cache, next.cut], ['whole', 'gatehouse; fwd=uri-miss; stored', false]);
    assert.equal(asked(), 2);
    assert.equal(stored().figures().fills, 0);
  }

  test(`attack: ${over} tells a longer body than it sends`, async () => {
    await shownCut((one) => {
      one.response.strictContentLength = false;
      one.head(200, { ...FRESH, 'content-length': 1000 });
      one.write('short');
      if (protocol === 'h2c') one.response.end();
      else one.response.socket!.end();
    });
  });

  test(`attack: ${over} resets in the middle of the body`, async () => {
    await shownCut(async (one) => {
      one.head(200, FRESH);
      one.write('a'.repeat(50_000));
      await until(() => stored().figures().fills === 1 && stage.gateway.primary.openExchanges === 2);
      one.cut();
    });
  });

  test(`attack: ${over} resets right after the head`, async () => {
    await shownCut((one) => {
      one.head(200, { ...FRESH, 'content-length': 10 });
      one.cut();
    });
  });

  test(`attack: ${over} never ends: a client that leaves is let go, and the entry stays within its limit`, async () => {
    stage.origin.play = (one) => {
      one.head(200, FRESH);
      one.write(Buffer.alloc(1000));
    };
    const leaver = new AbortController();
    const left = stage.get(target, { signal: leaver.signal });
    const one = await stage.origin.nth(stage.origin.asked.length);
    let gone = false;
    void one.closed.then(() => {
      gone = true;
    });
    leaver.abort();
    await left;
    await until(() => open() === 0);
    // It is fetched on for those who come later, up to the limit of an entry; then nobody wants it.
    let sent = 0;
    while (!gone) {
      sent += 16_384;
      await new Promise((resolve) => {
        one.response.write(Buffer.alloc(16_384), resolve);
        void one.closed.then(resolve);
      });
      await setImmediate();
      assert.ok(sent < 64 * MAX_ENTRY);
    }
    assert.equal(stored().figures().fills, 0);
    stage.origin.play = (next) => next.answer(200, FRESH, 'whole');
    assert.equal((await stage.get(target)).text, 'whole');
  });

  test(`attack: ${over} goes silent in the middle of a body that nobody reads: it is let go after fetch_timeout_ms`, async () => {
    stage.origin.play = (one) => {
      one.head(200, FRESH);
      one.write('begin');
    };
    const leaver = new AbortController();
    const head = Promise.withResolvers<void>();
    const left = stage.get(target, { signal: leaver.signal, onHead: head.resolve });
    const one = await stage.origin.nth(stage.origin.asked.length);
    await head.promise;
    clock.pass(30_000);
    assert.equal(stored().figures().fills, 1, 'somebody reads it');
    leaver.abort();
    await left;
    await until(() => open() === 0);
    clock.pass(30_000);
    await one.closed;
    assert.equal(stored().figures().fills, 0);
  });

  test(`attack: ${over} sends a body beyond the limit of an entry without telling its length: all of it passes, none is kept`, async () => {
    const body = Buffer.alloc(3 * MAX_ENTRY, 'abcdefg');
    stage.origin.play = (one) => one.answer(200, FRESH, body);
    const all = [1, 2, 3].map((i) => stage.get(target, { protocol: CLIENT_PROTOCOLS[i % 2]! }));
    for (const got of await Promise.all(all)) assert.ok(got.body.equals(body) && !got.cut);
    assert.equal((await stage.get(target)).cache?.includes('hit'), false);
    assert.ok(stored().figures().bytes < MAX_ENTRY);
  });

  test(`attack: ${over} tells a length beyond the limit of an entry: the answer is not even begun to be kept`, async () => {
    const body = Buffer.alloc(2 * MAX_ENTRY, 'a');
    stage.origin.play = (one) => one.answer(200, { ...FRESH, 'content-length': body.length }, body);
    const got = await stage.get(target);
    assert.deepEqual([got.cache, got.body.length], ['gatehouse; fwd=uri-miss; detail=too-large', body.length]);
  });

  const LOTS = Array.from({ length: 100 }, (_, i) => `x-${i}`).join(', ');
  const ODD: readonly (readonly [title: string, said: Said, stored: boolean])[] = [
    ['Vary: * among others', { ...FRESH, vary: 'accept, *' }, false],
    ['Vary of a hundred names', { ...FRESH, vary: LOTS }, false],
    ['Vary of 40 KiB', { ...FRESH, vary: Array.from({ length: 4000 }, (_, i) => `name-${i}`).join(', ') }, false],
    ['Vary that is no list of names', { ...FRESH, vary: 'accept language; (' }, false],
    ['Cache-Control with numbers that are none', { 'cache-control': 'max-age=1e9' }, false],
    ['Cache-Control with a negative number', { 'cache-control': 'max-age=-5' }, false],
    ['Cache-Control with two different numbers', { 'cache-control': 'max-age=0, max-age=60' }, false],
    ['Cache-Control with a quote that never ends', { 'cache-control': 'ext="no-end, no-store' }, false],
    [
      'Cache-Control of 40 KiB of garbage before a no-store',
      { 'cache-control': `${'=;",\\ '.repeat(6000)}, no-store` },
      false,
    ],
    ['a number beyond every date', { 'cache-control': 'max-age=99999999999999999999' }, true],
    ['Expires beyond every date', { expires: 'Fri, 31 Dec 99999 23:59:59 GMT' }, false],
    ['Age that makes it old', { ...FRESH, age: '99999999999999' }, false],
    ['10,000 bytes of header', { ...FRESH, 'x-long': 'a'.repeat(10_000) }, true],
  ];
  for (const [title, said, kept] of ODD) {
    test(`attack: ${over} says ${title}: ${kept ? 'stored' : 'not served from the store'}`, async () => {
      stage.origin.play = (one) => one.answer(200, said, `answer ${asked()}`);
      const first = await stage.get(target);
      const second = await stage.get(target);
      assert.deepEqual([first.status, second.status], [200, 200]);
      assert.equal(second.cache!.startsWith('gatehouse; hit'), kept, second.cache!);
      if (kept) assert.equal(second.text, first.text);
      for (const [name, value] of Object.entries(said)) if (name.startsWith('x-')) assert.equal(second.of(name), value);
    });
  }

  test(`attack: ${over} sends trailers: the answer passes with them and is not stored`, async () => {
    stage.origin.play = (one) => {
      one.head(200, { ...FRESH, trailer: 'x-sum' });
      one.write('body');
      one.response.addTrailers({ 'x-sum': '1' });
      one.response.end();
    };
    assert.equal((await stage.get(target)).text, 'body');
    assert.equal((await stage.get(target)).cache!.includes('hit'), false);
    assert.equal(asked(), 2);
  });

  test(`attack: ${over} answers 304 to who asked without a condition`, async () => {
    stage.origin.play = (one) => one.answer(304, { etag: '"x"' });
    const got = await stage.get(target);
    assert.notEqual(got.status, 200);
    assert.ok(asked() <= 4);
    stage.origin.play = (one) => one.answer(200, FRESH, 'whole');
    assert.equal((await stage.get(target)).text, 'whole');
  });

  test(`attack: ${over} confirms with the tag of another answer: the stored one goes`, async () => {
    stage.origin.play = (one) => one.answer(200, { ...FRESH, etag: '"v1"' }, 'v1');
    await stage.get(target);
    clock.pass(61_000);
    stage.origin.play = (one) =>
      one.headers['if-none-match'] === undefined
        ? one.answer(200, { ...FRESH, etag: '"v2"' }, 'v2')
        : one.answer(304, { etag: '"v2"' });
    assert.equal((await stage.get(target)).text, 'v2');
    assert.equal((await stage.get(target)).cache, 'gatehouse; hit; ttl=60');
  });
}
