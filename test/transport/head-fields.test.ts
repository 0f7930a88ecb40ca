// A head is read once, the same for every protocol version.
// Harm: what one reader joins and another takes the first of is two requests in one.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { headFields } from '../../src/transport/head-fields.ts';

test('pseudo-headers and Host are read apart, the rest keeps its order', () => {
  const head = headFields([':method', 'GET', 'b', '1', 'host', 'a.example', 'a', '2'], true);
  assert.deepEqual(head, {
    fields: ['b', '1', 'a', '2'],
    host: 'a.example',
    hosts: 1,
    bytes: 32 * 3 + 17,
    count: 3,
    twice: false,
  });
});

test('names of HTTP/1.1 are lower-cased, values are not', () => {
  const { fields, host, hosts } = headFields(['HOST', 'A', 'X-Y', 'Z', 'Host', 'B'], false);
  assert.deepEqual([fields, host, hosts], [['x-y', 'Z'], 'B', 2]);
});

test('Cookie becomes one field where the first one stood, RFC 9113 section 8.2.3', () => {
  assert.deepEqual(headFields(['cookie', 'a=1', 'x', 'y', 'cookie', 'b=2', 'cookie', 'c=3'], true).fields, [
    ...['cookie', 'a=1; b=2; c=3', 'x', 'y'],
  ]);
});

test('a single field that occurs twice is told, also where both are equal', () => {
  assert.equal(headFields(['authorization', 'a', 'x', 'y', 'authorization', 'a'], true).twice, true);
  assert.equal(headFields(['x', 'y', 'x', 'y', 'cookie', 'a', 'accept', 'b', 'accept', 'c'], true).twice, false);
});

test('conditional lists become one line; other lists stay as they came', () => {
  const head = headFields(
    ['if-match', '"a"', 'accept', 'b', 'if-match', '"b"', 'if-none-match', 'c', 'accept', 'd'],
    true,
  );
  assert.deepEqual(head.fields, ['if-match', '"a", "b"', 'accept', 'b', 'if-none-match', 'c', 'accept', 'd']);
  assert.equal(head.twice, false);
});

test('property: every field that may be repeated is there as often as it came, and bytes count them all', () => {
  const pair = fc.tuple(fc.stringMatching(/^x-[a-z]{1,3}$/), fc.stringMatching(/^[a-z]{0,5}$/));
  fc.assert(
    fc.property(fc.array(pair), (pairs) => {
      const { fields, bytes, count } = headFields(pairs.flat(), true);
      assert.deepEqual(fields, pairs.flat());
      assert.equal(count, pairs.length);
      assert.equal(
        bytes,
        pairs.reduce((sum, [name, value]) => sum + name.length + value.length + 32, 0),
      );
    }),
  );
});
