// Tags of one body in several codings: whichever the gateway gave, under it the client hears that it has the body already.
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { type Cached, CLIENT_PROTOCOLS, startCached } from '../support/cached.ts';
import { HandClock } from '../support/hand-clock.ts';

const CODINGS = ['br', 'zstd', 'gzip'] as const;
const BODY = 'The quick brown fox jumps over the lazy dog. '.repeat(100);
const FRESH = { 'cache-control': 'max-age=60', 'content-type': 'text/plain' };
const TAGGED = { ...FRESH, etag: '"v1"' };

/** One where only `compress` codes, one that also stores codings. */
let quick: Cached;
let stored: Cached;
let target = '/c/0';
let number = 0;

before(async () => {
  const policies = { compress: {} };
  const clock = new HandClock();
  quick = await startCached({ clock, policies, cache: { variants: false } });
  stored = await startCached({ clock, policies });
});
after(async () => {
  await quick[Symbol.asyncDispose]();
  await stored[Symbol.asyncDispose]();
});
beforeEach(() => {
  number += 1;
  target = `/c/${number}`;
  for (const { origin } of [quick, stored]) origin.play = (one) => one.answer(200, TAGGED, BODY);
});

/** Stores it, and has all codings made that are stored. */
async function codingsMade(): Promise<void> {
  await stored.get(target);
  await stored.gateway.primary.generation.services.cache.maker.idle();
}

for (const protocol of CLIENT_PROTOCOLS) {
  const asker = (stage: Cached) => (fields: Record<string, string>, method?: string) =>
    stage.get(target, { protocol, fields, ...(method !== undefined && { method }) });

  for (const coding of CODINGS) {
    test(`${protocol}: while no coding is stored, the tag that came with ${coding} gets a 304 with that tag, whatever is accepted now`, async () => {
      const get = asker(quick);
      quick.origin.play = (one) => one.answer(200, FRESH, BODY);
      await get({});
      const first = await get({ 'accept-encoding': coding });
      const tag = first.of('etag')!;
      assert.deepEqual([first.of('content-encoding'), tag.slice(0, 3)], [coding, 'W/"']);
      for (const accepted of [...CODINGS, 'identity', 'br, gzip']) {
        for (const method of ['GET', 'HEAD']) {
          const got = await get({ 'accept-encoding': accepted, 'if-none-match': `"other", ${tag}` }, method);
          assert.deepEqual([got.status, got.of('etag'), got.of('vary')], [304, tag, 'accept-encoding'], accepted);
          assert.deepEqual([got.body.length, got.of('content-encoding')], [0, undefined]);
        }
      }
      assert.equal(quick.origin.asked.filter((one) => one.target === target).length, 1);
    });

    test(`${protocol}: after the codings are stored, the tag that came before with ${coding} gets a 304, and stays weak`, async () => {
      const get = asker(stored);
      const first = await get({ 'accept-encoding': coding });
      assert.deepEqual([first.of('content-encoding'), first.of('etag')], [coding, `W/"v1-${coding}"`]);
      await codingsMade();
      const second = await get({ 'accept-encoding': coding });
      assert.deepEqual([second.of('content-encoding'), second.of('etag')], [coding, `"v1-${coding}"`]);
      for (const accepted of [...CODINGS, 'identity']) {
        for (const tag of [`W/"v1-${coding}"`, `"v1-${coding}"`]) {
          const got = await get({ 'accept-encoding': accepted, 'if-none-match': tag });
          assert.deepEqual([got.status, got.of('etag')], [304, tag], accepted);
          assert.equal(got.of('vary'), 'accept-encoding');
        }
      }
    });
  }

  test(`${protocol}: a tag of a stored coding counts also where nobody has asked for that coding since the answer was confirmed`, async () => {
    const get = asker(stored);
    await codingsMade();
    stored.origin.play = (one) => one.answer(one.headers['if-none-match'] === '"v1"' ? 304 : 200, TAGGED, '');
    assert.equal((await get({ 'cache-control': 'no-cache' })).text, BODY);
    const got = await get({ 'accept-encoding': 'br', 'if-none-match': '"v1-gzip"' });
    assert.deepEqual([got.status, got.of('etag')], [304, '"v1-gzip"']);
  });

  test(`${protocol}: a tag of another body, or of a coding that the gateway does not make, gets the body`, async () => {
    const get = asker(quick);
    await get({});
    for (const tag of ['"v2"', 'W/"v2-br"', '"v1-deflate"', '"v1-"', '"v1-br-br"', '"-br"']) {
      const got = await get({ 'accept-encoding': 'br', 'if-none-match': tag });
      assert.deepEqual([got.status, got.of('etag')], [200, 'W/"v1-br"'], tag);
    }
  });

  test(`${protocol}: If-Match wants a strong tag: that of the body or of a stored coding, never that of a quick one`, async () => {
    await quick.get(target);
    await codingsMade();
    for (const [stage, tag, status] of [
      [stored, '"v1"', 200],
      [stored, '"v1-br"', 200],
      [stored, '"v1-gzip"', 200],
      [stored, 'W/"v1-br"', 412],
      [stored, '"v2-br"', 412],
      [quick, '"v1"', 200],
      [quick, 'W/"v1-br"', 412],
      [quick, '"v1-br"', 412],
    ] as const) {
      const got = await asker(stage)({ 'accept-encoding': 'br', 'if-match': tag });
      assert.equal(got.status, status, `${stage === quick ? 'quick' : 'stored'} ${tag}`);
    }
  });

  test(`${protocol}: If-Range wants the strong tag of the body as it is: parts are of nothing else`, async () => {
    await quick.get(target);
    await codingsMade();
    for (const stage of [quick, stored]) {
      const get = asker(stage);
      const part = await get({ range: 'bytes=4-8', 'if-range': '"v1"', 'accept-encoding': 'br' });
      assert.deepEqual([part.status, part.text, part.of('etag')], [206, 'quick', '"v1"']);
      for (const tag of ['W/"v1"', '"v1-br"', 'W/"v1-br"', '"v2"']) {
        const got = await get({ range: 'bytes=4-8', 'if-range': tag });
        assert.deepEqual([got.status, got.text], [200, BODY], tag);
      }
    }
  });
}
