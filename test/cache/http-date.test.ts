// Dates in header fields: three forms, any case, nothing else.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { httpDate, modifiedDate } from '../../src/cache/http-date.ts';

const NOW = Date.UTC(2026, 0, 1);
const AT = Date.UTC(2050, 7, 18, 2, 1, 18);

test('the three forms of a date, in any case', () => {
  for (const text of [
    'Thu, 18 Aug 2050 02:01:18 GMT',
    'THU, 18 AUG 2050 02:01:18 gMT',
    'Thursday, 18-Aug-50 02:01:18 GMT',
    'Thu Aug 18 02:01:18 2050',
  ]) {
    assert.equal(httpDate(text, NOW), AT, text);
  }
  assert.equal(httpDate('Thu Aug  8 02:01:18 2050', NOW), Date.UTC(2050, 7, 8, 2, 1, 18));
});

test('a year of two digits is at most 50 years ahead', () => {
  assert.equal(httpDate('Friday, 01-Jan-76 00:00:00 GMT', NOW), Date.UTC(2076, 0, 1));
  assert.equal(httpDate('Saturday, 01-Jan-77 00:00:00 GMT', NOW), Date.UTC(1977, 0, 1));
});

test('what only looks like a date is none', () => {
  for (const text of [
    '0',
    '',
    'Thu, 18 Aug 2050 02:01:18 UTC',
    'Thu, 18 Aug 2050 02:01:18 AEST',
    'Thu, 18 Aug 50 02:01:18 GMT',
    'Thu 18 Aug 2050 02:01:18 GMT',
    'Thu, 18  Aug  2050 02:01:18 GMT',
    'Thu, 18-Aug-2050 02:01:18 GMT',
    'Thu, 18 Aug 2050 02.01.18 GMT',
    'Thu, 18 Aug 2050 2:01:18 GMT',
    'Thu, 31 Feb 2050 02:01:18 GMT',
    'Thu, 18 Aug 2050 24:01:18 GMT',
    'Thu, 18 Xxx 2050 02:01:18 GMT',
    'Thu, 18 Aug 2050 02:01:18 GMT, Thu, 18 Aug 2050 02:01:18 GMT',
    '2050-08-18T02:01:18Z',
  ]) {
    assert.equal(httpDate(text, NOW), undefined, text);
  }
  assert.equal(httpDate(undefined, NOW), undefined);
});

test('UTC instead of GMT is taken for Last-Modified only', () => {
  assert.equal(modifiedDate('Thu, 18 Aug 2050 02:01:18 UTC', NOW), AT);
  assert.equal(modifiedDate('Thu, 18 Aug 2050 02:01:18 AEST', NOW), undefined);
});

test('every date that is written can be read', () => {
  const seconds = fc.integer({ min: 0, max: 253_402_300_799 });
  fc.assert(fc.property(seconds, (s) => assert.equal(httpDate(new Date(s * 1000).toUTCString(), NOW), s * 1000)));
});

test('whatever the text, it is read without an error and quickly', () => {
  fc.assert(fc.property(fc.string(), (text) => void modifiedDate(text, NOW)));
  assert.equal(httpDate('Thu, '.repeat(13_000), NOW), undefined);
});
