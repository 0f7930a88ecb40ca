// How long an answer is fresh, how old it is, and how long it may be used beyond that.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ageS, freshness, ttlS } from '../../src/cache/freshness.ts';
import { type CacheRules, RFC_RULES } from '../../src/cache/rules.ts';
import type { Fields } from '../../src/core/raw.ts';

const T = Date.UTC(2026, 0, 1);
const at = (seconds: number) => new Date(T + seconds * 1000).toUTCString();

function read(fields: Fields, rules: Partial<CacheRules> = {}, status = 200, delayMs = 0) {
  return freshness({ status, fields }, { requestedAt: T - delayMs, receivedAt: T }, { ...RFC_RULES, ...rules });
}
const freshFor = (...given: Parameters<typeof read>) => read(...given).freshForS;

test('s-maxage before max-age before Expires', () => {
  const expires = ['expires', at(30), 'date', at(0)];
  assert.equal(freshFor(['cache-control', 's-maxage=5, max-age=10', ...expires]), 5);
  assert.equal(freshFor(['cache-control', 'max-age=10', ...expires]), 10);
  assert.equal(freshFor(['cache-control', 'public', ...expires]), 30);
  assert.equal(freshFor(['cache-control', 'max-age=0', ...expires]), 0);
});

test('Expires counts from Date, and from the coming of the answer where there is none', () => {
  assert.equal(freshFor(['expires', at(60), 'date', at(20)]), 40);
  assert.equal(freshFor(['expires', at(60)]), 60);
  assert.equal(freshFor(['expires', at(-60), 'date', at(0)]), 0);
});

test('an Expires that is invalid, or there twice and not the same, is stale; UTC is invalid there', () => {
  for (const bad of ['0', '-1', '', 'Thu, 18 Aug 2050 02:01:18 UTC']) assert.equal(freshFor(['expires', bad]), 0, bad);
  assert.equal(freshFor(['expires', at(60), 'expires', at(61)]), 0);
  assert.equal(freshFor(['expires', at(60), 'expires', at(60)]), 60);
  // Even where the route would assume freshness: the origin has said something.
  assert.equal(freshFor(['expires', '0'], { defaultTtlS: 60 }), 0);
});

test('with a targeted field neither Cache-Control nor Expires counts', () => {
  const fields = ['cdn-cache-control', 'max-age=5', 'cache-control', 'max-age=50', 'expires', at(-10), 'date', at(0)];
  assert.equal(freshFor(fields), 5);
  assert.equal(freshFor(['cdn-cache-control', 'foo', 'expires', at(10)]), 0);
});

test('without the origin saying so nothing is fresh, unless the rules say so', () => {
  const modified = ['last-modified', at(-1000), 'date', at(0)];
  assert.equal(freshFor(modified), 0);
  assert.equal(freshFor(modified, { heuristic: true }), 100);
  assert.equal(freshFor(['last-modified', at(-1000).replace('GMT', 'UTC')], { heuristic: true }), 100);
  assert.equal(freshFor(modified, { heuristic: true }, 403), 0);
  assert.equal(freshFor(['cache-control', 'public', ...modified], { heuristic: true }, 599), 100);
  assert.equal(freshFor([], { heuristic: true, defaultTtlS: 7 }), 7);
  assert.equal(freshFor([], { defaultTtlS: 7 }, 503), 0);
  assert.equal(freshFor(['last-modified', at(1000)], { heuristic: true }), 0);
});

test('the cap is on how long it is held here, whatever its age', () => {
  assert.equal(freshFor(['cache-control', 's-maxage=604800'], { maxTtlS: 3600 }), 3600);
  assert.equal(freshFor(['cache-control', 's-maxage=604800', 'age', '7200'], { maxTtlS: 3600 }), 3600);
  assert.equal(freshFor(['cache-control', 'max-age=10'], { maxTtlS: 3600 }), 10);
});

test('Age: the first number counts, what is no number is ignored', () => {
  const aged = (...values: string[]) =>
    read(['cache-control', 'max-age=3600', 'date', at(0), ...values.flatMap((value) => ['age', value])]).initialAgeS;
  for (const ignored of ['abc', '-7200', '7200.0', '']) assert.equal(aged(ignored), 0, ignored);
  assert.equal(aged('7200, 0'), 7200);
  assert.equal(aged('0, 7200'), 0);
  assert.equal(aged('7200', '0'), 7200);
  assert.equal(aged('0', '7200'), 0);
  assert.equal(aged('2147483649'), 2 ** 31);
  assert.ok(freshFor(['cache-control', 'max-age=3600', 'age', '2147483648']) < 0);
});

test('the initial age is that of Date or that of Age and the delay, whichever is more', () => {
  assert.equal(read(['date', at(-50), 'age', '30']).initialAgeS, 50);
  assert.equal(read(['date', at(-50), 'age', '60']).initialAgeS, 60);
  assert.equal(read(['age', '30'], {}, 200, 5000).initialAgeS, 35);
  assert.equal(read(['date', at(500)]).initialAgeS, 0);
  assert.equal(freshFor(['cache-control', 'max-age=3600', 'date', at(-7200)]), -3600);
});

test('less than a second after Date is no age', () => {
  const times = { requestedAt: T + 900, receivedAt: T + 900 };
  const { initialAgeS } = freshness({ status: 200, fields: ['date', at(0)] }, times, RFC_RULES);
  assert.equal(initialAgeS, 0);
});

test('how long it may be used stale: as the answer says, else as the rules say, never where it is forbidden', () => {
  const stale = (text: string, rules?: Partial<CacheRules>) => {
    const { staleWhileRevalidateS, staleIfErrorS, revalidate } = read(['cache-control', text], rules);
    return [staleWhileRevalidateS, staleIfErrorS, revalidate];
  };
  const generous = { staleWhileRevalidateS: 10, staleIfErrorS: 20 };
  assert.deepEqual(stale('max-age=1'), [0, 0, 'may_be_stale']);
  assert.deepEqual(stale('max-age=1', generous), [10, 20, 'may_be_stale']);
  assert.deepEqual(stale('max-age=1, stale-while-revalidate=3, stale-if-error=0', generous), [3, 0, 'may_be_stale']);
  for (const no of ['must-revalidate', 'proxy-revalidate']) {
    assert.deepEqual(stale(`max-age=1, stale-if-error=9, ${no}`, generous), [0, 0, 'when_stale']);
  }
  assert.deepEqual(stale('no-cache', generous), [0, 0, 'always']);
  // s-maxage forbids by default, and gives way to who says more.
  assert.deepEqual(stale('s-maxage=1'), [0, 0, 'when_stale']);
  assert.deepEqual(stale('s-maxage=1, stale-while-revalidate=3', { staleIfErrorS: 20 }), [3, 20, 'when_stale']);
});

test('age and the rest of freshness move with the clock', () => {
  const stored = read(['cache-control', 'max-age=10', 'age', '3']);
  assert.deepEqual([ageS(stored, T), ttlS(stored, T)], [3, 7]);
  assert.deepEqual([ageS(stored, T + 2900), ttlS(stored, T + 7000)], [5, 0]);
  assert.equal(ttlS(stored, T + 8000), -1);
});

test('attack: a clock that is set back a day makes nothing fresh for a day more', () => {
  const stored = read(['cache-control', 'max-age=10', 'age', '3']);
  assert.ok(ttlS(stored, T - 86_400_000) < 0);
  assert.ok(ageS(stored, T - 86_400_000) >= 3);
});

test('whatever the fields say, the times are numbers and the age is not negative', () => {
  const text = fc.oneof(fc.string(), fc.constantFrom('max-age=5', '9'.repeat(30), at(5), 'public'));
  fc.assert(
    fc.property(text, text, text, text, fc.boolean(), (cc, age, expires, date, heuristic) => {
      const fields = ['cache-control', cc, 'age', age, 'expires', expires, 'date', date, 'last-modified', date];
      const { freshForS, initialAgeS } = read(fields, { heuristic, defaultTtlS: 5 });
      assert.ok(Number.isFinite(freshForS) && initialAgeS >= 0);
    }),
  );
});
