// Connect, https://connectrpc.com/docs/protocol

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromBinary, toJson } from '@bufbuild/protobuf';
import { GatewayError } from '../../src/core/errors.ts';
import { connect, connectFinal } from '../../src/dialects/connect.ts';
import { FrameWatcher } from '../../src/dialects/frames.ts';
import { RetryInfoDesc } from './google-rpc.ts';
import { head, refusalOf } from './head.ts';

const unary = head('application/proto');

test('a unary error is JSON, also for a call in proto; its code is the name', () => {
  const { status, headers, body } = connect.refuse(refusalOf(unary, 'UNKNOWN_HOST'));
  assert.equal(status, 404);
  assert.equal(headers['content-type'], 'application/json');
  assert.deepEqual(JSON.parse(String(body)), { code: 'not_found', message: 'This host is not served here.' });
});

for (const [code, status, name] of [
  ['BAD_PATH', 400, 'invalid_argument'],
  ['TOO_MANY_REQUESTS', 429, 'resource_exhausted'],
  ['INTERNAL_ROUTE', 403, 'permission_denied'],
  ['NO_ROUTE', 501, 'unimplemented'],
  ['METHOD_NOT_ALLOWED', 501, 'unimplemented'],
  ['CONNECT_FAILED', 503, 'unavailable'],
  ['NO_ENDPOINT', 503, 'unavailable'],
  ['DEADLINE_EXCEEDED', 504, 'deadline_exceeded'],
  ['REQUEST_TIMEOUT', 504, 'deadline_exceeded'],
  ['DEFECT', 500, 'internal'],
  ['CLIENT_LEFT', 499, 'canceled'],
  ['UNAUTHORIZED', 401, 'unauthenticated'],
  // these say what is wrong better than the status of their code
  ['BODY_TOO_LARGE', 413, 'resource_exhausted'],
  ['URL_TOO_LONG', 414, 'resource_exhausted'],
  ['HEADERS_TOO_LARGE', 431, 'resource_exhausted'],
  ['BAD_CONTENT_TYPE', 415, 'invalid_argument'],
] as const)
  test(`${code} is ${name} with status ${status}`, () => {
    const refusal = connect.refuse(refusalOf(unary, code));
    assert.equal(refusal.status, status);
    assert.equal(JSON.parse(String(refusal.body)).code, name);
  });

test('a unary error that says when to come again has Retry-After and a RetryInfo', () => {
  const { headers, body } = connect.refuse(refusalOf(unary, 'TOO_MANY_REQUESTS', { retryAfterS: 5 }));
  assert.equal(headers['retry-after'], '5');
  const [detail] = JSON.parse(String(body)).details;
  assert.equal(detail.type, 'google.rpc.RetryInfo');
  assert.deepEqual(toJson(RetryInfoDesc, fromBinary(RetryInfoDesc, Buffer.from(detail.value, 'base64'))), {
    retryDelay: '5s',
  });
});

test('a refused stream has status 200, the type of the request, and one envelope that ends it', () => {
  const { status, headers, body } = connect.refuse(
    refusalOf(head('Application/Connect+Proto; charset=utf-8'), 'BODY_TOO_LARGE'),
  );
  assert.equal(status, 200);
  assert.equal(headers['content-type'], 'application/connect+proto');
  assert.ok(Buffer.isBuffer(body));
  assert.equal(body[0], 0x02);
  assert.equal(body.readUInt32BE(1), body.length - 5);
  assert.deepEqual(JSON.parse(body.toString('utf8', 5)), {
    error: { code: 'resource_exhausted', message: 'The request body is too large.' },
    metadata: {},
  });
});

test('a codec that cannot be one is not echoed', () => {
  for (const codec of ['<script>', '\u00e9', 'a'.repeat(40)])
    assert.equal(
      connect.refuse(refusalOf(head(`application/connect+${codec}`), 'NO_ROUTE')).headers['content-type'],
      'application/connect+json',
    );
});

test('a stream that has begun ends with an envelope; a unary answer can only be reset', () => {
  const error = new GatewayError('UPSTREAM_CUT');
  const watcher = new FrameWatcher(connectFinal);
  watcher.push(connect.endFrame!(error, head('application/connect+json'))!);
  assert.equal(watcher.ended, true);
  assert.equal(watcher.outcome, '14');
  assert.equal(connect.endFrame!(error, unary), undefined);
  assert.equal(connect.endWith(error), undefined);
});
