// Cache-Control, Pragma and targeted fields: whatever comes is read, and in doubt in the careful sense.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  answerDirectives,
  type CacheControl,
  NOTHING_ASKED,
  parseCacheControl,
  requestDirectives,
} from '../../src/cache/cache-control.ts';

/** Only what differs from a field that says nothing. */
function said(text: string): Partial<CacheControl> {
  const parsed = parseCacheControl(text);
  return Object.fromEntries(
    Object.entries(parsed).filter(
      ([name, value]) =>
        name !== 'present' && JSON.stringify(value) !== JSON.stringify(NOTHING_ASKED[name as 'noStore']),
    ),
  );
}

test('names are read in any case, numbers with leading zeros and in quotes', () => {
  assert.deepEqual(said('No-StOrE, mAx-AgE=003600, S-MAXAGE="60"'), { noStore: true, maxAge: 3600, sMaxage: 60 });
  assert.deepEqual(said('public,,must-revalidate , proxy-revalidate\t,immutable,no-transform,must-understand'), {
    public: true,
    mustRevalidate: true,
    proxyRevalidate: true,
    immutable: true,
    noTransform: true,
    mustUnderstand: true,
  });
});

test('a number that is none is 0, so that the answer is stale', () => {
  for (const bad of ['a3600', '3600a', "'3600'", '-3600', '3600.5', ' 3600', '', '"36""00"', '"3600"0', '1e3', '+5']) {
    assert.deepEqual(said(`max-age=${bad}`), { maxAge: 0 }, bad);
  }
  assert.deepEqual(said('max-age =3600'), { maxAge: 0 });
  assert.deepEqual(said('max-age'), { maxAge: 0 });
});

test('a huge number is 2^31', () => {
  for (const huge of ['2147483648', '99999999999', '9'.repeat(400)]) {
    assert.deepEqual(said(`max-age=${huge}`), { maxAge: 2 ** 31 });
  }
  assert.deepEqual(said('max-age=2147483647'), { maxAge: 2_147_483_647 });
});

test('of two the most careful counts, on one line and on two', () => {
  assert.deepEqual(said('max-age=1800, max-age=1'), { maxAge: 1 });
  assert.deepEqual(said('max-age=1, max-age=1800'), { maxAge: 1 });
  const lines = ['cache-control', 'max-age=1800', 'cache-control', 'max-age=1'];
  assert.equal(answerDirectives(lines, []).maxAge, 1);
  assert.equal(parseCacheControl('min-fresh=1, min-fresh=5').minFresh, 5);
});

test('what stands in a quoted string is no directive', () => {
  assert.deepEqual(said('extension="max-age=3600, no-store", max-age=1'), { maxAge: 1 });
  assert.deepEqual(said('max-age=1, extension="a \\", max-age=3600"'), { maxAge: 1 });
});

test('attack: a quote left open does not hide no-store, neither on its line nor on the next', () => {
  assert.equal(parseCacheControl('extension="abc, no-store').noStore, true);
  assert.equal(answerDirectives(['cache-control', 'a="', 'cache-control', 'no-store, b="'], []).noStore, true);
  assert.equal(parseCacheControl('no-cache="a, b').noCache, true);
});

test('qualified no-cache and private name fields; a broken list is for all of the answer', () => {
  assert.deepEqual(said('no-cache="A, b ,", private=X'), { noCacheFields: ['a', 'b'], privateFields: ['x'] });
  assert.deepEqual(said('no-cache=""'), { noCache: true });
  assert.deepEqual(said('private="a b"'), { private: true });
  assert.equal(parseCacheControl(`private="${'a,'.repeat(100)}"`).private, true);
  assert.deepEqual(said('no-cache, no-cache="a"'), { noCache: true, noCacheFields: ['a'] });
});

test('max-stale without a number is without bound, with a broken one it is 0', () => {
  assert.equal(parseCacheControl('max-stale').maxStale, Number.POSITIVE_INFINITY);
  assert.equal(parseCacheControl('max-stale=5').maxStale, 5);
  assert.equal(parseCacheControl('max-stale=x').maxStale, 0);
  assert.equal(parseCacheControl('min-fresh=x').minFresh, 2 ** 31);
});

test('Pragma: no-cache counts in a request without Cache-Control, and only there', () => {
  assert.equal(requestDirectives(['pragma', 'no-cache']).noCache, true);
  assert.equal(requestDirectives(['pragma', 'x, No-Cache']).noCache, true);
  assert.equal(requestDirectives(['pragma', 'no-store, max-age=0']).maxAge, undefined);
  assert.equal(requestDirectives(['pragma', 'no-cache', 'cache-control', 'max-age=5']).noCache, false);
  assert.equal(answerDirectives(['pragma', 'no-cache'], []).noCache, false);
  assert.equal(requestDirectives([]), NOTHING_ASKED);
});

const CDN = ['cdn-cache-control'];

test('a targeted field replaces Cache-Control', () => {
  const fields = ['cache-control', 'no-store', 'cdn-cache-control', 'foobar, max-age=10000;x=1, private="a"'];
  const read = answerDirectives(fields, CDN);
  assert.deepEqual(
    [read.from, read.noStore, read.maxAge, read.privateFields],
    ['cdn-cache-control', false, 10_000, ['a']],
  );
  assert.equal(answerDirectives(fields, []).noStore, true);
  assert.equal(answerDirectives(['cdn-cache-control', 'no-store=?0'], CDN).noStore, false);
  assert.equal(answerDirectives(['cdn-cache-control', 'max-age=99999999999'], CDN).maxAge, 2 ** 31);
});

test('a targeted field that is empty, no dictionary, or has a number that is none is as if it were not there', () => {
  for (const bad of [
    '',
    'max-age=10000, &&&&&',
    'max-age="10000"',
    'max-age =100',
    'max-age= 100',
    'MaX-aGe=3600',
    'max-age=-1',
    'max-age=1.5',
    'max-age=10000,',
    'max-age',
  ]) {
    const read = answerDirectives(['cache-control', 'no-store', 'cdn-cache-control', bad], CDN);
    assert.deepEqual([read.from, read.noStore], ['cache-control', true], bad);
  }
});

test('the first targeted field that is there and valid wins', () => {
  const fields = ['cdn-cache-control', 'max-age=1', 'gatehouse-cache-control', 'max-age=2'];
  assert.equal(answerDirectives(fields, ['gatehouse-cache-control', 'cdn-cache-control']).maxAge, 2);
});

const bits = fc.constantFrom(
  'max-age',
  '=',
  '"',
  ',',
  ' ',
  '\\',
  'no-store',
  'private',
  '5',
  ';',
  '(',
  ')',
  '\t',
  'é',
  '\0',
  '?1',
);

test('whatever the text, it is read without an error', () => {
  const texts = fc.oneof(
    fc.string(),
    fc.array(bits, { maxLength: 60 }).map((parts) => parts.join('')),
  );
  fc.assert(
    fc.property(texts, (text) => {
      requestDirectives(['cache-control', text]);
      const read = answerDirectives(['cache-control', text, 'cdn-cache-control', text], CDN);
      for (const seconds of [read.maxAge, read.sMaxage, read.staleIfError]) {
        assert.ok(seconds === undefined || (Number.isInteger(seconds) && seconds >= 0 && seconds <= 2 ** 31));
      }
    }),
  );
});

test('what was written is what is read, whatever stands around it', () => {
  fc.assert(
    fc.property(fc.nat(), fc.nat(), fc.stringMatching(/^[a-z0-9 ,=]{0,30}$/), (maxAge, sMaxage, quoted) => {
      const read = parseCacheControl(`x="${quoted}", max-age=${maxAge} ,y, s-maxage="${sMaxage}"`);
      assert.deepEqual([read.maxAge, read.sMaxage, read.noStore], [maxAge, sMaxage, false]);
    }),
  );
});

test('attack: 64 KiB of garbage take no longer than their length', () => {
  for (const piece of ['"', 'a="', 'a="\\', ',', ' ', 'a=(', '\\"', '=', 'private="a,', 'a;a=', '?', '1.', ':a']) {
    const text = piece.repeat(Math.ceil(65_536 / piece.length));
    const started = process.cpuUsage();
    answerDirectives(['cache-control', text, 'cdn-cache-control', text], CDN);
    requestDirectives(['pragma', text]);
    const { user, system } = process.cpuUsage(started);
    assert.ok(user + system < 500_000, `${piece}: ${user + system} µs`);
  }
});
