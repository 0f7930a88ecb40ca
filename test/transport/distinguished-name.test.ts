// Distinguished names on one line: RFC 4514.
// Harm: a name that can hold a line break is a header field that a client may add.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { subjectOf } from '../../src/transport/distinguished-name.ts';

test('parts stand in the order of RFC 4514, which is not that of Node', () => {
  assert.equal(subjectOf('C=DE\nO=Example\nCN=worker'), 'CN=worker,O=Example,C=DE');
});

test('what Node has escaped stays escaped, and what is no ASCII becomes hexadecimal digits', () => {
  assert.equal(subjectOf('O=A\\, B\nCN=J\u00fcrgen \u{1f600}'), 'CN=J\\C3\\BCrgen \\F0\\9F\\98\\80,O=A\\, B');
  assert.equal(subjectOf('CN=a\tb'), 'CN=a\\09b');
});

test('whatever is in it, it is a value for a header field', () => {
  fc.assert(
    fc.property(fc.uint16Array({ maxLength: 40 }), (units) => {
      assert.match(subjectOf(String.fromCharCode(...units)), /^[\x20-\x7e]*$/);
    }),
  );
});
