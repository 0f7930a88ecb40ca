// There are three ways to a coded body: errors of the gateway, answers that are coded while they pass, and stored codings.
// An answer goes one of them. Harm: a body that is coded twice, or says so, and caches that mix up codings.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { brotliCompressSync, gzipSync, inflateSync } from 'node:zlib';
import { CODING_NAMES, type CodingName } from '../../src/encoding/coding.ts';
import { codingOf } from '../../src/encoding/index.ts';
import { type Cached, CLIENT_PROTOCOLS, type Got, startCached, type Wish } from '../support/cached.ts';
import { UNLIMITED } from '../support/mirror.ts';

const FRESH = { 'cache-control': 'max-age=600', 'content-type': 'text/html' };
const PAGE = '<p>some text that is said again and again</p>\n'.repeat(400);

let stage: Cached;

before(async () => {
  stage = await startCached({ config: UNLIMITED, cache: { stale_if_error_s: 600 } });
});
after(() => stage[Symbol.asyncDispose]());

const ACCEPTS = [...CODING_NAMES, 'gzip, deflate, br, zstd', '*', 'identity', 'deflate'];

/** One coding, one word of it in Vary, and under the coding what is no coding any more. */
function decodedOnce(got: Got): string {
  const codings = got.fields.filter(([name]) => name === 'content-encoding').map(([, value]) => value);
  assert.ok(codings.length <= 1, codings.join());
  const [coding] = codings;
  const vary = got.fields.filter(([name]) => name === 'vary');
  const named = vary.join().match(/accept-encoding/gi)?.length ?? 0;
  const any = vary.some(([, value]) => value === '*');
  assert.ok(named === 1 || (named === 0 && (coding === undefined || any)), `${vary}`);
  if (got.of('content-length') !== undefined) assert.equal(Number(got.of('content-length')), got.body.length);
  // The errors of the gateway know this one, too.
  const decode = (): Buffer =>
    coding === 'deflate'
      ? inflateSync(got.body)
      : Buffer.from(codingOf(coding as CodingName).decode(got.body, 1 << 20));
  const plain = coding === undefined ? got.body : decode();
  assert.ok(!plain.subarray(0, 2).equals(Buffer.from([0x1f, 0x8b])), 'gzip inside');
  assert.ok(!plain.subarray(0, 4).equals(Buffer.from([0x28, 0xb5, 0x2f, 0xfd])), 'zstd inside');
  return plain.toString();
}

let number = 0;

/** Asks in every way; what came, decoded. */
async function everyWay(
  target: () => string,
  wish: Wish,
  look: (text: string, got: Got, accept: string) => void,
): Promise<void> {
  for (const protocol of CLIENT_PROTOCOLS) {
    for (const accept of ACCEPTS) {
      const got = await stage.get(target(), {
        protocol,
        ...wish,
        fields: { 'accept-encoding': accept, ...wish.fields },
      });
      look(decodedOnce(got), got, accept);
    }
  }
}

const next = (folder = '/c'): string => {
  number += 1;
  return `${folder}/${number}`;
};

for (const [what, target, fields, status, says] of [
  ['a page', '/ui/console/x', { accept: 'text/html' }, 502, /^<!doctype html>/],
  ['a refusal as JSON', '/nothing/here', { accept: 'application/json' }, 404, /./],
  ['what only the store should answer', '/c/none', { 'cache-control': 'only-if-cached' }, 504, /./],
  ['a way to the inside', '/debug/metrics', { accept: 'text/html' }, 403, /./],
] as const) {
  test(`the gateway's own bodies: ${what}`, async () => {
    stage.origin.play = (asked) => asked.cut();
    await everyWay(
      () => target,
      { fields },
      (text, got) => {
        assert.equal(got.status, status);
        assert.match(text, says);
        assert.equal(got.of('cache-control'), 'no-store');
      },
    );
  });
}

test('answers that pass, with every Vary that an origin may have said', async () => {
  for (const vary of [
    undefined,
    'accept-encoding',
    'Accept-Encoding, Origin',
    ['Origin', 'ACCEPT-ENCODING'],
    ['origin', 'accept'],
    '',
    '*',
  ]) {
    stage.origin.play = (asked) =>
      asked.answer(
        200,
        { 'content-type': 'text/html', 'cache-control': 'no-store', ...(vary !== undefined && { vary }) },
        PAGE,
      );
    await everyWay(
      () => next(),
      {},
      (text, got) => {
        assert.equal(text, PAGE);
        const said = got.of('vary')!.toLowerCase();
        if (vary !== '*') assert.match(said, /accept-encoding/);
        for (const one of [vary ?? []].flat()) assert.ok(said.includes(one.toLowerCase()), `${said} without ${one}`);
      },
    );
  }
});

test('answers on their way into the store, from it before any coding is made, and after', async () => {
  const { maker } = stage.gateway.primary.generation.services.cache;
  for (const vary of [undefined, 'Accept-Encoding', 'Origin', ['Origin', 'accept-encoding'], ['origin', 'accept']]) {
    stage.origin.play = (asked) => asked.answer(200, { ...FRESH, ...(vary !== undefined && { vary }) }, PAGE);
    const is = (text: string, got: Got): void => {
      assert.equal(text, PAGE);
      const said = got.of('vary')!.toLowerCase();
      for (const one of ['accept-encoding', vary ?? []].flat()) assert.ok(said.includes(one.toLowerCase()), said);
    };
    await everyWay(() => next(), {}, is);
    const target = next();
    await everyWay(() => target, {}, is);
    await maker.idle();
    await everyWay(
      () => target,
      {},
      (text, got, accept) => {
        is(text, got);
        if (accept in Object.fromEntries(CODING_NAMES.map((name) => [name, 1]))) {
          assert.equal(got.of('content-encoding'), accept);
          assert.match(got.of('etag')!, new RegExp(`^"[^"]+-${accept}"$`), 'the stored one is strong');
          assert.ok(got.body.length < PAGE.length / 20);
        }
      },
    );
  }
});

test('what the origin has coded is not coded again, on any way', async () => {
  for (const [coding, body] of [
    ['gzip', gzipSync(PAGE)],
    ['br', brotliCompressSync(PAGE)],
    ['GZIP', gzipSync(PAGE)],
  ] as const) {
    for (const control of ['no-store', 'max-age=600']) {
      stage.origin.play = (asked) =>
        asked.answer(200, { ...FRESH, 'cache-control': control, 'content-encoding': coding }, body);
      const target = next();
      for (let i = 0; i < 2; i += 1) {
        for (const accept of ACCEPTS) {
          const got = await stage.get(target, { fields: { 'accept-encoding': accept } });
          assert.deepEqual([got.of('content-encoding'), got.body.equals(body)], [coding, true]);
        }
      }
    }
  }
});

test('errors of the origin, kept or not, and a stale answer while it fails', async () => {
  for (const control of ['no-store', 'max-age=600']) {
    stage.origin.play = (asked) => asked.answer(404, { ...FRESH, 'cache-control': control }, PAGE);
    const target = next();
    await everyWay(
      () => target,
      {},
      (text, got) => assert.deepEqual([got.status, text], [404, PAGE]),
    );
  }
  stage.origin.play = (asked) =>
    asked.answer(200, { ...FRESH, 'cache-control': 'max-age=0, stale-if-error=600', etag: '"a"' }, PAGE);
  const target = next();
  await stage.get(target);
  stage.origin.play = (asked) => asked.answer(503, FRESH, 'down');
  await everyWay(
    () => target,
    {},
    (text, got) => assert.deepEqual([got.status, text], [200, PAGE], `${got.cache}`),
  );
});

test('HEAD says the same of the coding as GET', async () => {
  stage.origin.play = (asked) => asked.answer(200, FRESH, asked.method === 'HEAD' ? '' : PAGE);
  const target = next();
  await stage.get(target);
  await stage.gateway.primary.generation.services.cache.maker.idle();
  for (const accept of ACCEPTS) {
    const fields = { 'accept-encoding': accept };
    const [get, head] = [await stage.get(target, { fields }), await stage.get(target, { fields, method: 'HEAD' })];
    for (const name of ['content-encoding', 'content-length', 'etag', 'vary', 'content-type'])
      assert.equal(head.of(name), get.of(name), name);
    assert.equal(head.body.length, 0);
  }
});
