// How fresh an answer is by what its fields say, in all the spellings that origins have: RFC 9111 sections 4.2 and 5.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Cached, startCached } from '../support/cached.ts';
import { HandClock } from '../support/hand-clock.ts';
import type { Said } from '../support/origin.ts';

let clock: HandClock;
let stage: Cached;

before(async () => {
  clock = new HandClock();
  stage = await startCached({ clock, protocol: 'http/1.1', cache: { heuristic: true } });
});
after(() => stage[Symbol.asyncDispose]());

const HOUR = 'max-age=3600';
const DAY_S = 86_400;
/** As the clock has it, `s` seconds on. */
const date = (s: number): string => new Date(clock.wall() + s * 1000).toUTCString();

type Row = readonly [title: string, said: () => Said, fresh: boolean, status?: number];

const ROWS: readonly Row[] = [
  ...[
    ['one that 32 bits cannot hold', 'Tue, 19 Jan 2038 14:14:08 GMT'],
    ['one that is far away', 'Sun, 21 Nov 2286 04:46:39 GMT'],
    ['that of RFC 850', 'Thursday, 18-Aug-50 02:01:18 GMT'],
    ['that of asctime()', 'Mon Aug  8 02:01:18 2050'],
    ['a day of the week in capitals', 'THU, 18 Aug 2050 02:01:18 GMT'],
    ['a month in capitals', 'Thu, 18 AUG 2050 02:01:18 GMT'],
    ['a zone in small letters', 'Thu, 18 Aug 2050 02:01:18 gMT'],
  ].map(([title, expires]): Row => [`Expires with ${title}`, () => ({ expires: expires!, date: date(0) }), true]),
  ...[
    ['UTC', 'Thu, 18 Aug 2050 02:01:18 UTC'],
    ['another zone', 'Thu, 18 Aug 2050 02:01:18 AEST'],
    ['two digits of a year', 'Thu, 18 Aug 50 02:01:18 GMT'],
    ['no comma', 'Thu 18 Aug 2050 02:01:18 GMT'],
    ['two spaces', 'Thu, 18  Aug  2050 02:01:18 GMT'],
    ['dashes and four digits', 'Thu, 18-Aug-2050 02:01:18 GMT'],
    ['dots in the time', 'Thu, 18 Aug 2050 02.01.18 GMT'],
    ['one digit of the hour', 'Thu, 18 Aug 2050 2:01:18 GMT'],
  ].map(([title, expires]): Row => [`Expires with ${title}`, () => ({ expires: expires!, date: date(0) }), false]),
  [
    'two lines of Expires that differ',
    () => ({ expires: ['Thu, 18 Aug 2050 02:01:18 GMT', 'Thu, 18 Aug 2050 02:01:19 GMT'] }),
    false,
  ],
  ...(
    [
      ['letters', 'abc', true],
      ['a negative number', '-7200', true],
      ['a fraction', '7200.0', true],
      ['2^31 - 1', '2147483647', false],
      ['2^31', '2147483648', false],
      ['2^31 + 1', '2147483649', false],
      ['an old first member', '7200, 0', false],
      ['a young first member', '0, 7200', true],
      ['an old first line', ['7200', '0'], false],
      ['a young first line', ['0', '7200'], true],
      ['twice the same', '0, 0', true],
      ['two lines with the same', ['600', '600'], true],
    ] as const
  ).map(
    ([title, age, fresh]): Row => [
      `Age with ${title}`,
      () => ({ age: typeof age === 'string' ? age : [...age], date: date(0), 'cache-control': HOUR }),
      fresh,
    ],
  ),
  ...[200, 203, 204, 404, 405, 410, 414, 501].map(
    (status): Row => [
      `${status} by heuristics`,
      () => ({ 'last-modified': date(-DAY_S), date: date(0) }),
      true,
      status,
    ],
  ),
  ...[201, 202, 403, 502, 503, 504, 599].map(
    (status): Row => [
      `${status} by heuristics`,
      () => ({ 'last-modified': date(-DAY_S), date: date(0) }),
      false,
      status,
    ],
  ),
  [
    '599 by heuristics, said to be public',
    () => ({ 'last-modified': date(-DAY_S), date: date(0), 'cache-control': 'public' }),
    true,
    599,
  ],
  ...[200, 203, 204, 299, 301, 302, 303, 307, 308, 400, 404, 410, 499, 500, 502, 503, 504, 599].map(
    (status): Row => [`${status} with a lifetime`, () => ({ 'cache-control': HOUR }), true, status],
  ),
  ['must-understand with a known status', () => ({ 'cache-control': `${HOUR}, no-store, must-understand` }), true],
  ['must-understand with another', () => ({ 'cache-control': `${HOUR}, no-store, must-understand` }), false, 599],
  ['s-maxage alone', () => ({ 'cache-control': 's-maxage=3600' }), true],
  ['a long s-maxage on another line than max-age=0', () => ({ 'cache-control': ['max-age=0', 's-maxage=60'] }), true],
  ['a short s-maxage before a long max-age', () => ({ 'cache-control': 's-maxage=1, max-age=3600' }), false],
  ['no-cache of one field', () => ({ 'cache-control': `no-cache="a", ${HOUR}` }), true],
];

for (const [i, [title, said, fresh, status = 200]] of ROWS.entries()) {
  test(`${title}: ${fresh ? 'served from the store' : 'asked for again'} after three seconds`, async () => {
    const none = status === 204;
    stage.origin.play = (one) => one.answer(status, said(), none ? '' : 'body');
    await stage.get(`/c/${i}`);
    clock.pass(3000);
    const { cache, status: got } = await stage.get(`/c/${i}`);
    assert.equal(cache?.startsWith('gatehouse; hit'), fresh, cache ?? 'no Cache-Status');
    assert.equal(got, status);
  });
}

test('Age is at least what the origin took for the answer', async () => {
  stage.origin.play = (one) => {
    clock.pass(5000);
    one.answer(200, { 'cache-control': HOUR, date: date(0) }, 'body');
  };
  await stage.get('/c/slow');
  assert.equal((await stage.get('/c/slow')).of('age'), '5');
});

test('stale-while-revalidate: once, in its time, and not after it', async () => {
  stage.origin.play = (one) => one.answer(200, { 'cache-control': 'max-age=1, stale-while-revalidate=4' }, 'old');
  await stage.get('/c/window');
  clock.pass(6000);
  stage.origin.play = (one) => one.answer(200, { 'cache-control': 'no-cache' }, 'new');
  assert.equal((await stage.get('/c/window')).text, 'new');
});
