// Paths are routed by what they mean, RFC 3986 section 6.2.2, and refused where they could mean two things.
// Harm: ZITADEL routes on the decoded path (gorilla/mux), so a rule on the raw bytes is passed by `/v2/%73essions`.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodePath, hostOf, routerPath } from '../../src/core/path.ts';

const DECODED: [target: string, path: string, query?: string][] = [
  ['/', '/'],
  ['/ui/console/', '/ui/console/'],
  ['/v2/%73essions', '/v2/sessions'],
  ['/v2/%53essions', '/v2/Sessions'],
  ['/v2/sessions?x=%2e%2e/..//', '/v2/sessions', 'x=%2e%2e/..//'],
  ['/.well-known/openid-configuration', '/.well-known/openid-configuration'],
  ['/a..b/...', '/a..b/...'],
  ['/%E2%82%AC', '/€'],
  ['/a%20b', '/a b'],
  ['/a%3Fb%23c', '/a?b#c'],
  ['/a%252Fb', '/a%2Fb'],
  ['/a?', '/a', ''],
];
for (const [target, path, query] of DECODED) {
  test(`${target} means ${path}`, () => {
    assert.deepEqual(decodePath(target), { path, query, encodedSlash: false });
  });
}

test('an encoded slash is told, in either case of its digits', () => {
  assert.equal(decodePath('/a%2Fb')?.encodedSlash, true);
  assert.equal(decodePath('/a%2fb')?.encodedSlash, true);
  assert.equal(decodePath('/a?b=%2f')?.encodedSlash, false);
});

const REFUSED = [
  ...['//', '/a//b', '//a', '/a/%2Fb', '/a%2F%2Fb'],
  ...['/.', '/..', '/a/./b', '/a/../b', '/a/..', '/%2e', '/a/%2E%2e/b', '/a/.%2e', '/a%2F..%2Fb'],
  ...['/a\\b', '/a%5Cb', '/a%5cb', '/..\\a'],
  ...['/a%00', '/a%0a', '/a%0D', '/a%7f', '/a\0', '/a b', '/a\tb', '/ü'],
  ...['/a#b', '/a?b#c', '/a?b c', '/a?b\r\nx: y', '/a?\0', '/a?ü'],
  ...['/%', '/%4', '/%zz', '/%c0%af', '/%ff', '/%ed%a0%80'],
];
for (const target of REFUSED) {
  test(`${JSON.stringify(target)} is refused`, () => assert.equal(decodePath(target), undefined));
}

test('property: a decoded path has no second reading', () => {
  const piece = fc.constantFrom(
    'a',
    '.',
    '..',
    '/',
    '%2f',
    '%2F',
    '%2e',
    '%5c',
    '\\',
    '%00',
    '%25',
    '%73',
    ';',
    '?',
    '#',
    '%',
    'é',
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const decoded = decodePath(`/${pieces.join('')}`);
      if (decoded === undefined) return;
      assert.doesNotMatch(decoded.path, /\\|\/\/|\/\.{1,2}(?:\/|$)|[\x00-\x1f\x7f]/);
      assert.equal(new URL(routerPath(decoded.path), 'http://a').pathname.length >= decoded.path.length, true);
    }),
    { numRuns: 2000 },
  );
});

test('property: what the router is given is never longer than what came', () => {
  // A segment that outgrows the router's limit would fall through to a looser route.
  fc.assert(
    fc.property(fc.stringMatching(/^\/[a;?#%é -]{0,40}$/), (path) => {
      const raw = `/${encodeURIComponent(path.slice(1)).replaceAll('%3B', ';')}`;
      const decoded = decodePath(raw);
      if (decoded !== undefined) assert.ok(routerPath(decoded.path).length <= raw.length);
    }),
  );
});

test('the host of an authority has no port, no case and no final dot', () => {
  assert.equal(hostOf('ID.Example.com:8443'), 'id.example.com');
  assert.equal(hostOf('id.example.com.'), 'id.example.com');
  assert.equal(hostOf('id.example.com.:443'), 'id.example.com');
  assert.equal(hostOf('[2001:DB8::1]:443'), '[2001:db8::1]');
  assert.equal(hostOf('[::1]'), '[::1]');
});
