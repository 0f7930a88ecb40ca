// gRPC-Web, https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-WEB.md

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GatewayError } from '../../src/core/errors.ts';
import { FrameWatcher } from '../../src/dialects/frames.ts';
import { grpcWeb, grpcWebFinal } from '../../src/dialects/grpc-web.ts';
import { head, refusalOf } from './head.ts';

test('a refusal is one frame of trailers, byte for byte', () => {
  const { status, headers, body } = grpcWeb.refuse(refusalOf(head('application/grpc-web+proto'), 'UNKNOWN_HOST'));
  const lines = 'grpc-status: 5\r\ngrpc-message: This host is not served here.\r\n';
  assert.equal(status, 200);
  assert.equal(headers['content-type'], 'application/grpc-web+proto');
  assert.deepEqual(body, Buffer.concat([Buffer.from([0x80, 0, 0, 0, lines.length]), Buffer.from(lines)]));
  assert.equal(headers['grpc-status'], undefined, 'said once: a client that reads both would be told twice');
});

test('a refusal of gRPC-Web text is the same frame in base64, with padding', () => {
  for (const code of ['TOO_MANY_REQUESTS', 'NO_ROUTE', 'DEFECT', 'DRAINING', 'UNKNOWN_HOST'] as const) {
    const binary = grpcWeb.refuse(refusalOf(head('application/grpc-web'), code));
    const text = grpcWeb.refuse(refusalOf(head('application/grpc-web-text+proto'), code));
    assert.equal(text.headers['content-type'], 'application/grpc-web-text+proto');
    assert.ok(Buffer.isBuffer(binary.body));
    assert.equal(text.body, binary.body.toString('base64'));
  }
});

test('the type of the request is echoed without parameters; a codec that is none is left out', () => {
  for (const [asked, answered] of [
    ['application/grpc-web', 'application/grpc-web'],
    ['Application/gRPC-Web+JSON; charset=utf-8', 'application/grpc-web+json'],
    ['application/grpc-web-text', 'application/grpc-web-text'],
    ['application/grpc-web+<script>', 'application/grpc-web'],
    ['application/grpc-web-text+\u00e9', 'application/grpc-web-text'],
  ] as const)
    assert.equal(grpcWeb.refuse(refusalOf(head(asked), 'NO_ROUTE')).headers['content-type'], answered);
});

test('a binary stream that has begun ends with a frame of trailers; text can only be reset', () => {
  const error = new GatewayError('UPSTREAM_CUT');
  const watcher = new FrameWatcher(grpcWebFinal);
  watcher.push(grpcWeb.endFrame!(error, head('application/grpc-web+proto'))!);
  assert.equal(watcher.ended, true);
  assert.equal(watcher.outcome, '14');
  assert.equal(grpcWeb.endFrame!(error, head('application/grpc-web-text')), undefined);
  assert.equal(grpcWeb.endWith(error), undefined);
});

test('the outcome is what the head says: nothing, unless the body is empty', () => {
  assert.equal(grpcWeb.outcome(['content-type', 'application/grpc-web+proto'], undefined), undefined);
  assert.equal(grpcWeb.outcome(['grpc-status', '7'], undefined), '7');
});
