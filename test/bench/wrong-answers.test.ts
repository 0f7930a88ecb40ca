// An answer that is wrong is an error, never a fast success.
// Harm: a gateway that refuses everything is the fastest of all in a bench that counts answers.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import { describe, test } from 'node:test';
import { brotliCompressSync } from 'node:zlib';
import { Call } from '../../bench/load/call.ts';
import { runPlan } from '../../bench/load/crew.ts';
import { digestOf, Judge } from '../../bench/load/judge.ts';
import type { Expectation } from '../../bench/load/plan.ts';
import { lengthPrefixed } from '../../bench/load/proto-message.ts';
import { asking, expecting, planFor } from './plans.ts';

const MESSAGE = lengthPrefixed(Buffer.from('one'));
const TRAILERS = (text: string): Buffer => {
  const frame = lengthPrefixed(Buffer.from(text));
  frame[0] = 0x80;
  return frame;
};

function judged(expectation: Expectation, fields: readonly string[], ...body: Buffer[]): string | undefined {
  const call = new Call(asking('/', expectation), 0, '');
  call.head(fields);
  for (const chunk of body) call.data(chunk);
  const judge = new Judge();
  const first = judge.wrong(call);
  // The second time it is known by its checksum.
  assert.equal(judge.wrong(call), first);
  return first;
}

describe('an answer is wrong', () => {
  const OK = [':status', '200'];
  test('with another status', () => {
    assert.equal(judged(expecting(), [':status', '503']), 'status 503');
    assert.equal(judged(expecting('http', { statuses: [429] }), OK), 'status 200');
  });
  test('with another body, whatever its coding', () => {
    const right = Buffer.from('the file '.repeat(100));
    const expectation = expecting('http', { digest: digestOf(right) });
    assert.equal(judged(expectation, OK, right), undefined);
    const coded = brotliCompressSync(right);
    const br = [...OK, 'content-encoding', 'br'];
    assert.equal(judged(expectation, br, coded.subarray(0, 9), coded.subarray(9)), undefined);
    assert.equal(judged(expectation, OK, right.subarray(1)), 'another body');
    assert.equal(judged(expectation, br, coded.subarray(0, -1)), 'content-encoding br');
  });
  test('of gRPC without the status, with another, or cut off', () => {
    const grpc = expecting('grpc', { messages: 1 });
    assert.equal(judged(grpc, [...OK, 'grpc-status', '0'], MESSAGE), undefined);
    assert.equal(judged(grpc, OK, MESSAGE), 'grpc-status missing');
    assert.equal(judged(grpc, [...OK, 'grpc-status', '14']), 'grpc-status 14');
    assert.equal(judged(grpc, [...OK, 'grpc-status', '0']), '0 messages');
    assert.equal(judged(grpc, [...OK, 'grpc-status', '0'], MESSAGE.subarray(0, 6)), 'a message is cut off');
  });
  test('of gRPC-Web whose trailer frame is missing or says another status', () => {
    const web = expecting('grpc-web', { messages: 1 });
    assert.equal(judged(web, OK, MESSAGE, TRAILERS('grpc-status: 0\r\n')), undefined);
    assert.equal(judged(web, OK, MESSAGE), 'grpc-status missing');
    assert.equal(judged(web, OK, TRAILERS('grpc-status:5\r\n')), 'grpc-status 5');
    assert.equal(judged(web, [...OK, 'grpc-status', '8']), 'grpc-status 8');
    const text = (bytes: Buffer): Buffer => Buffer.from(bytes.toString('base64'));
    const webText = expecting('grpc-web-text', { messages: 1 });
    assert.equal(judged(webText, OK, text(MESSAGE), text(TRAILERS('grpc-status: 0\r\n'))), undefined);
    assert.equal(judged(webText, OK, text(MESSAGE)), 'grpc-status missing');
  });
});

const ANSWERS: Readonly<Record<string, (reply: http.ServerResponse | http2.Http2ServerResponse) => void>> = {
  '/right': (reply) => void (reply as http.ServerResponse).end('right'),
  '/chunks': (reply) => {
    (reply as http.ServerResponse).write('ri');
    (reply as http.ServerResponse).end('ght');
  },
  '/wrong': (reply) => void (reply as http.ServerResponse).end('wrong'),
  '/refused': (reply) => {
    reply.statusCode = 503;
    reply.end();
  },
  '/cut': (reply) => {
    reply.setHeader('content-length', '10');
    (reply as http.ServerResponse).write('right');
    const stream =
      'stream' in reply && reply.stream !== undefined ? (reply as http2.Http2ServerResponse).stream : undefined;
    if (stream === undefined) setImmediate(() => (reply as http.ServerResponse).socket?.destroy());
    else setImmediate(() => stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR));
  },
  '/silent': () => {},
};

for (const h1 of [false, true]) {
  test(`over ${h1 ? 'HTTP/1.1' : 'HTTP/2'}, right answers are counted and all others are errors with a name`, async () => {
    const handler = (request: { url?: string | undefined }, reply: never): void => ANSWERS[request.url!]!(reply);
    const server = h1 ? http.createServer(handler as never) : http2.createServer(handler as never);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const run = async (path: string) => {
      const digest = digestOf(Buffer.from('right'));
      const request = asking(path, expecting('http', { digest }));
      const { tally } = await runPlan(planFor(port, request, { h1, timeoutMs: 200 }), { threads: 1 });
      return { answers: tally.answers, errors: [...tally.errors.keys()], latencies: tally.latency.totalCount };
    };
    for (const path of ['/right', '/chunks']) {
      const { answers, errors, latencies } = await run(path);
      assert.ok(answers > 0);
      assert.deepEqual([errors, latencies], [[], answers]);
    }
    const why = { '/wrong': 'another body', '/refused': 'status 503', '/silent': 'timeout' };
    for (const [path, name] of Object.entries(why)) {
      assert.deepEqual({ path, ...(await run(path)) }, { path, answers: 0, errors: [name], latencies: 0 });
    }
    const cut = await run('/cut');
    assert.equal(cut.answers, 0);
    assert.match(cut.errors.join(), /^(?:reset: INTERNAL_ERROR|connection: (?:closed|ECONNRESET))$/);
    if ('closeAllConnections' in server) server.closeAllConnections();
    server.close();
  });
}
