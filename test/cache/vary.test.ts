// Which stored answer fits a request.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MAX_VARY, selectStored, varyNames, varyOf } from '../../src/cache/vary.ts';
import type { Fields } from '../../src/core/raw.ts';

let came = 0;
function stored(vary: string, request: Fields, fields: Fields = []) {
  return { vary: varyOf(['vary', vary], request)!, receivedAt: ++came, fields };
}
const fits = (vary: string, then: Fields, now: Fields) => selectStored([stored(vary, then)], now) !== undefined;

test('the names of Vary, of all lines, each once, without Accept-Encoding', () => {
  assert.deepEqual(varyNames(['vary', 'Foo, accept-encoding,,bar', 'vary', 'FOO']), ['bar', 'foo']);
  assert.deepEqual(varyNames([]), []);
  for (const never of ['*', '*, *', ', *', 'Foo, *', 'a b', 'a;b']) assert.equal(varyNames(['vary', never]), undefined);
  assert.equal(varyNames(['vary', '', 'vary', '*']), undefined);
});

test('attack: a Vary with absurdly many names fits nothing', () => {
  const names = (count: number) => Array.from({ length: count }, (_, i) => `n${i}`).join();
  assert.equal(varyNames(['vary', names(MAX_VARY)])?.length, MAX_VARY);
  assert.equal(varyNames(['vary', names(MAX_VARY + 1)]), undefined);
  assert.equal(varyOf(['vary', names(60_000)], []), undefined);
});

test('what a route sends upstream counts, though Vary does not name it', () => {
  const request = ['accept-language', 'DE', 'origin', 'https://a.example'];
  assert.deepEqual(varyOf(['vary', 'Origin'], request, ['origin', 'accept-language', 'accept', 'accept-encoding']), [
    ['accept', ''],
    ['accept-language', 'de;q=1'],
    ['origin', 'https://a.example'],
  ]);
  assert.equal(varyOf(['vary', '*'], request, ['origin']), undefined);
});

test('every named field must be the same; others do not matter', () => {
  const then = ['foo', '1', 'bar', 'abc', 'baz', '789'];
  assert.equal(fits('Foo, Bar, Baz', then, ['baz', '789', 'bar', 'abc', 'foo', '1', 'other', '5']), true);
  assert.equal(fits('Foo, Bar, Baz', then, ['foo', '1', 'baz', '789', 'bar', 'abcde']), false);
  assert.equal(fits('Foo, Bar', ['foo', '1'], ['foo', '1']), true);
  assert.equal(fits('Foo', ['foo', '1'], []), false);
  assert.equal(fits('Foo', [], ['foo', '1']), false);
  assert.equal(fits('Foo', [], ['foo', '']), false);
});

test('lines are joined, and space around commas does not matter', () => {
  assert.equal(fits('Foo', ['foo', '1, 2'], ['foo', '1', 'foo', '2']), true);
  assert.equal(fits('Foo', ['foo', '1,2'], ['foo', ' 1, 2 ']), true);
  assert.equal(fits('Foo', ['foo', '1, 2'], ['foo', '2, 1']), false);
  assert.equal(fits('Foo', ['foo', 'a'], ['foo', 'A']), false);
  assert.equal(fits('Foo', ['foo', '"a, b"'], ['foo', '"a,b"']), false);
});

test('attack: cookies, credentials and origins are compared byte for byte', () => {
  for (const name of ['cookie', 'authorization', 'origin']) {
    assert.equal(fits(name, [name, 'a, b'], [name, 'a,b']), false, name);
    assert.equal(fits(name, [name, 'a'], [name, 'a']), true, name);
  }
});

test('languages: case, space, and the order of those of one weight do not matter', () => {
  const language = (then: string, now: string) =>
    fits('Accept-Language', ['accept-language', then], ['accept-language', now]);
  for (const same of ['en, de', 'de, en', 'eN, De', ' en ,   de', 'de;q=1.0,en;q=1']) {
    assert.equal(language('en, de', same), true, same);
  }
  assert.equal(language('en, de;q=0.5', 'de, en;q=0.5'), false);
  assert.equal(language('en, de', 'en'), false);
  assert.equal(language('en;q=x', 'en;q=y'), false);
});

test('an answer in the one language that a request wants most fits it', () => {
  const german = stored('Accept-Language', ['accept-language', 'en, de'], ['content-language', 'de']);
  const chosen = (text: string) => selectStored([german], ['accept-language', text]) !== undefined;
  assert.equal(chosen('fr;q=0.5, de;q=1.0'), true);
  for (const other of ['fr', 'de;q=0.5, fr', 'de, fr', 'de-at', '*', 'de;q=0'])
    assert.equal(chosen(other), false, other);
  assert.equal(selectStored([german], []), undefined);
});

test('of several that fit the latest is chosen, wherever it stands', () => {
  const [a, b] = [stored('Foo', ['foo', '1']), stored('', [])];
  assert.equal(selectStored([a, b], ['foo', '1']), b);
  assert.equal(selectStored([b, a], ['foo', '1']), b);
  assert.equal(selectStored([a, b], ['foo', '2']), b);
  assert.equal(selectStored([a], ['foo', '2']), undefined);
});

test('a request fits what was stored for it, and whatever the text, it is read without an error', () => {
  const name = fc.constantFrom('foo', 'accept-language', 'cookie', 'x');
  const value = fc.oneof(fc.string(), fc.constantFrom('en, de;q=0.5', '*', '"', ',,'));
  fc.assert(
    fc.property(fc.array(fc.tuple(name, value)), fc.string(), (pairs, vary) => {
      assert.equal(fits('foo, accept-language, cookie', pairs.flat(), pairs.flat()), true);
      varyOf(['vary', vary], pairs.flat());
    }),
  );
});

test('attack: 64 KiB of languages and of list are compared at once', () => {
  for (const piece of ['a,', ' ', ',', 'a;q=0.', '"', 'a ;', 'a\t']) {
    const text = piece.repeat(Math.ceil(65_536 / piece.length));
    const started = process.cpuUsage();
    fits('accept-language, foo', ['accept-language', text, 'foo', text], ['accept-language', text, 'foo', text]);
    const { user, system } = process.cpuUsage(started);
    assert.ok(user + system < 300_000, `${piece}: ${user + system} µs`);
  }
});
