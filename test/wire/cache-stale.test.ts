// Stale answers, RFC 5861: served while the origin is asked anew, and while it fails in any way that an origin can fail.
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { type Cached, CLIENT_PROTOCOLS, startCached } from '../support/cached.ts';
import { HandClock } from '../support/hand-clock.ts';
import type { Asked, OriginProtocol } from '../support/origin.ts';
import { until } from '../support/until.ts';

const FRESH = { 'cache-control': 'max-age=60', 'content-type': 'text/plain' };

for (const protocol of ['h2c', 'http/1.1'] as OriginProtocol[]) {
  let clock: HandClock;
  let stage: Cached;
  let target = '/c/0';
  let number = 0;

  before(async () => {
    clock = new HandClock();
    stage = await startCached({
      clock,
      protocol,
      cache: { stale_while_revalidate_s: 10, stale_if_error_s: 600, fetch_timeout_ms: 5000 },
    });
  });
  after(() => stage[Symbol.asyncDispose]());
  beforeEach(() => {
    number += 1;
    target = `/c/${protocol}/${number}`;
    stage.origin.play = (one) => one.answer(200, FRESH, 'old');
  });

  const asked = (): number => stage.origin.asked.filter((one) => one.target === target).length;
  const get = (fields: Record<string, string> = {}) => stage.get(target, { fields });
  const store = () => stage.gateway.primary.generation.services.cache.store;

  /** Stores an answer and lets it be stale for so many seconds. */
  async function stale(forS: number, said = {}): Promise<void> {
    stage.origin.play = (one) => one.answer(200, { ...FRESH, ...said }, 'old');
    assert.equal((await get()).text, 'old');
    clock.pass((60 + forS) * 1000);
  }

  test(`origin over ${protocol}: while a stale answer is served there is one request for the new one, whoever asks`, async () => {
    await stale(5);
    const pending: Asked[] = [];
    stage.origin.play = (one) => void pending.push(one);
    const got = await Promise.all(
      Array.from({ length: 20 }, (_, i) => stage.get(target, { protocol: CLIENT_PROTOCOLS[i % 2]! })),
    );
    for (const { text, cache } of got) assert.deepEqual([text, cache], ['old', 'gatehouse; hit; ttl=-5']);
    await until(() => pending.length > 0);
    assert.equal(asked(), 2);
    pending[0]!.answer(200, FRESH, 'new');
    await until(() => store().figures().fills === 0);
    const next = await get();
    assert.deepEqual([next.text, next.cache], ['new', 'gatehouse; hit; ttl=60']);
    assert.equal(asked(), 2);
  });

  test(`origin over ${protocol}: a request in the background that fails leaves the stale answer, and the next one asks again`, async () => {
    await stale(5);
    stage.origin.play = (one) => one.cut();
    assert.equal((await get()).text, 'old');
    await until(() => asked() >= 2 && store().figures().fills === 0);
    stage.origin.play = (one) => one.answer(200, FRESH, 'new');
    assert.equal((await get()).text, 'old');
    await until(() => store().figures().fills === 0);
    assert.equal((await get()).text, 'new');
  });

  test(`origin over ${protocol}: after stale_while_revalidate_s the client waits for the new answer`, async () => {
    await stale(11);
    stage.origin.play = (one) => one.answer(200, FRESH, 'new');
    assert.equal((await get()).text, 'new');
  });

  for (const status of [500, 502, 503, 504]) {
    test(`origin over ${protocol}: a stale answer stands in for a ${status}`, async () => {
      await stale(100);
      stage.origin.play = (one) => one.answer(status, {}, 'sorry');
      const got = await get();
      assert.deepEqual([got.status, got.text], [200, 'old']);
      assert.equal(got.cache, 'gatehouse; hit; ttl=-100; detail=origin-failed');
      assert.equal(stage.gateway.ended.at(-1)!.record.cache, 'stale');
    });
  }

  test(`origin over ${protocol}: a stale answer stands in for a reset before the head`, async () => {
    await stale(100);
    stage.origin.play = (one) => one.cut();
    const got = await get();
    assert.deepEqual([got.status, got.text], [200, 'old']);
  });

  test(`origin over ${protocol}: a stale answer stands in for a head that does not come in time`, async () => {
    await stale(100);
    stage.origin.play = () => {};
    const asking = get();
    await until(() => asked() === 2);
    clock.pass(5000);
    const got = await asking;
    assert.deepEqual([got.status, got.text], [200, 'old']);
  });

  test(`origin over ${protocol}: a stale answer stands in for an origin that is not there, and gives way when it is back`, async () => {
    await stale(100);
    await stage.origin.die();
    const got = await Promise.all([get(), get({ range: 'bytes=0-0' }), stage.get(target, { method: 'HEAD' })]);
    assert.deepEqual(
      got.slice(0, 2).map(({ status, text }) => [status, text]),
      [
        [200, 'old'],
        [206, 'o'],
      ],
    );
    await stage.origin.revive();
    stage.origin.play = (one) => one.answer(200, FRESH, 'new');
    assert.equal((await get()).text, 'new');
  });

  test(`origin over ${protocol}: HEAD gets the head of the stale answer as GET does, from an origin that fails or is silent`, async () => {
    await stale(100);
    const head = () => stage.get(target, { method: 'HEAD' });
    const failures: ((one: Asked) => void)[] = [(one) => one.answer(503, {}, 'sorry'), (one) => one.cut()];
    for (const play of failures) {
      stage.origin.play = play;
      const got = await head();
      assert.deepEqual([got.status, got.body.length, got.of('content-length')], [200, 0, '3']);
      assert.match(got.cache!, /^gatehouse; hit; ttl=-100; detail=origin-failed$/);
    }
    stage.origin.play = () => {};
    const waiting = head();
    await until(() => asked() === 4);
    clock.pass(5000);
    assert.match((await waiting).cache!, /detail=origin-failed$/);
  });

  test(`origin over ${protocol}: HEAD gets what the origin says anew where it answers`, async () => {
    await stale(100);
    const head = () => stage.get(target, { method: 'HEAD' });
    stage.origin.play = (one) => one.answer(200, { ...FRESH, etag: '"new"' }, 'newer');
    const fresh = await head();
    assert.deepEqual([fresh.of('etag'), fresh.body.length, fresh.cut], ['"new"', 0, false]);
    assert.equal((await get()).text, 'newer');
    clock.pass(160_000);
    stage.origin.play = (one) => one.answer(200, { 'cache-control': 'no-store', etag: '"own"' }, 'not kept');
    const before = asked();
    const got = await head();
    assert.deepEqual([got.status, got.of('etag'), got.body.length], [200, '"own"', 0]);
    assert.match(got.cache!, /^gatehouse; fwd=stale; detail=no-store$/);
    assert.equal(asked(), before + 1);
    await until(() => store().figures().fills === 0);
    number += 1;
    target = `/c/${protocol}/${number}b`;
    await stale(100);
    stage.origin.play = (one) => one.answer(404, {}, 'gone');
    assert.deepEqual([(await head()).status, (await head()).status], [404, 404]);
    await until(() => stage.gateway.primary.openExchanges === 0 && store().figures().fills === 0);
  });

  test(`origin over ${protocol}: nobody waits longer than wait_ms for an origin that is silent where a stale answer stands in`, async () => {
    await using patient = await startCached({
      clock,
      protocol,
      cache: { stale_if_error_s: 600, fetch_timeout_ms: 30_000, wait_ms: 3000 },
    });
    const ask = (method = 'GET') => patient.get(target, { method });
    patient.origin.play = (one) => one.answer(200, FRESH, 'old');
    await ask();
    clock.pass(100_000);
    patient.origin.play = () => {};
    const first = ask();
    await patient.origin.nth(1);
    clock.pass(1000);
    const second = ask();
    await until(() => patient.gateway.primary.openExchanges === 2);
    clock.pass(2000);
    for (const waited of [first, second]) {
      const got = await waited;
      assert.deepEqual([got.text, got.cache], ['old', 'gatehouse; hit; ttl=-43; detail=wait']);
    }
    for (const method of ['GET', 'HEAD']) {
      const late = ask(method);
      await until(() => patient.gateway.primary.openExchanges === 1);
      clock.pass(0);
      assert.equal((await late).cache, 'gatehouse; hit; ttl=-43; detail=wait');
    }
    assert.equal(patient.origin.asked.length, 2);
    (await patient.origin.nth(1)).answer(200, FRESH, 'new');
    await until(() => patient.gateway.primary.generation.services.cache.store.figures().fills === 0);
    assert.equal((await ask()).text, 'new');
  });

  test(`origin over ${protocol}: without an answer, or after stale_if_error_s, the failure is told`, async () => {
    stage.origin.play = (one) => one.answer(503, {}, 'sorry');
    assert.deepEqual([(await get()).status, (await get()).text], [503, 'sorry']);
    number += 1;
    target = `/c/${protocol}/${number}b`;
    await stale(601);
    stage.origin.play = (one) => one.answer(503, {}, 'sorry');
    assert.equal((await get()).status, 503);
    stage.origin.play = (one) => one.cut();
    assert.equal((await get()).status, 502);
  });

  for (const [title, said, fields] of [
    ['the origin says must-revalidate', { 'cache-control': 'max-age=60, must-revalidate' }, {}],
    ['the client says no-cache', {}, { 'cache-control': 'no-cache' }],
  ] as [string, Record<string, string>, Record<string, string>][]) {
    test(`origin over ${protocol}: no stale answer where ${title}`, async () => {
      await stale(100, said);
      stage.origin.play = (one) => one.answer(503, {}, 'sorry');
      assert.equal((await get(fields)).status, 503);
    });
  }

  test(`origin over ${protocol}: a failure that may be stored is not stored over what stands in for it`, async () => {
    await stale(100);
    stage.origin.play = (one) => one.answer(503, FRESH, 'sorry');
    assert.equal((await get()).text, 'old');
    assert.equal((await get()).text, 'old');
    assert.equal(
      store().get({ route: 'cached', scheme: 'https', host: new URL(stage.gateway.clearUrl).host, target })[0]?.status,
      200,
    );
  });

  test(`origin over ${protocol}: a 404 is no failure: the stale answer gives way to it`, async () => {
    await stale(100);
    stage.origin.play = (one) => one.answer(404, {}, 'gone');
    assert.equal((await get()).status, 404);
    assert.equal((await get()).status, 404);
  });
}
