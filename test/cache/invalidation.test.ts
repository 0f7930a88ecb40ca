// What an unsafe request makes wrong.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { invalidated } from '../../src/cache/invalidation.ts';
import type { Fields } from '../../src/core/raw.ts';

function after(method: string, status: number, fields: Fields = [], host = 'id.example:8443') {
  return invalidated({ method, scheme: 'https', host, target: '/a/b?c=1' }, { status, fields });
}

test('the target of every method that is not known to be safe, when the answer is no error', () => {
  for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'M-SEARCH', 'get']) {
    assert.deepEqual(after(method, 204), ['/a/b?c=1'], method);
    assert.deepEqual(after(method, 303), ['/a/b?c=1'], method);
    for (const status of [100, 400, 404, 500]) assert.deepEqual(after(method, status), [], method);
  }
  for (const method of ['GET', 'HEAD', 'OPTIONS', 'TRACE', 'QUERY']) assert.deepEqual(after(method, 200), []);
});

test('Location and Content-Location, relative and absolute', () => {
  const fields = ['location', 'd?x=1#frag', 'content-location', 'https://id.example:8443/e'];
  assert.deepEqual(after('POST', 201, fields), ['/a/b?c=1', '/a/d?x=1', '/e']);
  assert.deepEqual(after('POST', 201, ['location', '/x/../y']), ['/a/b?c=1', '/y', '/x/../y']);
  assert.deepEqual(after('POST', 201, ['location', 'https://[2001:db8::1]/e'], '[2001:db8::1]'), ['/a/b?c=1', '/e']);
});

test('attack: another origin cannot be emptied', () => {
  for (const other of [
    'https://id.example/e',
    'http://id.example:8443/e',
    'https://other.example:8443/e',
    '//other.example/e',
    '/\\other.example/e',
    'https://id.example:8443@other.example/e',
    'javascript:alert(1)',
    'https://[broken',
  ]) {
    assert.deepEqual(after('POST', 201, ['location', other]), ['/a/b?c=1'], other);
  }
});

test('whatever Location and Host say, it is read without an error, and the target is forgotten', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (location, host) => {
      assert.ok(after('POST', 200, ['location', location, 'content-location', location], host).includes('/a/b?c=1'));
    }),
  );
  assert.deepEqual(after('POST', 200, ['location', '/'.repeat(65_536)]), ['/a/b?c=1']);
});
