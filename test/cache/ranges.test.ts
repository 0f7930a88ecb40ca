// Range requests: one part, several, none, or the whole.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { multipart } from '../../src/cache/multipart.ts';
import { contentRange, MAX_PARTS, resolveRange } from '../../src/cache/ranges.ts';

const one = (first: number, last: number) => ({ kind: 'one', range: { first, last } });
const WHOLE = { kind: 'whole' };

test('one part: from to, from on, the last bytes', () => {
  assert.deepEqual(resolveRange('bytes=0-1', 11), one(0, 1));
  assert.deepEqual(resolveRange('bytes=1-', 11), one(1, 10));
  assert.deepEqual(resolveRange('bytes=-1', 11), one(10, 10));
  assert.deepEqual(resolveRange('bytes=-99', 11), one(0, 10));
  assert.deepEqual(resolveRange('BYTES= 5-99 ,', 11), one(5, 10));
  assert.deepEqual(resolveRange(`bytes=0-${'9'.repeat(300)}`, 11), one(0, 10));
  assert.equal(contentRange({ first: 5, last: 10 }, 11), 'bytes 5-10/11');
});

test('beyond the end, or of no bytes, is unsatisfiable', () => {
  for (const beyond of ['bytes=11-', 'bytes=11-12', 'bytes=-0', 'bytes=99-, 50-60', `bytes=${'9'.repeat(300)}-`]) {
    assert.deepEqual(resolveRange(beyond, 11), { kind: 'unsatisfiable', contentRange: 'bytes */11' }, beyond);
  }
  assert.deepEqual(resolveRange('bytes=0-', 0), { kind: 'unsatisfiable', contentRange: 'bytes */0' });
});

test('what is no range of bytes gets the whole', () => {
  const bad = ['', 'bytes', 'bytes=', 'bytes=-', 'bytes=5-4', 'bytes=a-b', 'lines=0-1', 'bytes=0-1;2', 'bytes=0-1,x'];
  for (const text of [...bad, 'bytes=1 - 2', 'bytes=+1-2', 'bytes=-1-2', 'bytes =0-1']) {
    assert.deepEqual(resolveRange(text, 11), WHOLE, text);
  }
  assert.deepEqual(resolveRange(undefined, 11), WHOLE);
});

test('several parts, in the order in which they were asked for; those beyond the end are left out', () => {
  assert.deepEqual(resolveRange('bytes=500-509, 0-9, 99999-', 1000), {
    kind: 'several',
    ranges: [
      { first: 500, last: 509 },
      { first: 0, last: 9 },
    ],
  });
  assert.deepEqual(resolveRange('bytes=0-9, 99999-', 1000), one(0, 9));
});

test('attack: overlapping parts and many small ones (CVE-2011-3192) get the whole once', () => {
  assert.deepEqual(resolveRange('bytes=0-,0-,0-,0-', 1_000_000), WHOLE);
  assert.deepEqual(resolveRange('bytes=0-10,10-20', 1_000_000), WHOLE);
  const many = Array.from({ length: MAX_PARTS + 1 }, (_, i) => `${i * 10}-${i * 10}`);
  assert.deepEqual(resolveRange(`bytes=${many.join()}`, 1_000_000), WHOLE);
  assert.deepEqual(resolveRange('bytes=0-0,2-2', 100), WHOLE);
  const apache = `bytes=0-${Array.from({ length: 1300 }, (_, i) => `,5-${i}`).join('')}`;
  assert.deepEqual(resolveRange(apache, 1_000_000), WHOLE);
  assert.deepEqual(resolveRange(`bytes=${','.repeat(65_536)}0-1`, 1_000_000), WHOLE);
});

test('several parts as multipart/byteranges', () => {
  const body = Buffer.from('0123456789');
  const ranges = [
    { first: 8, last: 9 },
    { first: 0, last: 1 },
  ];
  const { contentType, contentLength, chunks } = multipart(body, ranges, 'text/plain', 'B');
  const text = Buffer.concat(chunks).toString('latin1');
  assert.equal(contentType, 'multipart/byteranges; boundary=B');
  assert.equal(contentLength, text.length);
  assert.equal(
    text,
    '--B\r\ncontent-type: text/plain\r\ncontent-range: bytes 8-9/10\r\n\r\n89' +
      '\r\n--B\r\ncontent-type: text/plain\r\ncontent-range: bytes 0-1/10\r\n\r\n01\r\n--B--\r\n',
  );
  assert.ok(!Buffer.concat(multipart(body, ranges, undefined, 'B').chunks).includes('content-type'));
});

test('whatever is asked, the parts lie in the body, do not overlap, and are never more than it', () => {
  const spec = fc.tuple(fc.option(fc.nat(2000)), fc.option(fc.nat(2000))).map(([a, b]) => `${a ?? ''}-${b ?? ''}`);
  const text = fc.oneof(
    fc.array(spec, { maxLength: 12 }).map((all) => `bytes=${all.join(', ')}`),
    fc.string(),
  );
  fc.assert(
    fc.property(text, fc.nat(3000), (asked, length) => {
      const answer = resolveRange(asked, length);
      const ranges = answer.kind === 'one' ? [answer.range] : answer.kind === 'several' ? answer.ranges : [];
      const seen = new Set<number>();
      for (const { first, last } of ranges) {
        assert.ok(first >= 0 && first <= last && last < length);
        for (let i = first; i <= last; i++) {
          assert.ok(!seen.has(i));
          seen.add(i);
        }
      }
    }),
  );
});
