import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { HpackDecoder } from '../../../src/http2/hpack/decoder.ts';
import { HpackEncoder } from '../../../src/http2/hpack/encoder.ts';
import { octets, WIDE } from './octets.ts';

const ANSWER = ['server', 'gatehouse', 'content-type', 'text/css', 'x-own', 'value', 'vary', 'Origin'];

/** Both ends of a connection; each block is read as soon as it was written. */
function ends(): { encoder: HpackEncoder; pass(status: number | undefined, fields: string[]): string[] } {
  const encoder = new HpackEncoder();
  const decoder = new HpackDecoder(WIDE);
  return { encoder, pass: (status, fields) => decoder.decode(encoder.encode(status, fields)).fields };
}

test('the second time a field takes one octet', () => {
  const encoder = new HpackEncoder();
  assert.ok(encoder.encode(200, ANSWER).length > 30);
  assert.equal(encoder.encode(200, ANSWER).length, 5);
});

test('trailers have no status', () => {
  assert.deepEqual(ends().pass(undefined, ['grpc-status', '0']), ['grpc-status', '0']);
});

test('pseudo-headers of a request come as fields', () => {
  assert.deepEqual(new HpackEncoder().encode(undefined, [':method', 'GET', ':path', '/']), octets('8284'));
});

test('a status of the static table takes one octet, any other the first time more', () => {
  const encoder = new HpackEncoder();
  const lengths = [200, 204, 206, 304, 400, 404, 500, 302, 302].map((status) => encoder.encode(status, []).length);
  assert.deepEqual(lengths, [1, 1, 1, 1, 1, 1, 1, 4, 1]);
});

for (const [name, value] of [
  ['set-cookie', '__Host-session=1; Path=/; HttpOnly'],
  ['authorization', 'Bearer abc'],
  ['proxy-authorization', 'Basic eDp5'],
  ['cookie', 'a=b'],
  ['location', 'https://app.example.com/callback?code=once'],
] as const) {
  test(`${name} is marked as never to be indexed, and never is`, () => {
    const encoder = new HpackEncoder();
    const blocks = [1, 2, 3].map(() => encoder.encode(undefined, [name, value]));
    for (const block of blocks) {
      assert.equal(block[0]! & 0xf0, 0x10);
      assert.deepEqual(block, blocks[0]);
    }
  });
}

test('a value that never comes again is not inserted: its name alone is', () => {
  const encoder = new HpackEncoder();
  const decoder = new HpackDecoder(WIDE);
  const blocks = ['11111111', '22222222', '33333333'].map((id) => encoder.encode(undefined, ['x-request-id', id]));
  for (const block of blocks) decoder.decode(block);
  assert.ok(blocks[1]!.length < blocks[0]!.length - 6);
  // The entry behind 62 would be a second one.
  assert.throws(() => decoder.decode(octets('bf')));
});

test('an unknown field is inserted when its value comes the second time', () => {
  const encoder = new HpackEncoder();
  encoder.encode(undefined, ['x-mode', 'a']);
  const lengths = ['b', 'b', 'b', 'c', 'd'].map((value) => encoder.encode(undefined, ['x-mode', value]).length);
  assert.deepEqual(lengths, [4, 3, 1, 4, 4]);
});

test('names without end that all differ are read as they were written', () => {
  const { pass } = ends();
  for (let i = 0; i < 2000; i += 1) {
    const fields = [`x-${i}`, 'v', 'from', String(i)];
    assert.deepEqual(pass(undefined, fields), fields);
  }
});

test('a value larger than half of the table is not inserted', () => {
  const encoder = new HpackEncoder();
  encoder.encode(200, ANSWER);
  encoder.encode(undefined, ['server', 'x'.repeat(2100)]);
  assert.equal(encoder.encode(200, ANSWER).length, 5);
});

test('the last Huffman octet is padded, and text that Huffman would lengthen is written as it is', () => {
  const encoder = new HpackEncoder();
  assert.deepEqual(encoder.encode(undefined, ['etag', '"a"']), octets('0f13 03 226122'));
  assert.deepEqual(encoder.encode(undefined, ['etag', 'aaaa']), octets('0f13 83 18c63f'));
});

test('a character above latin1 becomes a question mark: its low octet could be a line break', () => {
  const { pass } = ends();
  for (let i = 0; i < 3; i += 1) {
    assert.deepEqual(pass(undefined, ['server', 'a\u010ab\u{1f600}']), ['server', 'a?b??']);
  }
});

test('room is left at the front, and blocks do not share it', () => {
  const encoder = new HpackEncoder();
  const [one, two] = [encoder.encode(204, [], 9), encoder.encode(404, [], 9)];
  one.fill(0xee, 0, 9);
  two.fill(0xdd, 0, 9);
  assert.equal(one.toString('hex'), `${'ee'.repeat(9)}89`);
  assert.equal(two.toString('hex'), `${'dd'.repeat(9)}8d`);
});

test('a block of more than a mebibyte, of one field and of many', () => {
  const { pass } = ends();
  const large = ['x-large', '\x01\xff'.repeat(700_000)];
  const many = Array.from({ length: 200_000 }, (_, i) => (i % 2 === 0 ? 'server' : 'one'));
  const decoder = new HpackDecoder({ maxTableBytes: 4096, maxHeaderBytes: 1e9, maxFields: 1e9 });
  const encoder = new HpackEncoder();
  assert.deepEqual(decoder.decode(encoder.encode(200, large)).fields.slice(2), large);
  assert.deepEqual(decoder.decode(encoder.encode(200, many)).fields.slice(2), many);
  assert.deepEqual(pass(200, ANSWER), [':status', '200', ...ANSWER]);
});

test('a table size of the peer is acknowledged at the beginning of the next block, once', () => {
  const encoder = new HpackEncoder();
  encoder.setMaxTableBytes(100);
  assert.equal(encoder.encode(200, []).toString('hex'), '3f4588');
  assert.equal(encoder.encode(200, []).toString('hex'), '88');
});

test('a size that went down and up again is said with its lowest', () => {
  const encoder = new HpackEncoder();
  encoder.encode(200, ANSWER);
  encoder.setMaxTableBytes(0);
  encoder.setMaxTableBytes(1000);
  encoder.setMaxTableBytes(65_536);
  assert.equal(encoder.encode(200, []).toString('hex'), '203fe11f88');
  assert.ok(encoder.encode(200, ANSWER).length > 30, 'the table was emptied');
});

test('more than the default is not used, so nothing is said', () => {
  const encoder = new HpackEncoder();
  encoder.setMaxTableBytes(65_536);
  assert.equal(encoder.encode(200, []).toString('hex'), '88');
});

test('a peer without a table gets literals only', () => {
  const encoder = new HpackEncoder();
  encoder.setMaxTableBytes(0);
  const [first, second] = [encoder.encode(200, ANSWER), encoder.encode(200, ANSWER)];
  assert.deepEqual(first.subarray(1), second);
});

test('whatever is written is read again, at any table size', () => {
  const name = fc.constantFrom('server', 'date', 'etag', 'x-own', 'x-request-id', 'set-cookie', 'vary', ':path', '');
  const text = fc.oneof(
    fc.constantFrom('', '/', 'a', 'gzip, deflate', 'no-store', 'x'.repeat(500), 'y'.repeat(1900)),
    fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)), maxLength: 60 }),
  );
  const block = fc.record({
    sizes: fc.array(fc.oneof(fc.nat(300), fc.nat(5000)), { maxLength: 3 }),
    status: fc.option(fc.integer({ min: 100, max: 999 }), { nil: undefined }),
    fields: fc.array(fc.tuple(fc.oneof(name, text), text), { maxLength: 12 }).map((pairs) => pairs.flat()),
  });
  fc.assert(
    fc.property(fc.array(block, { minLength: 1, maxLength: 12 }), (blocks) => {
      const { encoder, pass } = ends();
      for (const { sizes, status, fields } of blocks) {
        for (const size of sizes) encoder.setMaxTableBytes(size);
        const whole = status === undefined ? fields : [':status', String(status), ...fields];
        assert.deepEqual(pass(status, fields), whole);
      }
    }),
    { numRuns: 500 },
  );
});
