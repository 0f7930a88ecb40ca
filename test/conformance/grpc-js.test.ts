// grpc-js through the gateway, as @zitadel/node uses it: metadata, deadlines, cancels, keepalive, retries, the
// bidirectional streams of server reflection and the quiet one of the health service.
// Harm: grpc-js reads a lost trailer, a renamed code or an early end as another error than it was.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, test } from 'node:test';
import { create, type DescMessage, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { type ChannelOptions, Client, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { HealthService } from '../../src/demo/rpc/health.ts';
import { REFLECTION_V1, REFLECTION_V1ALPHA } from '../../src/demo/rpc/reflection.ts';
import {
  EchoRequestSchema,
  EchoResponseSchema,
  StreamRequestSchema,
  StreamService,
} from '../../src/demo/rpc/stream-service.ts';
import { startStage } from './stage.ts';

const stage = await startStage();
after(() => stage[Symbol.asyncDispose]());
const { url, clearUrl, ca } = stage.gateway;

/** Our certificate is for localhost, and the address is dialled by number. */
const OPTIONS: ChannelOptions = {
  'grpc.ssl_target_name_override': 'localhost',
  'grpc.default_authority': new URL(url).host,
};
const CHANNELS = ['TLS', 'cleartext'] as const;

function connect(channel: (typeof CHANNELS)[number], options: ChannelOptions = {}): Client & Disposable {
  const client =
    channel === 'TLS'
      ? new Client(new URL(url).host, credentials.createSsl(Buffer.from(ca)), { ...OPTIONS, ...options })
      : new Client(new URL(clearUrl).host, credentials.createInsecure(), options);
  return Object.assign(client, { [Symbol.dispose]: () => client.close() });
}

const encode =
  <S extends DescMessage>(schema: S) =>
  (init: MessageInitShape<S>) =>
    Buffer.from(toBinary(schema, create(schema, init)));
const decode =
  <S extends DescMessage>(schema: S) =>
  (bytes: Buffer) =>
    fromBinary(schema, bytes);
const echoes = [encode(EchoRequestSchema), decode(EchoResponseSchema)] as const;
const rpc = (name: string) => `/${StreamService.typeName}/${name}`;

/** A unary call as a promise of its outcome, error or not. */
function unary(
  client: Client,
  init: MessageInitShape<typeof EchoRequestSchema>,
  metadata = new Metadata(),
  options = {},
) {
  const { promise, resolve } = Promise.withResolvers<{ error: ServiceError | null; text: string }>();
  const call = client.makeUnaryRequest(rpc('Unary'), ...echoes, init, metadata, options, (error, value) =>
    resolve({ error, text: Buffer.from(value?.payload ?? '').toString() }),
  );
  return { call, outcome: promise };
}

for (const channel of CHANNELS) {
  test(`over ${channel}: metadata, binary too, in both directions and several of a name`, async () => {
    using client = connect(channel);
    const metadata = new Metadata();
    metadata.set('x-demo-initial-bin', Buffer.from([0, 255, 1]));
    metadata.set('x-demo-trailing-bin', Buffer.from('bin'));
    metadata.set('x-demo-trailing', 'ascii');
    const { call, outcome } = unary(client, { payload: Buffer.from('hi') }, metadata);
    const [[initial], [{ metadata: trailing }]] = await Promise.all([once(call, 'metadata'), once(call, 'status')]);
    assert.equal((await outcome).text, 'hi');
    assert.deepEqual(initial.get('x-demo-initial-bin'), [Buffer.from([0, 255, 1])]);
    assert.deepEqual(trailing.get('x-demo-trailing-bin'), [Buffer.from('bin')]);
    assert.deepEqual(trailing.get('x-demo-trailing'), ['ascii']);
  });

  test(`over ${channel}: every status arrives as it was, with its message`, async () => {
    using client = connect(channel);
    for (let code = 1; code <= 16; code += 1) {
      const { error } = await unary(client, { statusCode: code, statusMessage: `as ${code} 100% ✓` }).outcome;
      assert.deepEqual([error?.code, error?.details], [code, `as ${code} 100% ✓`]);
    }
  });

  test(`over ${channel}: a deadline passes at the client and ends the call at the upstream`, async () => {
    using client = connect(channel);
    // Over a connection that is there already, so that the time is for the call alone.
    await unary(client, {}).outcome;
    const already = new Set(stage.standIn.requests);
    const { error } = await unary(client, { delayMs: 60_000 }, new Metadata(), { deadline: Date.now() + 1500 }).outcome;
    assert.equal(error?.code, status.DEADLINE_EXCEEDED);
    // Cancelled by the gateway, or over by itself: the upstream was told the deadline too, and both clocks run.
    await stage.standIn.waitFor((one) => !already.has(one) && one.path === rpc('Unary') && one.ended !== undefined);
  });

  test(`over ${channel}: a cancel travels to the upstream as CANCEL`, async () => {
    using client = connect(channel);
    const already = new Set(stage.standIn.requests);
    const call = client.makeServerStreamRequest(rpc('ServerStream'), encode(StreamRequestSchema), echoes[1], {
      count: 2,
      intervalMs: 60_000,
    });
    call.on('error', () => {});
    await once(call, 'data');
    call.cancel();
    const record = await stage.standIn.waitFor(
      (one) => !already.has(one) && one.path === rpc('ServerStream') && one.ended === 'aborted',
    );
    assert.equal(record.rstCode, 8);
  });

  test(`over ${channel}: a bidirectional stream is half-closed and ends well`, async () => {
    using client = connect(channel);
    const call = client.makeBidiStreamRequest(rpc('Bidi'), ...echoes);
    const ended = once(call, 'status');
    for (const text of ['one', 'two']) {
      call.write({ payload: Buffer.from(text) });
      const [{ payload }] = await once(call, 'data');
      assert.equal(Buffer.from(payload).toString(), text);
    }
    call.end();
    assert.equal((await ended)[0].code, status.OK);
  });

  test(`over ${channel}: keepalive PINGs are answered while a stream is quiet`, async () => {
    using client = connect(channel, {
      'grpc.keepalive_time_ms': 20,
      'grpc.keepalive_timeout_ms': 2000,
      'grpc.keepalive_permit_without_calls': 1,
    });
    const call = client.makeServerStreamRequest(rpc('ServerStream'), encode(StreamRequestSchema), echoes[1], {
      count: 3,
      intervalMs: 150,
    });
    let messages = 0;
    call.on('data', () => {
      messages += 1;
    });
    const [{ code }] = await once(call, 'status');
    assert.deepEqual([code, messages], [status.OK, 3]);
  });

  test(`over ${channel}: the health service is watched: one answer at once, another when it changes`, async () => {
    using client = connect(channel);
    const { input, output } = HealthService.method.watch;
    const call = client.makeServerStreamRequest('/grpc.health.v1.Health/Watch', encode(input), decode(output), {
      service: '',
    });
    call.on('error', () => {});
    assert.equal((await once(call, 'data'))[0].status, 1, 'serving');
    const next = once(call, 'data');
    // Other calls go on beside the quiet stream.
    for (let i = 0; i < 5; i += 1) assert.equal((await unary(client, { payload: Buffer.from('x') }).outcome).text, 'x');
    await stage.standIn.fail({ mode: 'unready' });
    assert.equal((await next)[0].status, 2, 'not serving');
    const third = once(call, 'data');
    await stage.standIn.heal();
    assert.equal((await third)[0].status, 1);
    call.cancel();
  });

  for (const [version, { typeName, method }] of [
    ['v1', reflection(REFLECTION_V1)],
    ['v1alpha', reflection(REFLECTION_V1ALPHA)],
  ] as const) {
    test(`over ${channel}: server reflection ${version}, question by question on one stream`, async () => {
      using client = connect(channel);
      const { input, output } = method;
      const call = client.makeBidiStreamRequest(`/${typeName}/ServerReflectionInfo`, encode(input), decode(output));
      const ask = async (messageRequest: object): Promise<{ case: string; value: never }> => {
        call.write({ messageRequest } as never);
        const [{ messageResponse }] = await once(call, 'data');
        return messageResponse;
      };
      const listed = await ask({ case: 'listServices', value: '' });
      const names = (listed.value as { service: { name: string }[] }).service.map(({ name }) => name);
      assert.ok(names.includes('zitadel.admin.v1.AdminService'));
      const file = await ask({ case: 'fileContainingSymbol', value: 'zitadel.user.v2.UserService' });
      assert.equal(file.case, 'fileDescriptorResponse');
      const ended = once(call, 'status');
      call.end();
      assert.equal((await ended)[0].code, status.OK);
    });
  }
}

test("a caller's retry policy works: an error in trailers only stays one, and only such an error is tried again", async () => {
  const retryPolicy = {
    maxAttempts: 3,
    initialBackoff: '0.01s',
    maxBackoff: '0.02s',
    backoffMultiplier: 1,
    retryableStatusCodes: ['FAILED_PRECONDITION'],
  };
  const serviceConfig = { loadBalancingConfig: [], methodConfig: [{ name: [{}], retryPolicy }] };
  using client = connect('TLS', { 'grpc.service_config': JSON.stringify(serviceConfig) });
  const already = new Set(stage.standIn.requests);
  const { promise, resolve } = Promise.withResolvers<ServiceError | null>();
  client.makeUnaryRequest(rpc('TrailersOnly'), ...echoes, {}, resolve);
  assert.equal((await promise)?.code, status.FAILED_PRECONDITION);
  const attempts = stage.standIn.requests.filter((one) => !already.has(one) && one.path === rpc('TrailersOnly'));
  assert.equal(attempts.length, 3);
  assert.deepEqual(
    attempts.map(({ rawHeaders }) => {
      const at = rawHeaders.indexOf('grpc-previous-rpc-attempts');
      return at === -1 ? undefined : rawHeaders[at + 1];
    }),
    [undefined, '1', '2'],
  );
});

function reflection(file: typeof REFLECTION_V1) {
  const service = file.services[0]!;
  return { typeName: service.typeName, method: service.methods[0]! };
}
