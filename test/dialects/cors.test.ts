// CORS on refusals. Harm without it: the browser hides the refusal, and scripts see a network error instead of a 429.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { corsHeaders } from '../../src/dialects/cors.ts';
import { dialectOf } from '../../src/dialects/index.ts';
import { head, refusalOf } from './head.ts';

const of = (origin: string) => corsHeaders(head('', { headers: { origin } }));

test('the origin of the request is echoed, never a wildcard, with credentials and what ZITADEL exposes', () => {
  assert.deepEqual(of('https://app.example:8443'), {
    'access-control-allow-origin': 'https://app.example:8443',
    'access-control-allow-credentials': 'true',
    'access-control-expose-headers':
      'location, content-length, grpc-status, grpc-message, grpc-status-details-bin, retry-after, ratelimit, ratelimit-policy, x-request-id',
    vary: 'Origin',
  });
});

test('a request without Origin gets no CORS fields', () => {
  assert.deepEqual(corsHeaders(head('')), {});
});

test('what can be an origin is echoed', () => {
  for (const origin of ['null', 'http://localhost:4200', 'https://[::1]:8443', 'capacitor://localhost', 'file://'])
    assert.equal(of(origin)['access-control-allow-origin'], origin);
});

test('what cannot be one is not', () => {
  for (const origin of [
    '',
    '*',
    'example.com',
    'https://a.example, https://b.example',
    'https://a.example\r\nset-cookie: a=b',
    'https://a.example/path',
    'https://user@a.example',
    'https://\u00e4.example',
    `https://${'a'.repeat(300)}.example`,
  ])
    assert.deepEqual(of(origin), {}, JSON.stringify(origin));
  assert.deepEqual(corsHeaders({ ...head(''), headers: { origin: ['https://a.example', 'https://b.example'] } }), {});
});

for (const [what, requestHead] of [
  ['gRPC-Web', head('application/grpc-web+proto')],
  ['Connect', head('application/proto')],
  ['a Connect stream', head('application/connect+json')],
  ['REST', head('', { method: 'GET', path: '/v2/users' })],
  ['a preflight', head('', { method: 'OPTIONS', headers: { 'access-control-request-method': 'POST' } })],
] as const)
  test(`a refusal of ${what} can be read by another origin`, () => {
    const withOrigin = { ...requestHead, headers: { ...requestHead.headers, origin: 'https://app.example' } };
    const { headers } = dialectOf(withOrigin).refuse(refusalOf(withOrigin, 'TOO_MANY_REQUESTS'));
    assert.equal(headers['access-control-allow-origin'], 'https://app.example');
    assert.equal(headers.vary, 'Origin');
    const without = dialectOf(requestHead).refuse(refusalOf(requestHead, 'TOO_MANY_REQUESTS'));
    assert.equal(without.headers['access-control-allow-origin'], undefined);
  });

test('a refused preflight lets the call come, so that a script can read its refusal; nothing of it is remembered', () => {
  const preflight = head('', {
    method: 'OPTIONS',
    headers: {
      origin: 'https://app.example',
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization, x-grpc-web',
    },
  });
  const { status, headers, body } = dialectOf(preflight).refuse(refusalOf(preflight, 'CONNECT_FAILED'));
  assert.deepEqual([status, body, headers['content-type']], [204, null, undefined]);
  assert.equal(headers['access-control-allow-origin'], 'https://app.example');
  assert.equal(headers['access-control-allow-methods'], 'POST');
  assert.equal(headers['access-control-allow-headers'], 'authorization, x-grpc-web');
  assert.equal(headers['access-control-max-age'], '0');
});

for (const [what, headers] of [
  ['without an origin', {}],
  ['with an origin that is none', { origin: 'https://a.example\r\nx: y' }],
] as const)
  test(`a preflight ${what} is refused like any other request`, () => {
    const asked = head('', { method: 'OPTIONS', headers: { 'access-control-request-method': 'POST', ...headers } });
    assert.equal(dialectOf(asked).refuse(refusalOf(asked, 'CONNECT_FAILED')).status, 502);
  });

test('names that cannot be header names are not echoed', () => {
  const asked = head('', {
    method: 'OPTIONS',
    headers: {
      origin: 'https://app.example',
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'a\r\nset-cookie: b',
    },
  });
  const { headers } = dialectOf(asked).refuse(refusalOf(asked, 'NO_ROUTE'));
  assert.equal(headers['access-control-allow-headers'], undefined);
});
