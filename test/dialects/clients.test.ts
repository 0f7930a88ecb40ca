// What real clients make of a refusal: code, message and wait, in every dialect and version of HTTP that they speak.
// Harm of another shape: a bare 429 is UNAVAILABLE to all of them and is sent again at once; 429 with grpc-status 8 is
// RESOURCE_EXHAUSTED to one and UNAVAILABLE to the next.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { fromBinary, toJson } from '@bufbuild/protobuf';
import { Code, ConnectError, createClient, type Transport } from '@connectrpc/connect';
import * as node from '@connectrpc/connect-node';
import * as web from '@connectrpc/connect-web';
import * as grpcJs from '@grpc/grpc-js';
import { createServerTransport } from '@zitadel/client/node';
import { createClientTransport } from '@zitadel/client/web';
import { AdminService } from '@zitadel/proto/zitadel/admin_pb.js';
import { SessionService } from '@zitadel/proto/zitadel/session/v2/session_service_pb.js';
import type { ErrorCode } from '../../src/core/catalogue.ts';
import { GatewayError } from '../../src/core/errors.ts';
import { RetryInfoDesc, StreamingDesc } from './google-rpc.ts';
import { type RefusingServer, startRefusingServer } from './refusing-server.ts';

let server: RefusingServer;
before(async () => {
  server = await startRefusingServer();
});
after(() => server[Symbol.asyncDispose]());

type HttpVersion = '1.1' | '2';

/** Transports by name; `speaksV1`: ZITADEL's v1 services are spoken to in this protocol. */
const TRANSPORTS: readonly { name: string; speaksV1: boolean; make: () => Transport }[] = [
  {
    name: '@zitadel/client on a server, gRPC',
    speaksV1: true,
    make: () => createServerTransport('token', { baseUrl: server.url['2'] }),
  },
  {
    name: '@zitadel/client in a browser, gRPC-Web',
    speaksV1: true,
    make: () => createClientTransport('token', { baseUrl: server.url['1.1'] }),
  },
  {
    name: 'connect-web, gRPC-Web in JSON',
    speaksV1: true,
    make: () => web.createGrpcWebTransport({ baseUrl: server.url['1.1'], useBinaryFormat: false }),
  },
  ...[true, false].map((useBinaryFormat) => ({
    name: `connect-web, Connect in ${useBinaryFormat ? 'proto' : 'JSON'}`,
    speaksV1: false,
    make: () => web.createConnectTransport({ baseUrl: server.url['1.1'], useBinaryFormat }),
  })),
  {
    name: 'connect-node, gRPC',
    speaksV1: true,
    make: () => node.createGrpcTransport({ baseUrl: server.url['2'] }),
  },
  ...(['1.1', '2'] as const satisfies HttpVersion[]).flatMap((httpVersion) => [
    {
      name: `connect-node, gRPC-Web over HTTP/${httpVersion}`,
      speaksV1: true,
      make: () => node.createGrpcWebTransport({ baseUrl: server.url[httpVersion], httpVersion }),
    },
    ...[true, false].map((useBinaryFormat) => ({
      name: `connect-node, Connect in ${useBinaryFormat ? 'proto' : 'JSON'} over HTTP/${httpVersion}`,
      speaksV1: false,
      make: () => node.createConnectTransport({ baseUrl: server.url[httpVersion], httpVersion, useBinaryFormat }),
    })),
  ]),
];

/** What stands for the catalogue: one of each kind. */
const EXPECTED: readonly (readonly [code: ErrorCode, status: Code])[] = [
  ['BAD_HEADER', Code.InvalidArgument],
  ['INTERNAL_ROUTE', Code.PermissionDenied],
  ['UNKNOWN_HOST', Code.NotFound],
  ['NO_ROUTE', Code.Unimplemented],
  ['TOO_MANY_REQUESTS', Code.ResourceExhausted],
  ['BODY_TOO_LARGE', Code.ResourceExhausted],
  ['HEADERS_TOO_LARGE', Code.ResourceExhausted],
  ['CONNECT_FAILED', Code.Unavailable],
  ['NO_ENDPOINT', Code.Unavailable],
  ['DEADLINE_EXCEEDED', Code.DeadlineExceeded],
  ['DEFECT', Code.Internal],
];

const failureOf = async (call: Promise<unknown>): Promise<ConnectError> => {
  const failure = await call.then(
    () => assert.fail('the call went well'),
    (thrown: unknown) => thrown,
  );
  assert.ok(failure instanceof ConnectError, String(failure));
  return failure;
};

for (const { name, speaksV1, make } of TRANSPORTS)
  test(`${name} reads code, message, wait and request id of every kind of refusal`, async () => {
    const transport = make();
    const call = speaksV1
      ? () => createClient(AdminService, transport).healthz({})
      : () => createClient(SessionService, transport).listSessions({});
    for (const [code, status] of EXPECTED) {
      const error = new GatewayError(code, { ...(code === 'TOO_MANY_REQUESTS' && { retryAfterS: 7.5 }) });
      server.plan = { error };
      const failure = await failureOf(call());
      assert.equal(Code[failure.code], Code[status], code);
      assert.equal(failure.rawMessage, error.message);
      assert.equal(failure.metadata.get('x-request-id'), 'request-1');
      const infos = failure.details.map((detail) => {
        assert.ok('value' in detail && detail.value instanceof Uint8Array && 'type' in detail);
        assert.equal(detail.type, 'google.rpc.RetryInfo');
        return toJson(RetryInfoDesc, fromBinary(RetryInfoDesc, detail.value));
      });
      const { retryAfterS } = error;
      assert.deepEqual(infos, retryAfterS === undefined ? [] : [{ retryDelay: retryAfterS === 7.5 ? '7.500s' : '1s' }]);
    }
  });

for (const { name, make } of TRANSPORTS) {
  const watch = () =>
    (createClient(StreamingDesc, make()) as unknown as { watch(input: object): AsyncIterable<unknown> }).watch({});
  const read = async (messages: unknown[]) => {
    for await (const message of watch()) messages.push(message);
  };

  test(`${name} reads the refusal of a stream`, async () => {
    for (const [code, status] of EXPECTED) {
      server.plan = { error: new GatewayError(code) };
      const failure = await failureOf(read([]));
      assert.equal(Code[failure.code], Code[status], code);
      assert.equal(failure.rawMessage, server.plan.error.message);
    }
  });

  test(`${name} reads the failure of a stream that has begun, after the messages before it`, async () => {
    server.plan = { error: new GatewayError('UPSTREAM_CUT'), afterMessage: true };
    const messages: unknown[] = [];
    const failure = await failureOf(read(messages));
    assert.equal(messages.length, 1);
    assert.equal(Code[failure.code], 'Unavailable');
    assert.equal(failure.rawMessage, 'The upstream stopped in the middle of its answer.');
  });
}

test('grpc-js reads code, message, wait and request id of every kind of refusal', async () => {
  const client = new grpcJs.Client(new URL(server.url['2']).host, grpcJs.credentials.createInsecure());
  const empty = () => Buffer.alloc(0);
  try {
    for (const [code, status] of EXPECTED) {
      const error = new GatewayError(code, { ...(code === 'TOO_MANY_REQUESTS' && { retryAfterS: 7.5 }) });
      server.plan = { error };
      const failure = await new Promise<grpcJs.ServiceError | null>((resolve) => {
        client.makeUnaryRequest('/zitadel.admin.v1.AdminService/Healthz', empty, empty, null, (thrown) =>
          resolve(thrown),
        );
      });
      assert.equal(failure?.code, status, code);
      assert.equal(failure.details, error.message);
      assert.deepEqual(failure.metadata.get('x-request-id'), ['request-1']);
      assert.equal(failure.metadata.get('grpc-status-details-bin').length, error.retryAfterS === undefined ? 0 : 1);
    }
  } finally {
    client.close();
  }
});
