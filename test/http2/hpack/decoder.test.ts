import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { HpackDecoder } from '../../../src/http2/hpack/decoder.ts';
import { HpackError } from '../../../src/http2/hpack/hpack-error.ts';
import { readInteger, writeInteger } from '../../../src/http2/hpack/integers.ts';
import { octets, WIDE } from './octets.ts';

/** A literal that is inserted, without Huffman coding. */
function inserted(name: string, value: string): Buffer {
  const out = Buffer.alloc(name.length + value.length + 16);
  let at = 1;
  out[0] = 0x40;
  for (const text of [name, value]) {
    at = writeInteger(out, at, 0, 0x7f, text.length);
    at += out.write(text, at, 'latin1');
  }
  return out.subarray(0, at);
}
const tableSize = (bytes: number): Buffer => {
  const out = Buffer.alloc(8);
  return out.subarray(0, writeInteger(out, 0, 0x20, 0x1f, bytes));
};
const fails = (decoder: HpackDecoder, ...parts: Buffer[]): void =>
  assert.throws(() => decoder.decode(Buffer.concat(parts)), HpackError);

test('an empty block is an empty list', () => {
  assert.deepEqual(new HpackDecoder(WIDE).decode(new Uint8Array()), {
    fields: [],
    bytes: 0,
    count: 0,
    exceeded: undefined,
  });
});

test('bytes and fields are counted as HPACK counts, pseudo-headers too', () => {
  const { bytes, count } = new HpackDecoder(WIDE).decode(Buffer.concat([octets('82'), inserted('ab', 'cde')]));
  assert.equal(bytes, 10 + 32 + 5 + 32);
  assert.equal(count, 2);
});

test('octets are latin1, and names are told as they came', () => {
  const block = inserted('X-Name', '\xe9\x00\n');
  assert.deepEqual(new HpackDecoder(WIDE).decode(block).fields, ['X-Name', '\xe9\x00\n']);
});

test('a view into a larger buffer is read within its bounds', () => {
  const whole = Buffer.concat([octets('ffff'), octets('8284'), octets('ffff')]);
  assert.deepEqual(new HpackDecoder(WIDE).decode(new Uint8Array(whole.buffer, whole.byteOffset + 2, 2)).fields, [
    ...[':method', 'GET'],
    ...[':path', '/'],
  ]);
});

test('text outlives the buffer that it was read from', () => {
  const decoder = new HpackDecoder(WIDE);
  const block = inserted('name', 'value');
  decoder.decode(block);
  block.fill(0);
  assert.deepEqual(decoder.decode(octets('be')).fields, ['name', 'value']);
});

for (const [title, hex] of [
  ['the index 0', '80'],
  ['an index beyond the tables', 'be'],
  ['a name beyond the tables', '7f0000'],
  ['an index without its end', 'ff80'],
  ['an integer of many octets', 'ff8080808001'],
  ['an integer padded with zeros without end', 'ff808080808080808080808000'],
  ['a literal without its name', '40'],
  ['a literal without its value', '4001 61'],
  ['a name that ends early', '4005 6161'],
  ['a value that ends early', '4001 6105 6161'],
  ['a value of gigabytes', '4001 617f ffffff7f'],
  ['Huffman coding with EOS', '4001 6184 ffffffff'],
  ['Huffman coding with wrong padding', '4001 6181 18'],
  ['a table size after a field', '82 20'],
  ['a table size above the setting', '3fe21f'],
  ['a table size without its end', '3f'],
] as const) {
  test(`${title} is a compression error`, () => fails(new HpackDecoder(WIDE), octets(hex)));
}

test('a table size at the beginning counts, several too', () => {
  const decoder = new HpackDecoder(WIDE);
  decoder.decode(inserted('a', '1'));
  decoder.decode(Buffer.concat([tableSize(0), tableSize(100), inserted('b', '2'), inserted('c', '3')]));
  assert.deepEqual(decoder.decode(octets('bfbe')).fields, ['b', '2', 'c', '3']);
  fails(decoder, octets('c0'));
});

test('an entry larger than the table empties it, and is told all the same', () => {
  const decoder = new HpackDecoder(WIDE);
  decoder.decode(inserted('a', '1'));
  assert.equal(decoder.decode(inserted('b', 'x'.repeat(5000))).fields[1]!.length, 5000);
  fails(decoder, octets('be'));
});

test('a name may be of the entry that its insertion throws out', () => {
  const decoder = new HpackDecoder(WIDE);
  decoder.decode(Buffer.concat([tableSize(60), inserted('name', 'value')]));
  assert.deepEqual(decoder.decode(octets('7e 0131')).fields, ['name', '1']);
  assert.deepEqual(decoder.decode(octets('be')).fields, ['name', '1']);
});

test('many small entries: each is found by its age', () => {
  const decoder = new HpackDecoder({ ...WIDE, maxTableBytes: 65_536 });
  decoder.decode(tableSize(65_536));
  for (let i = 0; i < 3000; i += 1) decoder.decode(inserted('n', String(i)));
  // An entry has 37 bytes: 1771 of them fit.
  for (const age of [0, 1, 63, 64, 1770]) {
    const block = Buffer.alloc(8);
    const length = writeInteger(block, 0, 0x80, 0x7f, 62 + age);
    assert.deepEqual(decoder.decode(block.subarray(0, length)).fields, ['n', String(2999 - age)]);
  }
  const beyond = Buffer.alloc(8);
  fails(decoder, beyond.subarray(0, writeInteger(beyond, 0, 0x80, 0x7f, 62 + 1771)));
});

test('a smaller setting holds from its ACK on: the next block must begin with a size', () => {
  const decoder = new HpackDecoder({ ...WIDE, maxTableBytes: 100 });
  decoder.decode(Buffer.concat([tableSize(4096), inserted('a', 'x'.repeat(200))]));
  assert.equal(decoder.decode(octets('be')).count, 1);
  decoder.acknowledged();
  fails(decoder, octets('be'));
  fails(decoder, tableSize(101));
  assert.equal(decoder.decode(tableSize(100)).count, 0);
  fails(decoder, octets('be'));
});

test('a larger setting may be used', () => {
  const decoder = new HpackDecoder({ ...WIDE, maxTableBytes: 8192 });
  decoder.decode(Buffer.concat([tableSize(8192), inserted('a', 'x'.repeat(5000))]));
  assert.equal(decoder.decode(octets('be')).count, 1);
});

test('beyond the limit of bytes fields are dropped, and the table stays right', () => {
  const decoder = new HpackDecoder({ ...WIDE, maxHeaderBytes: 100 });
  const block = Buffer.concat([inserted('a', '1'), inserted('b', 'x'.repeat(60)), inserted('c', '3')]);
  assert.deepEqual(decoder.decode(block), { fields: ['a', '1'], bytes: 161, count: 3, exceeded: 'maxHeaderBytes' });
  assert.deepEqual(decoder.decode(octets('be')), { fields: ['c', '3'], bytes: 34, count: 1, exceeded: undefined });
});

test('beyond the limit of fields they are dropped, and the table stays right', () => {
  const decoder = new HpackDecoder({ ...WIDE, maxFields: 1 });
  const { fields, count, exceeded } = decoder.decode(Buffer.concat([octets('82'), inserted('a', '1'), octets('84')]));
  assert.deepEqual([fields, count, exceeded], [[':method', 'GET'], 3, 'maxFields']);
  assert.deepEqual(decoder.decode(octets('be')).fields, ['a', '1']);
});

test('what comes beyond a limit must still be readable', () => {
  fails(new HpackDecoder({ ...WIDE, maxFields: 1 }), octets('8282 4001 6181 18'));
});

test('HPACK bomb: a large entry named by each octet of a large block is counted, not kept', () => {
  const decoder = new HpackDecoder({ ...WIDE, maxHeaderBytes: 16_384 });
  decoder.decode(inserted('a', 'x'.repeat(4000)));
  const { fields, bytes, count, exceeded } = decoder.decode(Buffer.alloc(65_536, 0xbe));
  assert.equal(fields.length, 8);
  assert.equal(count, 65_536);
  assert.equal(bytes, 65_536 * 4033);
  assert.equal(exceeded, 'maxHeaderBytes');
});

test('table bomb: the names of large entries are inserted again and again, and the table keeps its size', () => {
  const decoder = new HpackDecoder({ ...WIDE, maxHeaderBytes: 16_384 });
  decoder.decode(inserted('x'.repeat(4000), ''));
  // Inserted with the name of entry 62, and without a value.
  const { count } = decoder.decode(Buffer.alloc(65_536).map((_, i) => (i % 2 === 0 ? 0x7e : 0x00)));
  assert.equal(count, 32_768);
  assert.equal(decoder.decode(octets('be')).bytes, 4032);
  fails(decoder, octets('bf'));
});

test('size flood: a block of table sizes only', () => {
  const decoder = new HpackDecoder(WIDE);
  decoder.decode(inserted('a', '1'));
  assert.equal(decoder.decode(Buffer.alloc(65_536, 0x20)).count, 0);
  fails(decoder, octets('be'));
});

test('any octets are a list within its limits, or a compression error', () => {
  const limits = { maxTableBytes: 4096, maxHeaderBytes: 600, maxFields: 6 };
  // Octets that begin something are more than chance would have.
  const octet = fc.oneof(fc.integer({ min: 0, max: 255 }), fc.constantFrom(0x00, 0x01, 0x20, 0x40, 0x82, 0xbe, 0x7e));
  fc.assert(
    fc.property(fc.array(fc.array(octet, { maxLength: 60 }), { minLength: 1, maxLength: 6 }), (blocks) => {
      const decoder = new HpackDecoder(limits);
      for (const block of blocks) {
        try {
          const list = decoder.decode(Uint8Array.from(block));
          assert.ok(list.fields.length <= 12 && list.fields.every((text) => typeof text === 'string'));
          assert.ok(list.fields.join('').length <= 600);
          assert.equal(list.exceeded === undefined, list.fields.length === 2 * list.count);
        } catch (error) {
          assert.ok(error instanceof HpackError, String(error));
        }
      }
    }),
    { numRuns: 3000 },
  );
});

test('an integer is read as it was written', () => {
  const bytes = Buffer.alloc(8);
  fc.assert(
    fc.property(fc.nat(0x1fffff), fc.constantFrom(0x0f, 0x1f, 0x3f, 0x7f), (value, mask) => {
      const end = writeInteger(bytes, 0, 0, mask, value);
      const cursor = { at: 0 };
      assert.equal(readInteger(bytes.subarray(0, end), cursor, mask), value);
      assert.equal(cursor.at, end);
    }),
  );
});
