import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { HpackError } from '../../../src/http2/hpack/hpack-error.ts';
import { decodeHuffman, huffmanBytes, writeHuffman } from '../../../src/http2/hpack/huffman.ts';
import { octets } from './octets.ts';

const latin1 = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes).toString('latin1'));

function coded(text: string): Buffer {
  const bytes = Buffer.alloc(huffmanBytes(text) + 1, 0xaa);
  assert.equal(writeHuffman(bytes, 0, text), bytes.length - 1, 'it takes what was said, and no octet more');
  assert.equal(bytes.at(-1), 0xaa);
  return bytes.subarray(0, -1);
}
const decode = (bytes: Buffer): string => decodeHuffman(bytes, 0, bytes.length);

test('what was written is read again, whatever its octets', () => {
  fc.assert(
    fc.property(latin1, (text) => {
      assert.equal(decode(coded(text)), text);
    }),
  );
});

test('each octet alone, and each behind each other that is usual', () => {
  for (let octet = 0; octet < 256; octet += 1) {
    const one = String.fromCharCode(octet);
    assert.equal(decode(coded(one)), one);
    for (const before of 'a0-&?~|<\\\xff\n') assert.equal(decode(coded(before + one)), before + one);
  }
});

test('a text larger than what is kept for texts', () => {
  const text = 'e'.repeat(100_000);
  assert.equal(decode(coded(text)), text);
});

test('only the part that was asked for is read', () => {
  const bytes = Buffer.concat([octets('ffff'), coded('www.example.com'), octets('ffff')]);
  assert.equal(decodeHuffman(bytes, 2, bytes.length - 2), 'www.example.com');
});

test('a text above latin1 has no code', () => {
  assert.equal(huffmanBytes('a\u010a'), -1);
});

for (const [title, hex] of [
  ['eight bits of padding', `${coded('aaaaaaaa').toString('hex')}ff`],
  ['padding alone', 'ff'],
  ['many octets of padding', 'ffffff'],
  ['padding of zeros', '18'],
  ['padding that is not all ones', '1e'],
  ['EOS', 'ffffffff'],
  ['EOS behind a text', '1fffffffff'],
  ['EOS padded to its last bit', 'fffffffc'],
  ['an end within a long code', 'fffe'],
] as const) {
  test(`${title} is an error`, () => {
    assert.throws(() => decode(octets(hex)), HpackError);
  });
}

test('up to seven ones of padding are none of the text', () => {
  assert.equal(decode(octets('1f')), 'a');
  assert.equal(decode(octets('07')), '0');
  assert.equal(decode(octets('')), '');
  // '&' has eight bits, ':' seven.
  assert.equal(decode(octets('f8')), '&');
  assert.equal(decode(octets('b9')), ':');
});

test('any octets are text that is written the same, or an error', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      let text: string;
      try {
        text = decode(Buffer.from(bytes));
      } catch (error) {
        assert.ok(error instanceof HpackError);
        return;
      }
      assert.deepEqual(coded(text), Buffer.from(bytes));
    }),
    { numRuns: 2000 },
  );
});
