// What callers of plain HTTP are told, in the form of the route.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromJson, type JsonValue } from '@bufbuild/protobuf';
import type { ErrorCode } from '../../src/core/catalogue.ts';
import { type ErrorDetails, GatewayError } from '../../src/core/errors.ts';
import type { RefusalForm } from '../../src/core/exchange.ts';
import { http } from '../../src/dialects/http.ts';
import { registry, StatusDesc } from './google-rpc.ts';
import { head, refusalOf } from './head.ts';

const get = head('', { method: 'GET', path: '/anything' });
const refuse = (form: RefusalForm, code: ErrorCode, details: ErrorDetails = {}) =>
  http.refuse(refusalOf(get, code, { form, ...details }));

test('REST is google.rpc.Status in JSON: the code is the number, the request id a detail that clients can parse', () => {
  const { status, headers, body } = refuse('rest', 'TOO_MANY_REQUESTS', { retryAfterS: 0.25 });
  assert.equal(status, 429);
  assert.equal(headers['content-type'], 'application/json');
  assert.equal(headers['retry-after'], '1');
  const json = JSON.parse(String(body)) as JsonValue;
  assert.deepEqual(json, {
    code: 8,
    message: 'Too many requests.',
    details: [
      { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '0.250s' },
      { '@type': 'type.googleapis.com/google.rpc.RequestInfo', requestId: 'request-1' },
    ],
  });
  fromJson(StatusDesc, json, { registry, ignoreUnknownFields: false });
});

test('a path that nothing serves is REST code 5, as ZITADEL says it, though an RPC would be unimplemented', () => {
  const { status, body } = refuse('rest', 'NO_ROUTE');
  assert.equal(status, 404);
  assert.deepEqual({ ...JSON.parse(String(body)), details: [] }, { code: 5, message: 'Not Found', details: [] });
});

test('OAuth is an error of RFC 6749 that no cache keeps', () => {
  const { status, headers, body } = refuse('oauth', 'CONNECT_FAILED');
  assert.equal(status, 502);
  assert.equal(headers['content-type'], 'application/json');
  assert.equal(headers['cache-control'], 'no-store');
  assert.equal(headers.pragma, 'no-cache');
  assert.deepEqual(JSON.parse(String(body)), {
    error: 'server_error',
    error_description: 'The upstream cannot be reached.',
  });
});

test('SCIM is an error of RFC 7644, with the status as text', () => {
  const { status, headers, body } = refuse('scim', 'BODY_TOO_LARGE');
  assert.equal(status, 413);
  assert.equal(headers['content-type'], 'application/scim+json');
  assert.deepEqual(JSON.parse(String(body)), {
    schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'],
    status: '413',
    detail: 'The request body is too large.',
  });
});

test('text is one line', () => {
  const { headers, body } = refuse('text', 'NO_ENDPOINT');
  assert.equal(headers['content-type'], 'text/plain; charset=utf-8');
  assert.equal(body, 'No upstream is available. (request id request-1)\n');
});

test('a 405 lists the methods that are allowed, a 401 names its scheme', () => {
  assert.equal(refuse('rest', 'METHOD_NOT_ALLOWED', { allow: ['GET', 'HEAD'] }).headers.allow, 'GET, HEAD');
  assert.equal(refuse('rest', 'NO_ROUTE', { allow: ['GET'] }).headers.allow, undefined);
  assert.equal(refuse('rest', 'UNAUTHORIZED').headers['www-authenticate'], 'Bearer');
});

test('gRPC over HTTP/1.1 is answered as REST on every route, as ZITADEL does', () => {
  for (const form of ['rest', 'oauth', 'scim', 'html', 'text'] as const) {
    const context = refusalOf(head('application/grpc+proto', { http: 1 }), 'NO_ROUTE', { form });
    assert.equal(JSON.parse(String(http.refuse(context).body)).code, 5, form);
  }
});

test('an answer that has begun can only be reset', () => {
  assert.equal(http.endWith(new GatewayError('UPSTREAM_CUT')), undefined);
  assert.equal(http.endFrame, undefined);
  assert.equal(http.outcome(['grpc-status', '5'], undefined), undefined);
});
