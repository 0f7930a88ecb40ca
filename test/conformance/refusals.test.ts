// What the gateway itself says no to, as each client reads it: the code of the catalogue and its message.
// Harm: a bare 404 is UNIMPLEMENTED to a gRPC client, a bare 413 UNKNOWN, and an HTML page "message larger than max".

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import tls from 'node:tls';
import { create, toBinary } from '@bufbuild/protobuf';
import { Code, ConnectError, createClient, type Transport } from '@connectrpc/connect';
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
  type GrpcTransportOptions,
} from '@connectrpc/connect-node';
import { createGrpcWebTransport as createWebTransport } from '@connectrpc/connect-web';
import { Client, credentials, type ServiceError } from '@grpc/grpc-js';
import { SystemService } from '@zitadel/proto/zitadel/system_pb.js';
import { CATALOGUE } from '../../src/core/catalogue.ts';
import { EchoRequestSchema, StreamService } from '../../src/demo/rpc/stream-service.ts';
import { startStage } from './stage.ts';

const rpc = (name: string) => `/${StreamService.typeName}/${name}`;
const stage = await startStage({
  config: {
    upstreams: { gone: { endpoints: ['127.0.0.1:1'] } },
    routes: [
      { name: 'gone', paths: [rpc('TrailersOnly'), '/demo/status'], upstream: 'gone' },
      { name: 'late', paths: [rpc('Unary'), '/demo/hang'], policies: { deadline: { total_ms: 60 } } },
      { name: 'small', paths: [rpc('ClientStream'), '/demo/upload'], policies: { body_limit: { max_bytes: 1000 } } },
      { name: 'none', paths: [rpc('ServerStream'), '/demo/echo'], action: 'refuse', refuse_with: 'NO_ROUTE' },
    ],
  },
});
const strangers = await startStage({ config: { hosts: ['login.example.com'] } });
after(() => Promise.all([stage[Symbol.asyncDispose](), strangers[Symbol.asyncDispose]()]));
const { ca } = stage.gateway;
tls.setDefaultCACertificates([...tls.getCACertificates(), ca]);

const parts = async function* () {
  for (let i = 0; i < 4; i += 1) yield { payload: Buffer.alloc(2000) };
};

/** One refusal: how an RPC meets it, how a REST call does, and what comes of it. */
interface Refusal {
  readonly error: keyof typeof CATALOGUE;
  readonly code: Code;
  readonly by: (transport: Transport) => Promise<unknown>;
  readonly rest?: { readonly path: string; readonly body?: string; readonly code?: number };
  readonly elsewhere?: boolean;
}

// biome-ignore format: a table is read by its columns
const REFUSALS: readonly Refusal[] = [
  { error: 'CONNECT_FAILED', code: Code.Unavailable, by: (t) => createClient(StreamService, t).trailersOnly({}), rest: { path: '/demo/status' } },
  { error: 'DEADLINE_EXCEEDED', code: Code.DeadlineExceeded, by: (t) => createClient(StreamService, t).unary({ delayMs: 60_000 }), rest: { path: '/demo/hang' } },
  { error: 'BODY_TOO_LARGE', code: Code.ResourceExhausted, by: (t) => createClient(StreamService, t).clientStream(parts()), rest: { path: '/demo/upload', body: 'a'.repeat(2000) } },
  { error: 'NO_ROUTE', code: Code.Unimplemented, by: (t) => Array.fromAsync(createClient(StreamService, t).serverStream({})), rest: { path: '/demo/echo', code: 5 } },
  { error: 'INTERNAL_ROUTE', code: Code.PermissionDenied, by: (t) => createClient(SystemService, t).healthz({}), rest: { path: '/system/v1/healthz' } },
  { error: 'UNKNOWN_HOST', code: Code.NotFound, by: (t) => createClient(StreamService, t).unary({}), rest: { path: '/admin/v1/healthz' }, elsewhere: true },
];

const CLIENTS: Record<string, (baseUrl: string) => Transport> = {
  'connect-node gRPC over h2': (baseUrl) => createGrpcTransport(http2(baseUrl)),
  'connect-node gRPC-Web over h1': (baseUrl) => createGrpcWebTransport(http1(baseUrl)),
  'connect-node gRPC-Web over h2': (baseUrl) => createGrpcWebTransport(http2(baseUrl)),
  'connect-node Connect with JSON over h1': (baseUrl) => createConnectTransport(http1(baseUrl)),
  'connect-node Connect with protobuf over h2': (baseUrl) =>
    createConnectTransport({ ...http2(baseUrl), useBinaryFormat: true }),
  'connect-web gRPC-Web over fetch': (baseUrl) => createWebTransport({ baseUrl }),
};

function http1(baseUrl: string) {
  return { baseUrl, httpVersion: '1.1' as const, nodeOptions: { ca } };
}

function http2(baseUrl: string): GrpcTransportOptions & { httpVersion: '2' } {
  return { baseUrl, httpVersion: '2', nodeOptions: { ca }, idleConnectionTimeoutMs: 1 };
}

for (const { error, code, by, rest, elsewhere } of REFUSALS) {
  const { gateway } = elsewhere ? strangers : stage;
  const { message, http } = CATALOGUE[error];

  for (const [name, connect] of Object.entries(CLIENTS)) {
    // Browsers have no request streams, and connect-web has none either.
    if (name.startsWith('connect-web') && error === 'BODY_TOO_LARGE') continue;
    test(`${error} is ${Code[code]} to ${name}`, async () => {
      await assert.rejects(by(connect(gateway.url)), (thrown) => {
        const read = ConnectError.from(thrown);
        assert.deepEqual([Code[read.code], read.rawMessage], [Code[code], message]);
        return true;
      });
    });
  }

  test(`${error} is ${Code[code]} to grpc-js`, async () => {
    // The path stands for the call: a refusal does not read the message.
    const path = {
      CONNECT_FAILED: rpc('TrailersOnly'),
      BODY_TOO_LARGE: rpc('ClientStream'),
      NO_ROUTE: rpc('ServerStream'),
      INTERNAL_ROUTE: '/zitadel.system.v1.SystemService/Healthz',
    }[error as string];
    const options = {
      'grpc.ssl_target_name_override': 'localhost',
      'grpc.default_authority': new URL(gateway.url).host,
    };
    const client = new Client(new URL(gateway.url).host, credentials.createSsl(Buffer.from(ca)), options);
    const { promise, resolve } = Promise.withResolvers<ServiceError | null>();
    const bytes = Buffer.from(
      toBinary(EchoRequestSchema, create(EchoRequestSchema, { delayMs: 60_000, payload: Buffer.alloc(2000) })),
    );
    client.makeUnaryRequest(
      path ?? rpc('Unary'),
      (all: Buffer) => all,
      (all) => all,
      bytes,
      resolve,
    );
    const read = await promise;
    assert.deepEqual([read?.code, read?.details], [code, message]);
    client.close();
  });

  test(`${error} is ${http} with a JSON body to fetch`, async () => {
    const { path, body, code: restCode } = rest!;
    const answer = await fetch(gateway.url + path, body === undefined ? {} : { method: 'POST', body });
    const read = (await answer.json()) as { code: number; message: string };
    assert.deepEqual([answer.status, read.code, read.message], [http, restCode ?? code, message]);
    assert.ok(answer.headers.get('x-request-id'));
  });
}
