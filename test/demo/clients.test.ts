// Real clients against the stand-in: connect-node in its three protocols over both versions of HTTP, grpc-js.
// Harm: what these do not understand here, nobody can expect to get through a proxy.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, test } from 'node:test';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { Code, ConnectError, createClient, type Transport } from '@connectrpc/connect';
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from '@connectrpc/connect-node';
import { Client, credentials, Metadata } from '@grpc/grpc-js';
import { AdminService } from '@zitadel/proto/zitadel/admin_pb.js';
import { SessionService } from '@zitadel/proto/zitadel/session/v2/session_service_pb.js';
import { SettingsService } from '@zitadel/proto/zitadel/settings/v2/settings_service_pb.js';
import { EchoRequestSchema, EchoResponseSchema, StreamService } from '../../src/demo/rpc/stream-service.ts';
import { startStandIn } from '../../src/demo/stand-in.ts';

const standIn = await startStandIn();
after(() => standIn.close());
const baseUrl = standIn.url;

// With short idle times, so that no session outlives its test.
const h2 = { httpVersion: '2', idleConnectionTimeoutMs: 1 } as const;
const h1 = { httpVersion: '1.1' } as const;
const transports: Record<string, Transport> = {
  'gRPC over h2': createGrpcTransport({ baseUrl, ...h2 }),
  'gRPC-Web over h1': createGrpcWebTransport({ baseUrl, ...h1 }),
  'gRPC-Web over h2': createGrpcWebTransport({ baseUrl, ...h2 }),
  'Connect with JSON over h1': createConnectTransport({ baseUrl, ...h1 }),
  'Connect with protobuf over h2': createConnectTransport({ baseUrl, useBinaryFormat: true, ...h2 }),
};
const bearer = { headers: { authorization: 'Bearer t' } };

for (const [name, transport] of Object.entries(transports)) {
  test(`${name}: a session is made, checked and listed`, async () => {
    const client = createClient(SessionService, transport);
    await assert.rejects(client.listSessions({}), (error) => ConnectError.from(error).code === Code.Unauthenticated);
    const user = { search: { case: 'loginName' as const, value: 'road-runner@acme.localhost' } };
    const { sessionId } = await client.createSession({ checks: { user } }, bearer);
    const wrong = client.setSession({ sessionId, checks: { password: { password: 'nope' } } }, bearer);
    await assert.rejects(wrong, (error) => ConnectError.from(error).code === Code.InvalidArgument);
    await client.setSession({ sessionId, checks: { password: { password: 'Password1!' } } }, bearer);
    const { session } = await client.getSession({ sessionId }, bearer);
    assert.equal(session?.factors?.user?.loginName, 'road-runner@acme.localhost');
    assert.ok(session.factors.password?.verifiedAt);
    const settings = await createClient(SettingsService, transport).getGeneralSettings({}, bearer);
    assert.equal(settings.defaultLanguage, 'en');
  });

  test(`${name}: metadata, large messages and errors of the stream service`, async () => {
    const client = createClient(StreamService, transport);
    const headers = new Headers({
      'x-demo-initial': 'first',
      'x-demo-initial-bin': Buffer.from([0, 255]).toString('base64').replace('=', ''),
      'x-demo-trailing-bin': Buffer.from([1, 2, 3]).toString('base64'),
    });
    const initial = Promise.withResolvers<Headers>();
    const trailing = Promise.withResolvers<Headers>();
    const payload = Buffer.alloc(6 << 20, 0x78);
    const answer = await client.unary(
      { payload },
      {
        headers,
        onHeader: (all) => initial.resolve(all),
        onTrailer: (all) => trailing.resolve(all),
        timeoutMs: 60_000,
      },
    );
    assert.equal(Buffer.compare(answer.payload, payload), 0);
    assert.ok(answer.timeoutMs > 0);
    assert.equal((await initial.promise).get('x-demo-initial'), 'first');
    assert.equal((await initial.promise).get('x-demo-initial-bin'), 'AP8');
    assert.equal((await trailing.promise).get('x-demo-trailing-bin'), 'AQID');

    const failed = client.unary({ statusCode: Code.Aborted, statusMessage: 'as asked: 100% ✓' });
    await assert.rejects(failed, (error) => ConnectError.from(error).rawMessage === 'as asked: 100% ✓');

    const indices: number[] = [];
    for await (const { index, payload } of client.serverStream({ count: 3, bytes: 70_000 })) {
      assert.equal(payload.length, 70_000);
      indices.push(index);
    }
    assert.deepEqual(indices, [0, 1, 2]);
  });
}

test('gRPC over h2: client streams are summed, bidirectional ones echo in turn', async () => {
  const client = createClient(StreamService, transports['gRPC over h2']!);
  const parts = async function* () {
    for (const bytes of [1, 70_000, 3]) yield { payload: Buffer.alloc(bytes) };
  };
  const sum = await client.clientStream(parts());
  assert.deepEqual([sum.messages, sum.bytes], [3, 70_004]);

  // Each message is sent only when the one before has come back.
  const turn = { go: Promise.withResolvers<void>() };
  const questions = async function* () {
    for (let i = 0; i < 3; i += 1) {
      yield { payload: Buffer.from(String(i)) };
      await turn.go.promise;
      turn.go = Promise.withResolvers();
    }
  };
  const answers: string[] = [];
  for await (const { payload } of client.bidi(questions())) {
    answers.push(Buffer.from(payload).toString());
    turn.go.resolve();
  }
  assert.deepEqual(answers, ['0', '1', '2']);
});

test('gRPC over h2: a trailers-only error is one HEADERS frame, read by grpc-js and connect-node', async () => {
  const failed = createClient(StreamService, transports['gRPC over h2']!).trailersOnly({});
  await assert.rejects(failed, (error) => ConnectError.from(error).rawMessage === 'only trailers: 100% of it ✓');

  const client = new Client(`127.0.0.1:${standIn.port}`, credentials.createInsecure());
  const outcome = Promise.withResolvers<Error & { code?: number; details?: string }>();
  client.makeUnaryRequest(
    `/${StreamService.typeName}/TrailersOnly`,
    (message: Uint8Array) => Buffer.from(message),
    (bytes: Buffer) => bytes,
    toBinary(EchoRequestSchema, create(EchoRequestSchema)),
    (error) => outcome.resolve(error!),
  );
  const error = await outcome.promise;
  assert.deepEqual([error.code, error.details], [9, 'only trailers: 100% of it ✓']);
  client.close();
});

test('grpc-js: a unary call with metadata, a deadline that passes, a cancel that arrives', async () => {
  const client = new Client(`127.0.0.1:${standIn.port}`, credentials.createInsecure());
  const encode = (init: Parameters<typeof create<typeof EchoRequestSchema>>[1]) =>
    Buffer.from(toBinary(EchoRequestSchema, create(EchoRequestSchema, init)));
  const decode = (bytes: Buffer) => fromBinary(EchoResponseSchema, bytes);
  const path = `/${StreamService.typeName}/Unary`;

  const metadata = new Metadata();
  metadata.set('x-demo-trailing-bin', Buffer.from('bin'));
  const answered = Promise.withResolvers<string | undefined>();
  const call = client.makeUnaryRequest(
    path,
    encode,
    decode,
    { payload: Buffer.from('hi') },
    metadata,
    (error, value) => (error ? answered.reject(error) : answered.resolve(Buffer.from(value!.payload).toString())),
  );
  const [{ metadata: trailers }] = await once(call, 'status');
  assert.equal(await answered.promise, 'hi');
  assert.deepEqual(trailers.get('x-demo-trailing-bin'), [Buffer.from('bin')]);

  const late = Promise.withResolvers<{ code?: number } | null>();
  const options = { deadline: Date.now() + 20 };
  client.makeUnaryRequest(path, encode, decode, { delayMs: 60_000 }, new Metadata(), options, (error) =>
    late.resolve(error),
  );
  assert.equal((await late.promise)?.code, 4);

  const left = client.makeServerStreamRequest(
    `/${StreamService.typeName}/ServerStream`,
    (bytes: Buffer) => bytes,
    decode,
    Buffer.from([0x08, 0x02, 0x28, 0xe0, 0xd4, 0x03]), // two messages, a minute apart
  );
  left.on('error', () => {});
  await once(left, 'data');
  left.cancel();
  const record = await standIn.waitFor(({ path, ended }) => path.endsWith('/ServerStream') && ended === 'aborted');
  assert.equal(record.rstCode, 8);
  client.close();
});

test('a v1 service takes no message above 4 MiB, as grpc-go', async () => {
  const client = createClient(AdminService, transports['gRPC over h2']!);
  const tooLarge = client.addSMTPConfig({ description: 'x'.repeat(5 << 20) }, bearer);
  await assert.rejects(tooLarge, (error) => ConnectError.from(error).code === Code.ResourceExhausted);
});
