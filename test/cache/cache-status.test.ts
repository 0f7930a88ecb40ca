// Cache-Status: what the cache did, in the words of RFC 9211.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { addCacheStatus, type CacheStatus, cacheStatusMember } from '../../src/cache/cache-status.ts';
import { structuredDictionary } from '../../src/cache/structured-dictionary.ts';

test('a hit, with what is left of its freshness', () => {
  assert.equal(cacheStatusMember({ hit: true, ttlS: 545.9 }), 'gatehouse; hit; ttl=545');
  assert.equal(cacheStatusMember({ hit: true, ttlS: -0.5 }), 'gatehouse; hit; ttl=-1');
  assert.equal(cacheStatusMember({ hit: true, fwd: 'stale', stored: true }), 'gatehouse; hit');
});

test('a request that was sent on, and why', () => {
  assert.equal(
    cacheStatusMember({ fwd: 'stale', fwdStatus: 304, ttlS: 60, stored: true, collapsed: true, detail: 'x' }),
    'gatehouse; fwd=stale; fwd-status=304; ttl=60; stored; collapsed; detail=x',
  );
  assert.equal(
    cacheStatusMember({ fwd: 'uri-miss', detail: 'set-cookie' }),
    'gatehouse; fwd=uri-miss; detail=set-cookie',
  );
});

test('a detail that is no token is a string, bounded and in ASCII', () => {
  assert.equal(cacheStatusMember({ fwd: 'miss', detail: 'a "b" ü\n' }), 'gatehouse; fwd=miss; detail="a \\"b\\" ??"');
  assert.ok(cacheStatusMember({ detail: 'x'.repeat(10_000) }).length < 200);
});

test('ours comes after those of caches before us, on one line', () => {
  const fields = ['cache-status', 'Origin; hit', 'x', '1', 'cache-status', 'Cdn; fwd=miss'];
  addCacheStatus(fields, { hit: true });
  assert.deepEqual(fields, ['x', '1', 'cache-status', 'Origin; hit, Cdn; fwd=miss, gatehouse; hit']);
  const none = ['cache-status', ''];
  addCacheStatus(none, { fwd: 'miss' });
  assert.deepEqual(none, ['cache-status', 'gatehouse; fwd=miss']);
});

test('whatever is said is a well-formed structured field', () => {
  const status = fc.record(
    { hit: fc.boolean(), fwd: fc.constantFrom('miss', 'stale'), ttlS: fc.double(), detail: fc.string() },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(status, (said) => {
      assert.ok(structuredDictionary(cacheStatusMember(said as CacheStatus))?.has('gatehouse'));
    }),
  );
});
