// connect-node through the gateway: three protocols, over HTTP/1.1 and HTTP/2, with TLS and in the clear, and all four
// kinds of calls where the protocol has them.
// Harm: a proxy that buffers, merges or reframes breaks one of the twelve, and somebody uses that one.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, test } from 'node:test';
import { Code, ConnectError, createClient, type Transport } from '@connectrpc/connect';
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
  type GrpcTransportOptions,
} from '@connectrpc/connect-node';
import { SessionService } from '@zitadel/proto/zitadel/session/v2/session_service_pb.js';
import { StreamService } from '../../src/demo/rpc/stream-service.ts';
import { startStage } from './stage.ts';

const stage = await startStage();
after(() => stage[Symbol.asyncDispose]());
const { url, clearUrl, ca } = stage.gateway;

interface Way {
  readonly name: string;
  readonly transport: Transport;
  /** Whether both sides may talk at once. */
  readonly duplex: boolean;
}

const BOTH = [
  ['1.1', 'TLS', url],
  ['2', 'TLS', url],
  ['1.1', 'cleartext', clearUrl],
  ['2', 'cleartext', clearUrl],
] as const;

const ways: Way[] = [];
for (const [httpVersion, security, baseUrl] of BOTH) {
  const options = {
    baseUrl,
    nodeOptions: { ca },
    ...(httpVersion === '2' ? { httpVersion, idleConnectionTimeoutMs: 1 } : { httpVersion }),
  } as GrpcTransportOptions & { httpVersion: '2' };
  const over = `over ${security} HTTP/${httpVersion}`;
  const duplex = httpVersion === '2';
  // connect-node sends gRPC over HTTP/2 only.
  if (duplex) ways.push({ name: `gRPC ${over}`, transport: createGrpcTransport(options), duplex });
  ways.push(
    { name: `gRPC-Web ${over}`, transport: createGrpcWebTransport(options), duplex },
    { name: `Connect with JSON ${over}`, transport: createConnectTransport(options), duplex },
    {
      name: `Connect with protobuf ${over}`,
      transport: createConnectTransport({ ...options, useBinaryFormat: true }),
      duplex,
    },
  );
}

const hash = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

for (const { name, transport, duplex } of ways) {
  test(`${name}: unary, with metadata both ways and a message above 4 MiB`, async () => {
    const client = createClient(StreamService, transport);
    const seen = { header: new Headers(), trailer: new Headers() };
    const payload = Buffer.alloc(5 << 20, 'gate').fill(0xff, 1000, 2000);
    const answer = await client.unary(
      { payload },
      {
        timeoutMs: 60_000,
        headers: { 'x-demo-initial': 'first', 'x-demo-initial-bin': 'AP8', 'x-demo-trailing-bin': 'AQID' },
        onHeader: (all) => {
          seen.header = all;
        },
        onTrailer: (all) => {
          seen.trailer = all;
        },
      },
    );
    assert.equal(hash(answer.payload), hash(payload));
    assert.ok(answer.timeoutMs > 0 && answer.timeoutMs <= 60_000, 'the deadline arrives');
    assert.equal(seen.header.get('x-demo-initial'), 'first');
    assert.equal(seen.header.get('x-demo-initial-bin'), 'AP8');
    assert.equal(seen.trailer.get('x-demo-trailing-bin'), 'AQID');
  });

  test(`${name}: errors keep code and message, ZITADEL's as well`, async () => {
    const failed = createClient(StreamService, transport).unary({
      statusCode: Code.Aborted,
      statusMessage: '100% ✓\n',
    });
    await assert.rejects(failed, (error) => {
      const { code, rawMessage } = ConnectError.from(error);
      assert.deepEqual([code, rawMessage.trim()], [Code.Aborted, '100% ✓']);
      return true;
    });
    const refused = createClient(SessionService, transport).listSessions({});
    await assert.rejects(refused, (error) => ConnectError.from(error).code === Code.Unauthenticated);
  });

  test(`${name}: a deadline of the caller ends the call here and at the upstream`, async () => {
    const late = createClient(StreamService, transport).unary({ delayMs: 60_000 }, { timeoutMs: 50 });
    await assert.rejects(late, (error) => ConnectError.from(error).code === Code.DeadlineExceeded);
  });

  test(`${name}: server streaming, message by message, with an error at its end`, async () => {
    const client = createClient(StreamService, transport);
    const sizes: number[] = [];
    const stream = client.serverStream({
      count: 4,
      bytes: 70_000,
      statusCode: Code.DataLoss,
      statusMessage: 'the end',
    });
    await assert.rejects(
      async () => {
        for await (const { payload } of stream) sizes.push(payload.length);
      },
      (error) => ConnectError.from(error).code === Code.DataLoss,
    );
    assert.deepEqual(sizes, [70_000, 70_000, 70_000, 70_000]);
  });

  test(`${name}: client streaming`, async () => {
    const parts = async function* () {
      for (const bytes of [1, 300_000, 3]) yield { payload: Buffer.alloc(bytes) };
    };
    const sum = await createClient(StreamService, transport).clientStream(parts());
    assert.deepEqual([sum.messages, sum.bytes], [3, 300_004]);
  });

  // HTTP/1.1 has no full duplex; connect-node refuses it.
  if (!duplex) continue;
  test(`${name}: bidirectional, each message sent only after the answer to the one before`, async () => {
    let answered = Promise.withResolvers<void>();
    const questions = async function* () {
      for (let i = 0; i < 5; i += 1) {
        yield { payload: Buffer.from(String(i)) };
        await answered.promise;
        answered = Promise.withResolvers();
      }
    };
    const answers: string[] = [];
    for await (const { payload } of createClient(StreamService, transport).bidi(questions())) {
      answers.push(Buffer.from(payload).toString());
      answered.resolve();
    }
    assert.deepEqual(answers, ['0', '1', '2', '3', '4']);
  });

  test(`${name}: who leaves a stream is seen to leave by the upstream`, async () => {
    const leave = new AbortController();
    const already = new Set(stage.standIn.requests);
    const stream = createClient(StreamService, transport).serverStream(
      { count: 2, intervalMs: 60_000 },
      { signal: leave.signal },
    );
    await assert.rejects(async () => {
      for await (const _ of stream) leave.abort();
    });
    const record = await stage.standIn.waitFor(
      (one) => !already.has(one) && one.path.endsWith('/ServerStream') && one.ended === 'aborted',
    );
    assert.equal(record.rstCode, 8, 'CANCEL');
  });
}
