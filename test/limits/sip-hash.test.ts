// The same hash for the same text in every thread, by whichever of its ways it was made.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type HashKey, sipHash, sipHashBytes } from '../../src/limits/sip-hash.ts';

const hashes = (key: HashKey, text: string) => [
  sipHash(key, text, { hi: 0, lo: 0 }),
  sipHashBytes(key, Buffer.from(text), { hi: 0, lo: 0 }),
];

test('the hash of any text is that of its UTF-8 bytes', () => {
  const word = fc.integer({ min: 0, max: 0xffff_ffff });
  const text = fc.oneof(
    fc.string({ maxLength: 300 }),
    fc.string({ unit: 'binary', maxLength: 300 }),
    fc.string({ unit: 'binary-ascii', maxLength: 300 }),
  );
  fc.assert(
    fc.property(word, word, text, (a, b, value) => {
      // Lone surrogates have no UTF-8 form of their own.
      const [ofText, ofBytes] = hashes([a, b], value.toWellFormed());
      assert.deepEqual(ofText, ofBytes);
    }),
    { numRuns: 500 },
  );
});

test('texts around the length from which they are encoded hash like their bytes, with and without a letter beyond ASCII', () => {
  for (let length = 250; length < 262; length += 1) {
    for (const last of ['a', 'ä', '€', '😀']) {
      const [ofText, ofBytes] = hashes([5, 6], 'x'.repeat(length) + last);
      assert.deepEqual(ofText, ofBytes, `${length} and ${last}`);
    }
  }
});

test('a character beyond ASCII is not taken for the one with its low bits', () => {
  const [ascii] = hashes([1, 2], 'user A');
  const [other] = hashes([1, 2], 'user Ł'); // U+0141
  assert.notDeepEqual(ascii, other);
});
