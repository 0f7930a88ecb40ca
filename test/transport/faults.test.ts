// What is wrong with a request's form, found before anything is routed.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { UNROUTABLE } from '../../src/core/path.ts';
import { isAuthority, type RequestForm, routingForm } from '../../src/transport/faults.ts';
import { headFields } from '../../src/transport/head-fields.ts';

const LIMITS = { maxHeaderBytes: 100, maxHeaderCount: 2, maxUrlBytes: 50 };
function form(more: Partial<RequestForm> = {}) {
  const head = headFields([], true);
  return routingForm({ method: 'GET', target: '/a', authority: 'a', authorities: 1, head, limits: LIMITS, ...more });
}

test('a good request is routed by its decoded path', () => {
  assert.deepEqual(form({ target: '/%61?x' }), {
    method: 'GET',
    path: '/a',
    encodedSlash: false,
    url: '/a',
    fault: undefined,
  });
});

test('a method that no route can have is routed as one that none has', () => {
  for (const method of ['get', 'TRACE', 'PROPFIND', 'QUERY', 'BREW', '']) {
    const { method: routed, fault } = form({ method });
    assert.deepEqual([routed, fault], ['TRACE', undefined]);
  }
});

for (const [title, more, code, detail] of [
  ['a long target', { target: `/${'a'.repeat(50)}` }, 'URL_TOO_LONG', 'limits.max_url_bytes: 51 bytes'],
  [
    'large fields',
    { head: headFields(['a', 'b'.repeat(100)], true) },
    'HEADERS_TOO_LARGE',
    'limits.max_header_bytes: 133 bytes',
  ],
  [
    'many fields',
    { head: headFields(['a', '', 'b', '', 'c', ''], true) },
    'HEADERS_TOO_LARGE',
    'limits.max_header_count: 3 fields',
  ],
  ['CONNECT', { method: 'CONNECT', target: 'a:443' }, 'METHOD_NOT_ALLOWED', undefined],
  ['several authorities', { authorities: 2 }, 'BAD_AUTHORITY', undefined],
  ['no authority', { authority: '' }, 'BAD_AUTHORITY', undefined],
  ['a malformed path', { target: '/a/../b' }, 'BAD_PATH', undefined],
  ['an absolute target', { target: 'http://a/' }, 'BAD_PATH', undefined],
  ['OPTIONS *', { method: 'OPTIONS', target: '*' }, 'NO_ROUTE', undefined],
  ['GET *', { target: '*' }, 'BAD_PATH', undefined],
] as const) {
  test(`${title} is ${code}, and no route takes it`, () => {
    const { fault, url } = form(more as Partial<RequestForm>);
    assert.equal(fault?.code, code);
    if (detail !== undefined) assert.equal(fault?.detail, detail);
    assert.equal(url, UNROUTABLE);
  });
}

test('a fault that was found before comes first', () => {
  assert.equal(form({ target: '/..', fault: { code: 'EXPECTATION_FAILED' } }).fault?.code, 'EXPECTATION_FAILED');
});

test('property: an authority has no character that URLs, fields or logs read as syntax', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      if (isAuthority(text)) assert.match(text, /^(?:[\w.~-]+|\[[0-9a-f:.]+\])(?::\d{0,5})?$/i);
    }),
  );
  fc.assert(
    fc.property(fc.domain(), fc.nat(65_535), (name, port) => isAuthority(name) && isAuthority(`${name}:${port}`)),
  );
  fc.assert(fc.property(fc.ipV6(), (address) => isAuthority(`[${address}]`)));
});
