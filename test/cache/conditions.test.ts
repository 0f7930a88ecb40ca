// Conditional requests against a stored answer.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { evaluate, notModifiedFields, rangeHolds, type Validators } from '../../src/cache/conditions.ts';
import { parseTag, tagText } from '../../src/cache/etag.ts';
import type { Fields } from '../../src/core/raw.ts';

const NOW = Date.UTC(2026, 0, 1);
const at = (seconds: number) => new Date(NOW + seconds * 1000).toUTCString();

function validators(...tags: string[]): Validators {
  return { tags: tags.map((tag) => parseTag(tag)!), lastModified: at(-3000), date: at(0) };
}
const outcome = (request: Fields, own: Validators) => evaluate(request, own, NOW).outcome;

test('If-None-Match: the list, weak comparison, and *', () => {
  const own = validators('"abcdef"');
  for (const same of ['"abcdef"', 'W/"abcdef"', '"1", "abcdef", "2"', '*']) {
    assert.equal(outcome(['if-none-match', same], own), 'not_modified', same);
  }
  for (const other of ['"1"', 'abcdef', '']) assert.equal(outcome(['if-none-match', other], own), 'proceed', other);
  assert.equal(outcome(['if-none-match', '"1"', 'if-none-match', '"abcdef"'], own), 'not_modified');
});

test('a tag of another coding of the same body is one that the client has, and the 304 names it', () => {
  const own = validators('"x-br"', '"x-gzip"', '"x"');
  assert.deepEqual(evaluate(['if-none-match', '"x-gzip"'], own, NOW), {
    outcome: 'not_modified',
    tag: { weak: false, opaque: 'x-gzip' },
  });
});

test('If-Modified-Since counts only without If-None-Match', () => {
  const own = validators('"a"');
  const since = (seconds: number) => ['if-modified-since', at(seconds)];
  assert.equal(outcome(since(-3000), own), 'not_modified');
  assert.equal(outcome(since(-2000), own), 'not_modified');
  assert.equal(outcome(since(-3001), own), 'proceed');
  assert.equal(outcome(['if-none-match', '"b"', ...since(0)], own), 'proceed');
  assert.equal(outcome(['if-none-match', '"a"', ...since(-9000)], own), 'not_modified');
  assert.equal(outcome(['if-modified-since', 'yesterday'], own), 'proceed');
  assert.equal(outcome([...since(0), ...since(0)], own), 'proceed');
});

test('without Last-Modified, Date stands for it; a Last-Modified in UTC is read', () => {
  const own = { ...validators('"a"'), lastModified: undefined };
  assert.equal(outcome(['if-modified-since', at(0)], own), 'not_modified');
  assert.equal(outcome(['if-modified-since', at(-1)], own), 'proceed');
  const utc = { ...own, lastModified: at(-5).replace('GMT', 'UTC') };
  assert.equal(outcome(['if-modified-since', at(-5)], utc), 'not_modified');
});

test('If-Match wants a strong match, and comes before everything else', () => {
  const own = validators('"a"');
  assert.equal(outcome(['if-match', '"b", "a"'], own), 'proceed');
  assert.equal(outcome(['if-match', '*'], own), 'proceed');
  assert.equal(outcome(['if-match', 'W/"a"'], own), 'precondition_failed');
  assert.equal(outcome(['if-match', '"b"', 'if-none-match', '"a"'], own), 'precondition_failed');
  assert.equal(outcome(['if-match', '"a"'], validators('W/"a"')), 'precondition_failed');
});

test('If-Unmodified-Since counts only without If-Match', () => {
  const own = validators('"a"');
  assert.equal(outcome(['if-unmodified-since', at(-3001)], own), 'precondition_failed');
  assert.equal(outcome(['if-unmodified-since', at(-3000)], own), 'proceed');
  assert.equal(outcome(['if-match', '"a"', 'if-unmodified-since', at(-9000)], own), 'proceed');
  assert.equal(outcome(['if-unmodified-since', 'never'], own), 'proceed');
});

test('If-Range wants exactly what would be sent', () => {
  const own = validators('"a"', '"a-br"');
  const holds = (value: string, against = own) => rangeHolds(['if-range', value], against, NOW);
  assert.equal(rangeHolds([], own, NOW), true);
  assert.equal(holds('"a"'), true);
  for (const other of ['"a-br"', 'W/"a"', '"b"', 'a', '', '"a", "b"', '*']) assert.equal(holds(other), false, other);
  assert.equal(holds('W/"a"', validators('W/"a"')), false);
});

test('a date in If-Range must be the same, and a second older than Date', () => {
  const own = validators('"a"');
  const holds = (value: string, against = own) => rangeHolds(['if-range', value], against, NOW);
  assert.equal(holds(at(-3000)), true);
  assert.equal(holds(at(-2999)), false);
  assert.equal(holds(at(0), { ...own, lastModified: at(0) }), false);
  assert.equal(holds(at(-3000), { ...own, date: undefined }), false);
  assert.equal(holds(at(-3000), { ...own, lastModified: undefined }), false);
});

test('a 304 has what a cache needs, and nothing of the body', () => {
  const kept = [
    'cache-control',
    'x',
    'date',
    'x',
    'etag',
    '"a"',
    'expires',
    'x',
    'vary',
    'x',
    'content-location',
    '/a',
  ];
  const more = ['content-security-policy', 'x', 'access-control-allow-origin', '*'];
  const body = ['content-type', 'x', 'content-length', '5', 'content-encoding', 'br', 'last-modified', 'x'];
  assert.deepEqual(notModifiedFields([...kept, ...body, ...more]), [...kept, ...more]);
  assert.deepEqual(notModifiedFields(['last-modified', 'x']), ['last-modified', 'x']);
});

test('a 304 names the first of our tags that the client has, in the same strength where it has such a one', () => {
  const tag = fc.record({ weak: fc.boolean(), opaque: fc.constantFrom('a', 'b', 'c', 'd') });
  fc.assert(
    fc.property(fc.array(tag, { maxLength: 6 }), fc.array(tag, { maxLength: 6 }), (tags, had) => {
      const same = tags.filter(({ opaque }) => had.some((other) => other.opaque === opaque));
      const exact = same.find((own) => had.some((other) => other.opaque === own.opaque && other.weak === own.weak));
      const first = exact ?? same[0];
      const own = { tags, lastModified: undefined, date: undefined };
      const expected = first === undefined ? { outcome: 'proceed' } : { outcome: 'not_modified', tag: first };
      assert.deepEqual(evaluate(['if-none-match', had.map(tagText).join(', ')], own, NOW), expected);
    }),
  );
});

test('whatever the request says, there is one outcome', () => {
  const name = fc.constantFrom('if-match', 'if-none-match', 'if-modified-since', 'if-unmodified-since', 'if-range');
  const value = fc.oneof(fc.string(), fc.constantFrom('"a"', 'W/"a"', '*', at(-3000), at(0)));
  fc.assert(
    fc.property(fc.array(fc.tuple(name, value)), (pairs) => {
      assert.ok(['proceed', 'not_modified', 'precondition_failed'].includes(outcome(pairs.flat(), validators('"a"'))));
      rangeHolds(pairs.flat(), validators('"a"'), NOW);
    }),
  );
});
