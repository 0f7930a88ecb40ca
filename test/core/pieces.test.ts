import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { addPiece } from '../../src/core/pieces.ts';

test('however it is cut, what is kept is what came', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 6000 }), { maxLength: 60 }), (sent) => {
      const pieces: Uint8Array[] = [];
      for (const piece of sent) addPiece(pieces, piece);
      assert.deepEqual(Buffer.concat(pieces), Buffer.concat(sent));
    }),
  );
});

test('many small pieces become few, whatever their sizes', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 1, maxLength: 20 }), (sizes) => {
      const pieces: Uint8Array[] = [];
      let bytes = 0;
      for (let i = 0; bytes < 65_536; i += 1) {
        addPiece(pieces, new Uint8Array(sizes[i % sizes.length]!));
        bytes += sizes[i % sizes.length]!;
      }
      // No two neighbours would both fit twice, and a run of smaller and smaller ones ends at one byte.
      assert.ok(pieces.length < 150, String(pieces.length));
    }),
  );
});

test('a large piece is kept as it is, without a copy', () => {
  const pieces: Uint8Array[] = [];
  const large = new Uint8Array(16_384);
  addPiece(pieces, new Uint8Array(10));
  addPiece(pieces, large);
  addPiece(pieces, large);
  assert.deepEqual([pieces.length, pieces[1], pieces[2]], [3, large, large]);
  assert.equal(pieces[1], large);
});
