// Which cookies a request has: RFC 6265 section 5.4, and RFC 9113 section 8.2.3 for fields that HTTP/2 splits.
// Harm: a cookie that is read otherwise than the upstream reads it counts or balances for somebody else.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { cookiesNamed } from '../../src/core/cookies.ts';

test('all cookies of a name are read, in their order, over all Cookie fields; spaces around them are not part of it', () => {
  const fields = ['x-cookie', 'a=0', 'cookie', 'a=1; b=2;a=s=3 ; aa=4; a', 'cookie', ' a = "5" '];
  assert.deepEqual(cookiesNamed(fields, 'a'), ['1', 's=3', '"5"']);
  assert.deepEqual(cookiesNamed(fields, 'b'), ['2']);
  assert.deepEqual(cookiesNamed(fields, 'c'), []);
  assert.deepEqual(cookiesNamed([], 'a'), []);
});

test('whatever is written is read again, in one field or in several', () => {
  const name = fc.stringMatching(/^[\w.-]{1,8}$/);
  const value = fc.stringMatching(/^[!#-+\--:<-~]{0,12}$/);
  fc.assert(
    fc.property(fc.array(fc.tuple(name, value), { minLength: 1, maxLength: 8 }), fc.boolean(), (cookies, split) => {
      const lines = cookies.map(([key, said]) => `${key}=${said}`);
      const fields = (split ? lines : [lines.join('; ')]).flatMap((line) => ['cookie', line]);
      for (const [key] of cookies) {
        const all = cookies.filter(([other]) => other === key).map(([, said]) => said);
        assert.deepEqual(cookiesNamed(fields, key), all);
      }
    }),
  );
});
