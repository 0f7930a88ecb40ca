import assert from 'node:assert/strict';
import { test } from 'node:test';
import { acme } from '../../src/config/schema/acme.ts';

const GIVEN = { names: ['Login.Example.com'], storage_directory: '/var/lib/acme', agree_to_terms: true };

test('ACME takes DNS names without wildcards, in lower case', () => {
  assert.deepEqual(acme.parse(GIVEN).names, ['login.example.com']);
  for (const name of ['*.example.com', '127.0.0.1', '::1', 'exämple.com', 'a..b', '-a.com', 'a/b.com', '../x', '']) {
    assert.equal(acme.safeParse({ ...GIVEN, names: [name] }).success, false, name);
  }
});

test('ACME wants agreement to the terms, and a directory over https', () => {
  for (const wrong of [{ agree_to_terms: false }, { directory: 'http://127.0.0.1/dir' }, { names: [] }]) {
    assert.equal(acme.safeParse({ ...GIVEN, ...wrong }).success, false, JSON.stringify(wrong));
  }
});
