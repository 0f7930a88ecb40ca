// Until the best coding of a stored body is made, one that was made quickly serves all who ask: none is coded anew each time.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { codingOf } from '../../src/encoding/index.ts';
import { type Cached, CLIENT_PROTOCOLS, startCached } from '../support/cached.ts';
import { HandClock } from '../support/hand-clock.ts';
import { until } from '../support/until.ts';

const CODINGS = ['br', 'zstd', 'gzip'] as const;
const BODY = 'The quick brown fox jumps over the lazy dog. '.repeat(2000);
const TAGGED = { 'cache-control': 'max-age=60', 'content-type': 'text/plain', etag: '"v1"' };

let stage: Cached;
/** Lets the maker of the best codings go on. */
let makeBest: () => void;

before(async () => {
  stage = await startCached({ clock: new HandClock(), policies: { compress: {} } });
  stage.origin.play = (one) => one.answer(200, TAGGED, BODY);
  const { maker } = stage.gateway.primary.generation.services.cache;
  const { make } = maker;
  // As with a full queue.
  maker.make = () => undefined;
  makeBest = () => {
    maker.make = make;
  };
});
after(() => stage[Symbol.asyncDispose]());

const services = () => stage.gateway.primary.generation.services.cache;

/** Stores a body of its own under the target, and has its quick coding made. */
async function quickMade(target: string, coding: (typeof CODINGS)[number]): Promise<void> {
  stage.origin.play = (one) => one.answer(200, TAGGED, `${BODY}${target}`);
  await stage.get(target);
  const first = await stage.get(target, { fields: { 'accept-encoding': coding } });
  assert.deepEqual(
    [first.cache?.split(';')[1]?.trim(), first.of('content-encoding'), first.of('content-length')],
    ['hit', coding, undefined],
    'the first one is coded while it passes',
  );
  await until(() => services().quick.atWork === 0);
}

for (const protocol of CLIENT_PROTOCOLS) {
  for (const coding of CODINGS) {
    test(`${protocol}: the second hit in ${coding} is the kept one: its length is told, its tag is weak, the body whole`, async () => {
      const target = `/c/${protocol}-${coding}`;
      await quickMade(target, coding);
      const got = await stage.get(target, { protocol, fields: { 'accept-encoding': coding } });
      assert.deepEqual(
        [got.status, got.of('content-encoding'), got.of('etag'), got.of('vary'), got.of('accept-ranges')],
        [200, coding, `W/"v1-${coding}"`, 'accept-encoding', undefined],
      );
      assert.equal(Number(got.of('content-length')), got.body.length);
      assert.equal(Buffer.from(codingOf(coding).decode(got.body, 1e6)).toString(), `${BODY}${target}`);
      const head = await stage.get(target, { protocol, method: 'HEAD', fields: { 'accept-encoding': coding } });
      assert.deepEqual(
        [head.of('content-length'), head.of('etag'), head.body.length],
        [String(got.body.length), got.of('etag'), 0],
      );
      const tag = got.of('etag')!;
      const again = await stage.get(target, { protocol, fields: { 'accept-encoding': coding, 'if-none-match': tag } });
      assert.deepEqual([again.status, again.of('etag')], [304, tag]);
      const match = await stage.get(target, { protocol, fields: { 'accept-encoding': coding, 'if-match': tag } });
      assert.equal(match.status, 412, 'a weak tag matches nothing that is asked strongly');
    });
  }

  test(`${protocol}: parts are of the body as it is, also while there is a quick coding`, async () => {
    const target = `/c/${protocol}-parts`;
    await quickMade(target, 'br');
    const got = await stage.get(target, { protocol, fields: { 'accept-encoding': 'br', range: 'bytes=4-8' } });
    assert.deepEqual([got.status, got.text, got.of('content-encoding')], [206, 'quick', undefined]);
    const weak = { 'accept-encoding': 'br', range: 'bytes=4-8', 'if-range': 'W/"v1-br"' };
    assert.equal((await stage.get(target, { protocol, fields: weak })).status, 200);
  });

  test(`${protocol}: who refuses the coding, or any change, does not get it`, async () => {
    const target = `/c/${protocol}-refused`;
    await quickMade(target, 'br');
    for (const fields of [
      { 'accept-encoding': 'identity' },
      { 'accept-encoding': 'br;q=0' },
      { 'accept-encoding': 'br', 'cache-control': 'no-transform' },
    ]) {
      const got = await stage.get(target, { protocol, fields });
      assert.deepEqual([got.status, got.of('content-encoding'), got.text], [200, undefined, `${BODY}${target}`]);
    }
  });

  test(`${protocol}: a body with a digest of its bytes is coded by nobody`, async () => {
    for (const name of ['content-digest', 'repr-digest', 'digest', 'content-md5']) {
      const target = `/c/${protocol}-${name}`;
      stage.origin.play = (one) => one.answer(200, { ...TAGGED, [name]: 'sha-256=:aa:' }, BODY);
      for (let i = 0; i < 3; i += 1) {
        const got = await stage.get(target, { protocol, fields: { 'accept-encoding': 'br' } });
        assert.deepEqual([got.of('content-encoding'), got.text], [undefined, BODY], name);
        assert.equal(services().quick.atWork, 0);
      }
    }
  });
}

test('the best coding takes the place of the quick one, whose bytes are given back; the old tag still counts', async () => {
  const target = '/c/best';
  await quickMade(target, 'br');
  const wish = { fields: { 'accept-encoding': 'br' } };
  const quick = await stage.get(target, wish);
  const { bytes } = services().quick;
  makeBest();
  await stage.get(target, wish);
  await services().maker.idle();
  const best = await stage.get(target, wish);
  assert.deepEqual([quick.of('etag'), best.of('etag')], ['W/"v1-br"', '"v1-br"']);
  const decoded = [quick, best].map(({ body }) => Buffer.from(codingOf('br').decode(body, 1e6)).toString());
  assert.deepEqual(decoded, [`${BODY}${target}`, `${BODY}${target}`]);
  assert.ok(services().quick.bytes < bytes);
  const had = await stage.get(target, { fields: { 'accept-encoding': 'br', 'if-none-match': 'W/"v1-br"' } });
  assert.deepEqual([had.status, had.of('etag')], [304, 'W/"v1-br"']);
});
