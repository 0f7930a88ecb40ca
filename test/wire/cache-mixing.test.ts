// Who waits for whose answer, and what may come of it: a request that waits must get no answer that is for another, and
// nothing that a part, a condition, a HEAD or a broken answer brings may be stored as the whole.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { after, before, beforeEach, test } from 'node:test';
import { type Cached, type Got, startCached } from '../support/cached.ts';
import { startGateway } from '../support/gateway.ts';
import { HandClock } from '../support/hand-clock.ts';
import type { Asked } from '../support/origin.ts';
import { until } from '../support/until.ts';

const FRESH = { 'cache-control': 'public, max-age=60', 'content-type': 'text/plain' };

let clock: HandClock;
let stage: Cached;
let target = '/c/0';
let number = 0;

before(async () => {
  clock = new HandClock();
  stage = await startCached({
    clock,
    config: {
      // None with a certificate, whose dates are not those of the clock.
      listeners: [{ name: 'clear', address: '127.0.0.1:0', external_scheme: 'https' }],
      routes: [
        { name: 'cached', paths: ['/c/*'], policies: { rate_limit: false, cache: {} } },
        { name: 'all', paths: ['/a/*'], policies: { rate_limit: false, cache: { request_fields: 'all' } } },
        {
          name: 'shared',
          paths: ['/s/*'],
          policies: { rate_limit: false, cache: { credentials: 'rfc9111', request_fields: [] } },
        },
      ],
    },
  });
});
after(() => stage[Symbol.asyncDispose]());
beforeEach(() => {
  number += 1;
  target = `/c/${number}`;
});

/** The requests for a target that have reached the origin. */
const asked = (of: string): readonly Asked[] => stage.origin.asked.filter((one) => one.target === of);

/** A victim asks, an attacker waits for the same answer, the victim gives up or not; what the attacker gets. */
async function besides(
  path: string,
  victim: Record<string, string>,
  gone: boolean,
  play: (one: Asked) => void,
): Promise<Got[]> {
  const { promise, resolve } = Promise.withResolvers<Asked>();
  let held: Asked | undefined;
  stage.origin.play = (one) => {
    if (held !== undefined || one.target !== path) return play(one);
    held = one;
    resolve(one);
  };
  const leave = new AbortController();
  const first = stage.get(path, { fields: victim, signal: leave.signal });
  await promise;
  const second = stage.get(path);
  await until(() => stage.gateway.primary.openExchanges >= 2);
  await stage.get('/nothing-is-here'); // the attacker's request came before this one, and has been looked at
  if (gone) {
    leave.abort();
    await first;
    await stage.gateway.over(({ exchange }) => exchange.raw.target === path);
  }
  play(held!);
  return await Promise.all([first, second]);
}

for (const gone of [false, true]) {
  for (const more of [{}, { range: 'bytes=0-3' }] as Record<string, string>[]) {
    test(`a private answer is not given to who waits${gone ? ', also when who asked has left' : ''}${more.range ? ', or wants a part' : ''}`, async () => {
      const play = (one: Asked): void =>
        one.answer(
          200,
          one.headers.authorization === undefined ? FRESH : { ...FRESH, 'cache-control': 'private', 'x-who': 'secret' },
          one.headers.authorization ?? 'everybody',
        );
      const [, attacker] = await besides(`/s/${number}`, { authorization: 'Bearer secret', ...more }, gone, play);
      assert.deepEqual([attacker!.status, attacker!.text], [200, 'everybody']);
      assert.equal(attacker!.of('x-who'), undefined);
    });

    test(`an answer for one site is not given to who waits${gone ? ', also when who asked has left' : ''}${more.range ? ', or wants a part' : ''}`, async () => {
      const play = (one: Asked): void =>
        one.answer(200, { ...FRESH, 'access-control-allow-origin': one.headers.origin ?? 'null' }, 'body');
      const [, attacker] = await besides(`/a/${number}`, { origin: 'https://evil.example', ...more }, gone, play);
      assert.equal(attacker!.of('access-control-allow-origin'), 'null');
    });
  }
}

test('who waits while another variant is confirmed does not get that one', async () => {
  const path = `/a/${number}`;
  const said = { ...FRESH, vary: 'Origin', etag: '"v1"' };
  const play = (one: Asked): void => {
    if (one.headers['if-none-match'] === '"v1"') one.answer(304, said);
    else
      one.answer(
        200,
        { ...said, 'access-control-allow-origin': one.headers.origin ?? '*' },
        `for ${one.headers.origin}`,
      );
  };
  stage.origin.play = play;
  const evil = { origin: 'https://evil.example' };
  await stage.get(path, { fields: evil });
  clock.pass(61_000);
  const [attacker, victim] = await besides(path, evil, false, play);
  assert.equal(attacker!.text, 'for https://evil.example');
  assert.deepEqual([victim!.text, victim!.of('access-control-allow-origin')], ['for undefined', '*']);
});

test('a 304 that forbids to keep what it confirms is for who asked only', async () => {
  const play = (one: Asked): void =>
    one.headers['if-none-match'] === undefined
      ? one.answer(200, { ...FRESH, etag: '"v1"' }, 'body')
      : one.answer(304, { etag: '"v1"', 'cache-control': 'private, max-age=60', 'x-who': 'secret' });
  stage.origin.play = play;
  await stage.get(target);
  clock.pass(61_000);
  const [, attacker] = await besides(target, {}, false, play);
  assert.deepEqual([attacker!.text, attacker!.of('x-who')], ['body', undefined]);
  assert.equal((await stage.get(target)).of('x-who'), undefined);
});

test('one who provokes an answer that is not stored keeps nothing from being stored for the others', async () => {
  stage.origin.play = (one) =>
    one.headers.accept === 'evil'
      ? one.answer(406, { 'cache-control': 'no-store' }, 'no')
      : one.answer(200, FRESH, 'body');
  await stage.get(target, { fields: { accept: 'evil' } });
  assert.match((await stage.get(target)).cache!, /stored/);
  clock.pass(61_000);
  await stage.get(target, { fields: { accept: 'evil' } });
  assert.match((await stage.get(target)).cache!, /fwd=stale; stored/);
  assert.match((await stage.get(target)).cache!, /hit/);
});

test('a part that nobody asked for, a HEAD, and a 304 that nobody asked for are not stored as the whole', async () => {
  const whole = (one: Asked): void => one.answer(200, FRESH, '0123456789');
  for (const bad of [
    (one: Asked) => one.answer(206, { ...FRESH, 'content-range': 'bytes 0-3/10' }, '0123'),
    (one: Asked) => one.answer(304, { ...FRESH, etag: '"evil"' }),
    (one: Asked) => one.answer(204, { 'cache-control': 'no-store' }),
    (one: Asked) => one.answer(200, { ...FRESH, 'cache-control': 'max-age=60, no-store' }, 'evil'),
    (one: Asked) => one.answer(200, { ...FRESH, vary: '*' }, 'evil'),
    (one: Asked) => one.answer(200, { ...FRESH, 'set-cookie': 'evil=1' }, 'evil'),
  ]) {
    number += 1;
    for (const [fields, method] of [
      [{}, 'GET'],
      [{ range: 'bytes=0-3' }, 'GET'],
      [{ 'if-none-match': '"evil"' }, 'GET'],
      [{ 'if-modified-since': 'Thu, 01 Jan 2026 00:00:00 GMT' }, 'HEAD'],
      [{ 'if-range': '"evil"', range: 'bytes=0-3' }, 'HEAD'],
    ] as const) {
      const path = `/c/${number}/${method}/${Object.keys(fields).join()}`;
      stage.origin.play = bad;
      await stage.get(path, { fields, method });
      stage.origin.play = whole;
      for (let i = 0; i < 2; i += 1) {
        const got = await stage.get(path);
        assert.deepEqual(
          [got.status, got.text, got.of('content-range')],
          [200, '0123456789', undefined],
          `${bad} ${path}`,
        );
      }
    }
  }
});

test('trailers do not become fields, and what came with them is not stored', async () => {
  stage.origin.play = (one) => {
    one.head(200, { ...FRESH, trailer: 'cache-control, x-evil' });
    one.response.addTrailers({ 'cache-control': 'max-age=9999', 'x-evil': 'evil' });
    one.response.end('body');
  };
  for (let i = 0; i < 2; i += 1) {
    const got = await stage.get(target);
    assert.deepEqual(
      [got.text, got.of('x-evil'), got.of('cache-control')],
      ['body', undefined, FRESH['cache-control']],
    );
  }
  assert.equal(asked(target).length, 2);
});

test('response splitting: line breaks and NUL in a field of an HTTP/1.1 origin never reach the store', async () => {
  let head = '';
  await using origin = net.createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', () => {
      socket.end(`HTTP/1.1 200 OK\r\ncache-control: max-age=60\r\n${head}content-length: 4\r\n\r\nbody`);
    });
  });
  origin.listen(0, '127.0.0.1');
  await once(origin, 'listening');
  const endpoint = `127.0.0.1:${(origin.address() as AddressInfo).port}`;
  await using gateway = await startGateway({
    zitadel: { protocol: 'http/1.1', endpoints: [endpoint] },
    config: { routes: [{ name: 'cached', paths: ['/c/*'], policies: { cache: {} } }] },
  });
  const { store } = gateway.primary.generation.services.cache;
  for (const [i, line] of [
    'a: b\0c\r\n',
    'a: b\rset-cookie: evil=1\r\n',
    'a: b\n\rc: d\r\n',
    'a\0: b\r\n',
    ' a: b\r\n',
    'a : b\r\n',
  ].entries()) {
    head = line;
    await fetch(`${gateway.clearUrl}/c/${i}`).catch(() => {});
  }
  for (const { answers } of store.resources()) {
    for (const text of answers.flatMap(({ fields }) => fields)) assert.doesNotMatch(text, /[\0\r\n]/);
    for (const { fields } of answers) assert.ok(!fields.includes('set-cookie'));
  }
  head = '';
  assert.equal(await (await fetch(`${gateway.clearUrl}/c/x`)).text(), 'body');
});
