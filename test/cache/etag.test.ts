// Entity tags: read, compared, and made for each coding.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  bodyTag,
  codedTag,
  MAX_TAGS,
  parseTag,
  parseTagList,
  strongMatch,
  tagText,
  uncodedList,
  weakMatch,
} from '../../src/cache/etag.ts';

const strong = (opaque: string) => ({ weak: false, opaque });
const weak = (opaque: string) => ({ weak: true, opaque });
const DIGEST = '47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU';

test('one tag, strong or weak; what is not quoted is none', () => {
  assert.deepEqual(parseTag('"abc"'), strong('abc'));
  assert.deepEqual(parseTag(' W/"a,b" '), weak('a,b'));
  assert.deepEqual(parseTag('""'), strong(''));
  assert.deepEqual(parseTag('"abcdefü"'), strong('abcdefü'));
  for (const bad of ['abc', 'w/"abc"', 'W"abc"', 'W\\"abc"', '"a b"', '"a"b', '"a', '', undefined, '"a", "b"']) {
    assert.equal(parseTag(bad), undefined, String(bad));
  }
});

test('a list of tags; members that are none are left out', () => {
  assert.deepEqual(parseTagList('"a", W/"b,c" ,,"d"'), [strong('a'), weak('b,c'), strong('d')]);
  assert.deepEqual(parseTagList('abc, "a" x, "b", "c'), [strong('b')]);
  assert.equal(parseTagList(' * '), '*');
  assert.deepEqual(parseTagList('*, "a"'), [strong('a')]);
  assert.deepEqual(parseTagList(''), []);
});

/** The grammar as regular expressions. */
function listByGrammar(text: string): ReturnType<typeof parseTagList> {
  if (text.trim() === '*') return '*';
  const tags = [];
  let at = 0;
  while (tags.length < MAX_TAGS) {
    at += /^[ \t,]*/.exec(text.slice(at))![0].length;
    if (at >= text.length) break;
    const found = /^(W\/)?"([\x21\x23-\x7e\x80-\uffff]*)"/.exec(text.slice(at));
    at += found?.[0].length ?? 0;
    const rest = /^[^,]*/.exec(text.slice(at))![0];
    if (found !== null && rest.trim() === '') tags.push({ weak: found[1] !== undefined, opaque: found[2]! });
    at += rest.length;
  }
  return tags;
}

test('a list is read as its grammar says, whatever stands in it', () => {
  const piece = fc.oneof(
    fc.constantFrom(
      '"',
      'W/',
      'w/',
      'W',
      ',',
      ' ',
      '\t',
      '\n',
      '\u00a0',
      '*',
      'a',
      '"b"',
      'W/"c"',
      '\x7f',
      '\x80',
      '\\',
    ),
    fc.string({ unit: 'binary', maxLength: 2 }),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 24 }), (pieces) => {
      const text = pieces.join('');
      const expected = listByGrammar(text);
      assert.deepEqual(parseTagList(text), expected);
      const one = /^(W\/)?"([\x21\x23-\x7e\x80-\uffff]*)"$/.exec(text.trim());
      assert.deepEqual(parseTag(text), one === null ? undefined : { weak: one[1] !== undefined, opaque: one[2] });
    }),
    { numRuns: 3000 },
  );
});

test('attack: of endless tags only the first are looked at, and 64 KiB of garbage are read at once', () => {
  assert.equal(parseTagList('"a",'.repeat(10_000)).length, MAX_TAGS);
  for (const piece of ['"', ',', ' ', 'W/"', 'a"', '"a', '", ', 'W/', '",x']) {
    const text = piece.repeat(65_536 / piece.length);
    const started = process.cpuUsage();
    parseTagList(text);
    uncodedList(text, ['br']);
    const { user, system } = process.cpuUsage(started);
    assert.ok(user + system < 300_000, `${piece}: ${user + system} µs`);
  }
});

test('strong comparison wants both strong, weak comparison does not', () => {
  assert.equal(strongMatch(strong('a'), strong('a')), true);
  assert.equal(strongMatch(strong('a'), weak('a')), false);
  assert.equal(strongMatch(weak('a'), weak('a')), false);
  assert.equal(weakMatch(weak('a'), strong('a')), true);
  assert.equal(weakMatch(strong('a'), strong('b')), false);
});

test("the tag of a body is the origin's, or a strong one of its digest", () => {
  assert.deepEqual(bodyTag('W/"x"', DIGEST), weak('x'));
  assert.deepEqual(bodyTag(undefined, DIGEST), strong(DIGEST.slice(0, 22)));
  assert.deepEqual(bodyTag('unquoted', DIGEST), strong(DIGEST.slice(0, 22)));
});

test('each coding has its own tag; weak stays weak, and what is coded as it passes is weak', () => {
  assert.equal(tagText(codedTag(strong('x'), 'br', 'strong')), '"x-br"');
  assert.equal(tagText(codedTag(strong('x'), 'br', 'weak')), 'W/"x-br"');
  assert.equal(tagText(codedTag(weak('x'), 'gzip', 'strong')), 'W/"x-gzip"');
});

test('the origin is asked with its own tag beside ours, since a tag of its own may end like ours', () => {
  assert.equal(uncodedList('"x-br", W/"y-gzip", "z"', ['br', 'gzip']), '"x-br", "x", W/"y-gzip", W/"y", "z"');
  assert.equal(uncodedList('"x"', ['br']), undefined);
  assert.equal(uncodedList('*', ['br']), undefined);
});

test('every tag that is written can be read, alone and in a list', () => {
  const opaque = fc.stringMatching(/^[!#-~\x80-\xff]{0,20}$/);
  const tag = fc.tuple(fc.boolean(), opaque).map(([weak, opaque]) => ({ weak, opaque }));
  fc.assert(
    fc.property(fc.array(tag, { maxLength: 20 }), (tags) => {
      assert.deepEqual(parseTagList(tags.map(tagText).join(' ,')), tags);
      for (const one of tags) assert.deepEqual(parseTag(tagText(one)), one);
    }),
  );
  fc.assert(fc.property(fc.string(), (text) => void [parseTag(text), parseTagList(text), uncodedList(text, ['br'])]));
});
