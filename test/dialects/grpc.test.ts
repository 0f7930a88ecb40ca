// gRPC over HTTP/2, https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromBinary, toJson } from '@bufbuild/protobuf';
import { GatewayError } from '../../src/core/errors.ts';
import { grpc } from '../../src/dialects/grpc.ts';
import { knownStatus, percentEncode } from '../../src/dialects/grpc-status.ts';
import { registry, StatusDesc } from './google-rpc.ts';
import { head, refusalOf } from './head.ts';

const request = head('application/grpc+proto');

test('a refusal is trailers-only: status 200, the gRPC status in the head, no body', () => {
  assert.deepEqual(grpc.refuse(refusalOf(request, 'INTERNAL_ROUTE')), {
    status: 200,
    headers: {
      'content-type': 'application/grpc',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'x-request-id': 'request-1',
      'grpc-status': '7',
      'grpc-message': 'This path is not open on this listener.',
    },
    body: null,
  });
});

test('a refusal that says when to come again has a pushback, Retry-After and a RetryInfo with the same code', () => {
  const { headers } = grpc.refuse(refusalOf(request, 'TOO_MANY_REQUESTS', { retryAfterS: 2.5 }));
  assert.equal(headers['grpc-retry-pushback-ms'], '2500');
  assert.equal(headers['retry-after'], '3');
  const status = fromBinary(StatusDesc, Buffer.from(headers['grpc-status-details-bin']!, 'base64'));
  assert.deepEqual(toJson(StatusDesc, status, { registry }), {
    code: 8,
    message: headers['grpc-message'],
    details: [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '2.500s' }],
  });
});

test('a stream that has begun ends with trailers: status and message, and no invitation to send it again', () => {
  assert.deepEqual(grpc.endWith(new GatewayError('UPSTREAM_CUT', { retryAfterS: 1 })), [
    'grpc-status',
    '14',
    'grpc-message',
    'The upstream stopped in the middle of its answer.',
  ]);
  assert.equal(grpc.endFrame, undefined);
});

test('the outcome is the trailer, else the field of a trailers-only answer', () => {
  assert.equal(grpc.outcome(['grpc-status', '5'], ['grpc-status', '0']), '0');
  assert.equal(grpc.outcome(['content-type', 'application/grpc', 'grpc-status', '16'], undefined), '16');
  assert.equal(grpc.outcome([], ['x', 'y']), undefined);
});

test('a status that does not exist is UNKNOWN, so that a broken upstream cannot make labels without end', () => {
  for (const status of ['17', '-1', '00', '1e1', 'ok', ''])
    assert.equal(grpc.outcome([], ['grpc-status', status]), '2', status);
  assert.equal(knownStatus(undefined), undefined);
});

test('grpc-message is printable ASCII: all else, and the percent sign, is percent-encoded UTF-8', () => {
  assert.equal(percentEncode('plain (text), "quoted" ~'), 'plain (text), "quoted" ~');
  assert.equal(percentEncode('100 %\r\n'), '100 %25%0D%0A');
  assert.equal(percentEncode('zu groß 🏰'), 'zu gro%C3%9F %F0%9F%8F%B0');
  assert.equal(percentEncode('half \ud83c pair'), 'half %EF%BF%BD pair');
});
