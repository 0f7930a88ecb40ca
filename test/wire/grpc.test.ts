// Native gRPC through the gateway with grpc-js, all four kinds of calls: gRPC over HTTP/2; RFC 9113 section 8.1.
// Harm: SDKs report "missing status", streams that are quiet end, or large exports fail (zitadel/zitadel#10976).
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { ConnectError, createClient } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { Client, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import {
  type EchoRequest,
  EchoRequestSchema,
  type EchoResponse,
  EchoResponseSchema,
  StreamService,
  type SumResponse,
  SumResponseSchema,
} from '../../src/demo/rpc/stream-service.ts';
import { startStandIn } from '../../src/demo/stand-in.ts';
import { type GatewayOptions, startGateway } from '../support/gateway.ts';

const PATH = '/gatehouse.demo.v1.StreamService';
const encode = (request: EchoRequest): Buffer => Buffer.from(toBinary(EchoRequestSchema, request));
const decode = (bytes: Buffer): EchoResponse => fromBinary(EchoResponseSchema, bytes);
const echo = (text: string | Uint8Array, more: object = {}): EchoRequest =>
  create(EchoRequestSchema, { payload: Buffer.from(text as string), ...more });

async function setUp(config: NonNullable<GatewayOptions['config']> = {}) {
  const standIn = await startStandIn();
  const gateway = await startGateway({
    zitadel: `127.0.0.1:${standIn.port}`,
    config: {
      hints: false,
      routes: [{ name: 'demo', paths: [`${PATH}/*`], upstream: 'zitadel' }],
      ...config,
    },
  });
  const client = new Client(`127.0.0.1:${gateway.port('public')}`, credentials.createSsl(Buffer.from(gateway.ca)), {
    'grpc.ssl_target_name_override': 'localhost',
    'grpc.default_authority': 'localhost',
    'grpc.max_receive_message_length': -1,
    'grpc.max_send_message_length': -1,
  });
  return {
    standIn,
    gateway,
    client,
    record: async () => (await gateway.over(({ record }) => record.endpoint !== undefined)).record,
    async [Symbol.asyncDispose]() {
      client.close();
      await gateway[Symbol.asyncDispose]();
      await standIn.close();
    },
  };
}

type Setup = Awaited<ReturnType<typeof setUp>>;

function unary({ client }: Setup, method: string, request: EchoRequest, metadata = new Metadata()) {
  const { promise, resolve } = Promise.withResolvers<{
    error: ServiceError | null;
    answer: EchoResponse | undefined;
  }>();
  const call = client.makeUnaryRequest(`${PATH}/${method}`, encode, decode, request, metadata, (error, answer) =>
    resolve({ error, answer }),
  );
  return { call, answered: promise };
}

test('unary: metadata both ways, -bin too, as headers and as trailers', async () => {
  await using setup = await setUp();
  const metadata = new Metadata();
  metadata.set('x-demo-initial', 'first');
  metadata.set('x-demo-initial-bin', Buffer.from([0, 255]));
  metadata.set('x-demo-trailing-bin', Buffer.from([1, 2, 3]));
  const { call, answered } = unary(setup, 'Unary', echo('hello'), metadata);
  const initial = once(call, 'metadata') as Promise<[Metadata]>;
  const status = once(call, 'status') as Promise<[{ code: number; metadata: Metadata }]>;
  assert.equal(Buffer.from((await answered).answer!.payload).toString(), 'hello');
  assert.deepEqual((await initial)[0].get('x-demo-initial'), ['first']);
  assert.deepEqual((await initial)[0].get('x-demo-initial-bin'), [Buffer.from([0, 255])]);
  assert.deepEqual((await status)[0].metadata.get('x-demo-trailing-bin'), [Buffer.from([1, 2, 3])]);
  const record = await setup.record();
  assert.deepEqual([record.status, record.grpcStatus, record.error, record.attempts], [200, '0', undefined, 1]);
  assert.ok(record.bytesIn > 5 && record.bytesOut > 5 && record.firstByte !== undefined);
});

test('a trailers-only answer keeps its status and its message, percent-encoding and all', async () => {
  await using setup = await setUp();
  const { error } = await unary(setup, 'TrailersOnly', echo('')).answered;
  assert.deepEqual([error!.code, error!.details], [9, 'only trailers: 100% of it ✓']);
  assert.equal((await setup.record()).grpcStatus, '9');
});

// With connect-node: grpc-js 1.14.7 tells a status that is an error at once and drops messages that it has not read yet
// (maybeOutputStatus in subchannel-call.js), without a gateway in between too.
test('server streaming: every message in order, then a status that is an error', async () => {
  await using setup = await setUp();
  const transport = createGrpcTransport({ baseUrl: setup.gateway.url, nodeOptions: { ca: setup.gateway.ca } });
  const client = createClient(StreamService, transport);
  const seen: number[] = [];
  const error = await (async () => {
    const request = { count: 50, bytes: 10_000, statusCode: 8, statusMessage: 'enough' };
    for await (const { index } of client.serverStream(request)) seen.push(index);
  })().catch((thrown: unknown) => ConnectError.from(thrown));
  assert.deepEqual(
    seen,
    Array.from({ length: 50 }, (_, index) => index),
  );
  assert.deepEqual([error?.code, error?.rawMessage], [8, 'enough']);
  assert.equal((await setup.record()).grpcStatus, '8');
});

test('client streaming: the upstream sees the end after the last message', async () => {
  await using setup = await setUp();
  const { promise, resolve, reject } = Promise.withResolvers<SumResponse>();
  const call = setup.client.makeClientStreamRequest(
    `${PATH}/ClientStream`,
    encode,
    (bytes: Buffer) => fromBinary(SumResponseSchema, bytes),
    (error, sum) => (error ? reject(error) : resolve(sum!)),
  );
  for (let i = 0; i < 20; i += 1) call.write(echo(Buffer.alloc(1000)));
  call.end();
  const { messages, bytes } = await promise;
  assert.deepEqual([messages, bytes], [20, 20_000]);
});

test('bidi: each message is answered before the next is sent, half-close ends it well', async () => {
  await using setup = await setUp();
  const call = setup.client.makeBidiStreamRequest(`${PATH}/Bidi`, encode, decode);
  for (const text of ['one', 'two', 'three']) {
    const next = once(call, 'data') as Promise<[EchoResponse]>;
    call.write(echo(text));
    assert.equal(Buffer.from((await next)[0].payload).toString(), text);
  }
  const status = once(call, 'status') as Promise<[{ code: number }]>;
  call.end();
  assert.equal((await status)[0].code, 0);
});

test('bidi: the upstream ends the call while the client has not; the client has the status', async () => {
  await using setup = await setUp();
  const call = setup.client.makeBidiStreamRequest(`${PATH}/Bidi`, encode, decode);
  call.on('data', () => {});
  call.write(echo('', { statusCode: 7, statusMessage: 'no more' }));
  const [error] = (await once(call, 'error')) as [ServiceError];
  assert.deepEqual([error.code, error.details], [7, 'no more']);
});

for (const mebibytes of [4, 12]) {
  test(`messages of ${mebibytes} MiB both ways`, { timeout: 30_000 }, async () => {
    await using setup = await setUp();
    const payload = Buffer.alloc(mebibytes << 20, 0x78);
    const { error, answer } = await unary(setup, 'Unary', echo(payload)).answered;
    assert.equal(error, null);
    assert.ok(payload.equals(answer!.payload));
  });
}

test('a message of 20 MiB passes where body_limit allows it, and is RESOURCE_EXHAUSTED where not', {
  timeout: 30_000,
}, async () => {
  await using open = await setUp({ policies: { body_limit: { max_bytes: 0 } } });
  const payload = Buffer.alloc(20 << 20, 0x78);
  const { error, answer } = await unary(open, 'Unary', echo(payload, { answerBytes: 1 })).answered;
  assert.equal(error, null);
  assert.equal(answer!.payload.length, 1);
  await using closed = await setUp();
  assert.equal((await unary(closed, 'Unary', echo(payload)).answered).error!.code, 8);
});

test('a client that cancels a bidi call: the stand-in sees it, the record says CLIENT_LEFT', async () => {
  await using setup = await setUp();
  const call = setup.client.makeBidiStreamRequest(`${PATH}/Bidi`, encode, decode);
  call.on('error', () => {});
  const first = once(call, 'data');
  call.write(echo('one'));
  await first;
  call.cancel();
  const record = await setup.record();
  assert.equal(record.error!.code, 'CLIENT_LEFT');
});

test('a session to ZITADEL that is cut between two calls is made anew', async () => {
  await using setup = await setUp();
  await unary(setup, 'Unary', echo('one')).answered;
  const closed = setup.gateway.announcement('session_closed');
  await setup.standIn.fail({ mode: 'cut' });
  await closed;
  const { error } = await unary(setup, 'Unary', echo('two')).answered;
  assert.equal(error, null);
});
