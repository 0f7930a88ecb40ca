// What a shared cache may store, and what of it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type CacheRules, RFC_RULES } from '../../src/cache/rules.ts';
import { notStored, passBy, storedFields } from '../../src/cache/storable.ts';
import type { Fields } from '../../src/core/raw.ts';

const NOW = Date.UTC(2026, 0, 1);

interface Asked {
  method?: string;
  request?: Fields;
  status?: number;
  rules?: Partial<CacheRules>;
}
function why(fields: Fields, { method = 'GET', request = [], status = 200, rules = {} }: Asked = {}) {
  return notStored(method, request, { status, fields }, NOW, { ...RFC_RULES, ...rules });
}
const cc = (text: string): Fields => ['cache-control', text];
const FRESH = cc('max-age=60');

test('a fresh answer to a GET is stored, to another method it is not', () => {
  assert.equal(why(FRESH), undefined);
  for (const method of ['HEAD', 'POST', 'OPTIONS', 'get']) assert.equal(why(FRESH, { method }), 'method');
});

test('no-store and private of the answer, no-store of the request', () => {
  assert.equal(why(cc('max-age=60, No-Store')), 'no-store');
  assert.equal(why(cc('private, max-age=60')), 'private');
  assert.equal(why(cc('private="x", max-age=60')), undefined);
  assert.equal(why(FRESH, { request: cc('no-store') }), 'request-no-store');
  assert.equal(why(FRESH, { request: cc('no-store'), rules: { honourRequest: false } }), undefined);
  assert.equal(why(['cdn-cache-control', 'no-store', ...FRESH]), 'no-store');
  assert.equal(why(['cdn-cache-control', 'max-age=5', ...cc('no-store')]), undefined);
});

test('every final status with explicit freshness, but no part, no 304, and nothing outside of the list of the route', () => {
  for (const status of [200, 203, 204, 299, 301, 302, 303, 307, 308, 400, 404, 410, 499, 500, 502, 503, 504, 599]) {
    assert.equal(why(FRESH, { status }), undefined, String(status));
  }
  for (const status of [100, 103, 206, 304, 600]) assert.equal(why(FRESH, { status }), 'status', String(status));
  assert.equal(why(FRESH, { status: 404, rules: { statuses: new Set([200]) } }), 'status');
});

test('must-understand takes no-store back for a known status, and forbids an unknown one', () => {
  assert.equal(why(cc('max-age=60, no-store, must-understand')), undefined);
  assert.equal(why(cc('max-age=60, no-store, must-understand'), { status: 599 }), 'status');
});

test('attack: an answer to a request with Authorization is not stored unless the origin says that it is for all', () => {
  const request = ['authorization', 'Bearer x'];
  assert.equal(why(FRESH, { request }), 'authorization');
  for (const allows of ['public', 'must-revalidate', 's-maxage=60']) {
    assert.equal(why(cc(`max-age=60, ${allows}`), { request }), undefined, allows);
  }
  for (const no of ['proxy-revalidate', 'no-cache="x"', 'immutable']) {
    assert.equal(why(cc(`max-age=60, ${no}`), { request }), 'authorization', no);
  }
  for (const credential of ['authorization', 'cookie']) {
    const bypass: Asked = { request: [credential, 'x'], rules: { credentials: 'bypass' } };
    assert.equal(why(cc('public, max-age=60'), bypass), 'authorization', credential);
  }
});

test('attack: nobody gets the cookie of somebody else', () => {
  assert.equal(why([...FRESH, 'set-cookie', 'a=b']), 'set-cookie');
  assert.equal(why([...FRESH, 'set-cookie2', 'a=b']), 'set-cookie');
  assert.equal(why([...cc('public, max-age=60, s-maxage=60'), 'set-cookie', 'a=b']), 'set-cookie');
  const rules = { ...RFC_RULES, stripSetCookie: true };
  assert.equal(why([...FRESH, 'set-cookie', 'a=b'], { rules }), undefined);
  assert.deepEqual(storedFields([...FRESH, 'set-cookie', 'a=b'], rules), FRESH);
  assert.equal(why([...cc('max-age=60, no-cache="set-cookie"'), 'set-cookie', 'a=b']), undefined);
});

test('Vary with *, with no name, or with too many names', () => {
  for (const bad of ['*', 'a, *', ', *', 'a b', Array.from({ length: 17 }, (_, i) => `n${i}`).join()]) {
    assert.equal(why([...FRESH, 'vary', bad]), 'vary', bad);
  }
  assert.equal(why([...FRESH, 'vary', '', 'vary', '*']), 'vary');
  assert.equal(why([...FRESH, 'vary', 'Accept-Encoding, Origin']), undefined);
});

test('what could never be used is not stored', () => {
  const none = 'no-freshness';
  assert.equal(why([]), none);
  assert.equal(why(['etag', '"a"']), none);
  assert.equal(why(cc('max-age=0')), none);
  assert.equal(why([...cc('max-age=0'), 'etag', '"a"']), undefined);
  assert.equal(why([...cc('no-cache'), 'last-modified', new Date(NOW).toUTCString()]), undefined);
  assert.equal(why(cc('no-cache, max-age=60')), none);
  assert.equal(why(cc('max-age=0, stale-while-revalidate=5')), undefined);
  assert.equal(why([...FRESH, 'age', '61']), none);
  assert.equal(why(['expires', '0']), none);
});

test('freshness by the rules is for statuses that allow it', () => {
  const rules = { defaultTtlS: 60 };
  assert.equal(why([], { rules }), undefined);
  assert.equal(why([], { rules, status: 404 }), undefined);
  for (const status of [201, 302, 403, 500, 503, 599]) {
    assert.equal(why([], { rules, status }), 'no-freshness', String(status));
  }
});

test('attack: fields that Connection names, or that are of one connection, are not kept', () => {
  const fields = ['connection', 'a, b', 'a', '1', 'b', '2', 'c', '3', 'keep-alive', 'x', 'proxy-authenticate', 'x'];
  const more = ['proxy-authentication-info', 'x', 'te', 'x', 'upgrade', 'x', 'age', '5', 'content-length', '5'];
  assert.deepEqual(storedFields([':status', '200', ...fields, ...more], RFC_RULES), ['c', '3']);
});

test('fields that a qualified no-cache or private names are not kept', () => {
  const control = cc('no-cache="a, B", private=c, max-age=5');
  assert.deepEqual(storedFields([...control, 'a', '1', 'b', '2', 'c', '3', 'd', '4'], RFC_RULES), [
    ...control,
    'd',
    '4',
  ]);
});

test('Content-Range of a whole answer is kept as it came, like every unknown field', () => {
  const fields = ['content-range', 'x', 'content-foo', 'y', 'clear-site-data', 'z', 'content-encoding', 'w'];
  assert.deepEqual(storedFields(fields, RFC_RULES), fields);
  assert.equal(why([...FRESH, 'content-range', 'bytes 0-1/2']), undefined);
});

test('which requests pass the cache by', () => {
  const bypass = { ...RFC_RULES, credentials: 'bypass' } as const;
  assert.deepEqual(passBy('POST', [], RFC_RULES), { fwd: 'method', detail: 'method' });
  for (const method of ['GET', 'HEAD']) assert.equal(passBy(method, ['cookie', 'a=b'], RFC_RULES), undefined);
  assert.deepEqual(passBy('GET', ['cookie', 'a=b'], bypass), { fwd: 'bypass', detail: 'cookie' });
  assert.deepEqual(passBy('GET', ['authorization', 'x'], bypass), { fwd: 'bypass', detail: 'authorization' });
  assert.equal(passBy('GET', ['authorization', 'x'], { ...RFC_RULES, credentials: 'strip' }), undefined);
});

test('whatever the origin sends, what is stored is for all', () => {
  const name = fc.constantFrom('cache-control', 'vary', 'set-cookie', 'expires', 'etag', 'cdn-cache-control', 'x');
  const value = fc.oneof(fc.string(), fc.constantFrom('private', 'no-store', 'max-age=9', 'public', '*', '"a"'));
  fc.assert(
    fc.property(fc.array(fc.tuple(name, value)), fc.integer({ min: 100, max: 700 }), (pairs, status) => {
      const fields = pairs.flat();
      if (why(fields, { status, rules: { defaultTtlS: 5 } }) !== undefined) return;
      assert.ok(!storedFields(fields, RFC_RULES).includes('set-cookie'));
      assert.ok(status >= 200 && status < 600 && status !== 206 && status !== 304);
    }),
  );
});
