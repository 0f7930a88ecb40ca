// What a 304 does to a stored answer, and how it is asked for.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ageS } from '../../src/cache/freshness.ts';
import { RFC_RULES } from '../../src/cache/rules.ts';
import { storedFields } from '../../src/cache/storable.ts';
import type { StoredAnswer } from '../../src/cache/stored.ts';
import { confirms, revalidated, validationFields } from '../../src/cache/update.ts';
import type { Fields } from '../../src/core/raw.ts';

const T = Date.UTC(2026, 0, 1);
const at = (seconds: number) => new Date(T + seconds * 1000).toUTCString();
const LATER = { requestedAt: T + 100_000, receivedAt: T + 100_000 };

function stored(fields: Fields): StoredAnswer {
  return {
    status: 200,
    fields,
    body: Buffer.from('body'),
    digest: 'd',
    codings: new Map(),
    vary: [],
    requestedAt: T,
    receivedAt: T,
    freshForS: 2,
    initialAgeS: 0,
    staleWhileRevalidateS: 0,
    staleIfErrorS: 0,
    revalidate: 'may_be_stale',
    release: 'r',
  };
}
const told = (fields: Fields) => ({ status: 304, fields });

test('the origin is asked with the validators that it gave', () => {
  const dated = ['last-modified', at(-5)];
  assert.deepEqual(validationFields(stored(['etag', 'W/"a"', ...dated])), [
    'if-none-match',
    'W/"a"',
    'if-modified-since',
    at(-5),
  ]);
  assert.deepEqual(validationFields(stored([])), []);
  assert.deepEqual(validationFields(stored(['etag', 'unquoted', 'last-modified', 'yesterday'])), []);
});

test('a Last-Modified in UTC is asked with in GMT', () => {
  const fields = ['last-modified', at(-5).replace('GMT', 'UTC')];
  assert.deepEqual(validationFields(stored(fields)), ['if-modified-since', at(-5)]);
});

test('attack: a 304 with another validator does not make a stored answer right', () => {
  const own = stored(['etag', '"a"', 'last-modified', at(-5)]);
  assert.equal(confirms(own, told(['etag', '"b"'])), false);
  assert.equal(confirms(own, told(['etag', '"b"', 'last-modified', at(-5)])), false);
  assert.equal(confirms(own, told(['last-modified', at(-4)])), false);
  assert.equal(confirms(own, told(['etag', 'W/"a"'])), true);
  assert.equal(confirms(own, told(['last-modified', at(-5)])), true);
  assert.equal(confirms(own, told([])), true);
  assert.equal(confirms(stored(['last-modified', at(-5)]), told(['etag', '"b"'])), true);
});

test('fields of the 304 replace those of one name, the others stay; the body and its codings stay', () => {
  const before = stored(['a', '1', 'a', '2', 'b', '3', 'cache-control', 'max-age=2', 'date', at(0)]);
  const news = ['a', '5', 'c', '6', 'cache-control', 'max-age=60', 'date', at(100), 'connection', 'x', 'x', '7'];
  const after = revalidated(before, told(news), LATER, RFC_RULES);
  assert.deepEqual(after.fields, ['b', '3', 'a', '5', 'c', '6', 'cache-control', 'max-age=60', 'date', at(100)]);
  assert.equal(after.body, before.body);
  assert.equal(after.codings, before.codings);
  assert.deepEqual([after.freshForS, after.receivedAt, after.release], [60, LATER.receivedAt, 'r']);
});

test('attack: a 304 does not change how the stored bytes are coded or found, nor sets a cookie', () => {
  const coded = ['content-encoding', 'br', 'content-md5', 'x', 'content-range', 'x'];
  const kept = [...coded, 'etag', '"a"', 'vary', 'foo'];
  const news = ['content-encoding', 'gzip', 'content-md5', 'y', 'content-range', 'y', 'etag', 'W/"a"', 'vary', 'bar'];
  const more = ['content-length', '0', 'set-cookie', 'a=b', 'date', at(100)];
  const after = revalidated(stored(kept), told([...news, ...more]), LATER, RFC_RULES);
  assert.deepEqual(after.fields, [...kept, 'date', at(100)]);
});

test('a 304 may correct the type', () => {
  const after = revalidated(
    stored(['content-type', 'text/plain']),
    told(['content-type', 'text/css']),
    LATER,
    RFC_RULES,
  );
  assert.deepEqual(after.fields.slice(0, 2), ['content-type', 'text/css']);
});

test('a 304 without Date is as old as its coming, one with Age is as old as that', () => {
  const before = stored(['cache-control', 'max-age=2', 'date', at(0)]);
  const undated = revalidated(before, told([]), LATER, RFC_RULES);
  assert.deepEqual([undated.freshForS, ageS(undated, LATER.receivedAt)], [2, 0]);
  assert.deepEqual(undated.fields, ['cache-control', 'max-age=2', 'date', at(100)]);
  const aged = revalidated(before, told(['age', '30', 'date', at(100)]), LATER, RFC_RULES);
  assert.equal(ageS(aged, LATER.receivedAt), 30);
  assert.ok(!storedFields(aged.fields, RFC_RULES).includes('age') && !aged.fields.includes('age'));
});
