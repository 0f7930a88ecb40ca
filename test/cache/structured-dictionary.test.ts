// Dictionaries of structured fields: all of it must be right, or there is none.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { structuredDictionary } from '../../src/cache/structured-dictionary.ts';

const read = (text: string) => {
  const members = structuredDictionary(text);
  return members === undefined ? undefined : Object.fromEntries(members);
};

test('members of every type, with parameters; of one name the last counts', () => {
  assert.deepEqual(read(' a=1 ,\tb;x=?0;y="z", c="s\\"\\\\", d=tok/en, e=?0, a=-20 '), {
    a: { kind: 'integer', value: -20 },
    b: { kind: 'boolean', value: true },
    c: { kind: 'string', value: 's"\\' },
    d: { kind: 'token', value: 'tok/en' },
    e: { kind: 'boolean', value: false },
  });
  const other = { kind: 'other' };
  assert.deepEqual(read('a=(1 "x";y  tok);z, b=:aGk=:, c=@1659578233, d=%"f%c3%bc", e=1.5, f=()'), {
    a: other,
    b: other,
    c: other,
    d: other,
    e: other,
    f: other,
  });
  assert.deepEqual(read(''), {});
});

test('what is broken anywhere is no dictionary at all', () => {
  for (const bad of [
    'a=10000, &&&&&',
    'A=1',
    'a =1',
    'a= 1',
    'a=',
    'a=1,',
    ',a=1',
    'a=1;',
    'a=1;=2',
    'a="x',
    'a="\\x"',
    'a="é"',
    'a=1234567890123456',
    'a=1.2345',
    'a=1.',
    'a=(1',
    'a=(1"x")',
    'a=?2',
    'a=@1.5',
    'a b',
    'a\n',
  ]) {
    assert.equal(read(bad), undefined, bad);
  }
});

test('whatever the text, it is read without an error', () => {
  const bits = fc.constantFrom('a', '=', '"', '(', ')', ';', ',', ' ', '?1', '1', '.', ':', '@', '%"', '\\', 'é');
  fc.assert(fc.property(fc.array(bits, { maxLength: 40 }), (parts) => void read(parts.join(''))));
  fc.assert(fc.property(fc.string(), (text) => void read(text)));
});
