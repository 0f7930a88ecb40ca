// Whether a stored answer may answer a request: fresh, stale by permission, or only after the origin was asked.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NOTHING_ASKED, parseCacheControl } from '../../src/cache/cache-control.ts';
import { freshness } from '../../src/cache/freshness.ts';
import { mayServeOnError, reuse } from '../../src/cache/reuse.ts';
import { RFC_RULES } from '../../src/cache/rules.ts';
import type { StoredAnswer } from '../../src/cache/stored.ts';

const T = Date.UTC(2026, 0, 1);

function stored(control: string, age = '0'): StoredAnswer {
  const fields = ['cache-control', control, 'age', age];
  const times = { requestedAt: T, receivedAt: T };
  const rest = { status: 200, fields, body: Buffer.alloc(0), digest: '', codings: new Map(), vary: [], release: '' };
  return { ...rest, ...freshness({ status: 200, fields }, times, RFC_RULES) };
}
const at = (answer: StoredAnswer | undefined, seconds: number, asked = '', honour = true) =>
  reuse(answer, parseCacheControl(asked), T + seconds * 1000, honour);
const onError = (answer: StoredAnswer, seconds: number, asked = '', honour = true) =>
  mayServeOnError(answer, parseCacheControl(asked), T + seconds * 1000, honour);

test('fresh until the last moment, then to be validated', () => {
  const answer = stored('max-age=10');
  assert.equal(at(answer, 0), 'fresh');
  assert.equal(at(answer, 9.999), 'fresh');
  assert.equal(at(answer, 10), 'revalidate');
  assert.equal(at(undefined, 0), 'miss');
  assert.equal(at(stored('max-age=3600', '7200'), 0), 'revalidate');
});

test('no-cache is validated each time', () => {
  assert.equal(at(stored('no-cache, max-age=10, stale-while-revalidate=10'), 0), 'revalidate');
});

test('stale-while-revalidate has a window, and must-revalidate closes it', () => {
  const answer = stored('max-age=1, stale-while-revalidate=4');
  assert.deepEqual(
    [at(answer, 1), at(answer, 4.9), at(answer, 5)],
    ['stale_while_revalidate', 'stale_while_revalidate', 'revalidate'],
  );
  for (const no of ['must-revalidate', 'proxy-revalidate']) {
    assert.equal(at(stored(`max-age=1, stale-while-revalidate=4, ${no}`), 2), 'revalidate');
  }
});

test('what the client asks: no-cache, max-age, min-fresh', () => {
  const answer = stored('max-age=3600', '1800');
  for (const younger of ['no-cache', 'max-age=0', 'max-age=600', 'min-fresh=2000']) {
    assert.equal(at(answer, 0, younger), 'revalidate_for_request', younger);
    assert.equal(at(answer, 0, younger, false), 'fresh', younger);
  }
  for (const enough of ['max-age=1800', 'min-fresh=1800', 'no-store', 'max-stale']) {
    assert.equal(at(answer, 0, enough), 'fresh', enough);
  }
});

test('max-stale lets the client have a stale answer where the origin does not forbid it', () => {
  assert.equal(at(stored('max-age=1500', '2000'), 0, 'max-stale=1000'), 'stale_allowed');
  assert.equal(at(stored('max-age=1500', '2000'), 0, 'max-stale=499'), 'revalidate');
  assert.equal(at(stored('max-age=1500', '2000'), 0, 'max-stale'), 'stale_allowed');
  assert.equal(at(stored('max-age=1500', '2000'), 0, 'max-stale', false), 'revalidate');
  for (const no of ['must-revalidate', 'proxy-revalidate', 's-maxage=1500', 'no-cache']) {
    assert.equal(at(stored(`max-age=1500, ${no}`, '2000'), 0, 'max-stale'), 'revalidate', no);
  }
  assert.equal(at(stored('max-age=3600', '1800'), 0, 'max-age=600, max-stale=1200'), 'fresh');
});

test('only-if-cached never goes to the origin', () => {
  assert.equal(at(stored('max-age=10'), 0, 'only-if-cached'), 'fresh');
  assert.equal(at(stored('max-age=10'), 11, 'only-if-cached'), 'only_if_cached_fails');
  assert.equal(at(undefined, 0, 'only-if-cached'), 'only_if_cached_fails');
  assert.equal(at(undefined, 0, 'only-if-cached', false), 'miss');
});

test('when the origin fails, stale-if-error is the window; nothing else opens it', () => {
  assert.equal(onError(stored('max-age=2, stale-if-error=60'), 61.9), true);
  assert.equal(onError(stored('max-age=2, stale-if-error=60'), 62), false);
  assert.equal(onError(stored('max-age=2'), 3), false);
  assert.equal(onError(stored('max-age=2'), 3, 'stale-if-error=5'), true);
  assert.equal(onError(stored('max-age=2'), 3, 'stale-if-error=5', false), false);
  assert.equal(onError(stored('s-maxage=2, stale-if-error=60'), 3), true);
});

test('attack: an outage shows nothing that the origin forbids to show stale', () => {
  for (const no of ['must-revalidate', 'proxy-revalidate', 'no-cache']) {
    assert.equal(onError(stored(`max-age=2, stale-if-error=60, ${no}`), 3, 'stale-if-error=60'), false, no);
  }
  assert.equal(onError(stored('s-maxage=2'), 3, 'stale-if-error=60'), false);
  assert.equal(onError(stored('no-cache, max-age=60'), 1), false);
});

test('a reload in a browser gets the stored answer in an outage, a forced reload does not', () => {
  const answer = stored('max-age=60');
  assert.equal(onError(answer, 1, 'max-age=0'), true);
  assert.equal(onError(answer, 1, 'no-cache'), false);
  assert.equal(onError(answer, 1, 'no-cache', false), true);
});

test('a clock that jumped back makes nothing fresh that was stale', () => {
  assert.equal(reuse(stored('max-age=10'), NOTHING_ASKED, T - 3_600_000, true), 'revalidate');
});
