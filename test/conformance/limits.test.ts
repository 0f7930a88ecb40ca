// What a rate limit says, as each client reads it: code, message, decoded details, and when to come again.
// Harm: a bare 429 is UNAVAILABLE to gRPC clients, which send again at once, and "network error" to a browser.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { rm, writeFile } from 'node:fs/promises';
import type http from 'node:http';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import tls from 'node:tls';
import { fromBinary, toJson } from '@bufbuild/protobuf';
import { Code, ConnectError, createClient, type Transport } from '@connectrpc/connect';
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from '@connectrpc/connect-node';
import { Client, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import { createServerTransport } from '@zitadel/client/node';
import { createSessionServiceClient } from '@zitadel/client/v2';
import { StreamService } from '../../src/demo/rpc/stream-service.ts';
import { QuotaFailureDesc, RetryInfoDesc, registry, StatusDesc } from '../dialects/google-rpc.ts';
import { say } from '../support/programs.ts';
import { build } from './go-tools.ts';
import { startStage } from './stage.ts';

/** One request an hour: the second one of each client is refused, and no test waits for a third. */
const ONCE = { requests: 1, period_s: 3600, burst: 1 };
/** Each client has a path or a token of its own, so that tests do not spend each other's. */
const limit = (name: string, key: string[]) => ({ rate_limit: { limits: { [name]: { key, ...ONCE } } } });

// Before the first test: Node calls `after` once all tests that it knows are over, also while the file is still awaited.
// Built further down, the client came to a gateway that was gone already whenever building took longer than the tests.
const built = await build('limits');
const stage = await startStage({
  config: {
    routes: [
      {
        name: 'limited-rpc',
        paths: [`/${StreamService.typeName}/Unary`],
        policies: limit('per-client', ['address', 'header:x-test-client']),
      },
      {
        name: 'limited-short',
        paths: ['/zitadel.admin.v1.AdminService/Healthz'],
        policies: {
          rate_limit: { limits: { short: { key: ['address', 'header:x-test-client'], requests: 1, period_s: 1 } } },
        },
      },
      { name: 'limited-rest', paths: ['/demo/status'], policies: limit('rest', ['address', 'header:x-test-client']) },
      {
        name: 'limited-sessions',
        paths: ['/zitadel.session.v2.SessionService/ListSessions'],
        policies: limit('sessions', ['address', 'bearer']),
      },
      {
        name: 'limited-token',
        paths: ['/oauth/v2/token'],
        form: 'oauth',
        class: 'token',
        policies: limit('token-client', ['address', 'client_id']),
      },
      { name: 'limited-page', paths: ['/ui/login/limited'], form: 'html', policies: limit('page', ['address']) },
    ],
  },
});
after(() => stage[Symbol.asyncDispose]());
const { ca, url } = stage.gateway;
tls.setDefaultCACertificates([...tls.getCACertificates(), ca]);

const http1 = { baseUrl: url, httpVersion: '1.1' as const, nodeOptions: { ca } };
const http2 = { baseUrl: url, httpVersion: '2' as const, nodeOptions: { ca }, idleConnectionTimeoutMs: 1 };
const TRANSPORTS: Record<string, Transport> = {
  'connect-node gRPC': createGrpcTransport(http2),
  'connect-node gRPC-Web over h1': createGrpcWebTransport(http1),
  'connect-node gRPC-Web over h2': createGrpcWebTransport(http2),
  'connect-node Connect with JSON': createConnectTransport(http1),
  'connect-node Connect with protobuf over h2': createConnectTransport({ ...http2, useBinaryFormat: true }),
};

/** The details of a refusal as programs read them. */
function read(error: ConnectError) {
  const [retry] = error.findDetails(RetryInfoDesc);
  const [quota] = error.findDetails(QuotaFailureDesc);
  assert.ok(retry !== undefined && quota !== undefined, 'RetryInfo and QuotaFailure are there');
  return {
    code: Code[error.code],
    message: error.rawMessage,
    retry: toJson(RetryInfoDesc, retry) as { retryDelay: string },
    quota: toJson(QuotaFailureDesc, quota),
  };
}

for (const [name, transport] of Object.entries(TRANSPORTS)) {
  test(`${name} reads RESOURCE_EXHAUSTED with its message, RetryInfo and QuotaFailure`, async () => {
    const client = createClient(StreamService, transport);
    const headers = { 'x-test-client': name };
    await client.unary({}, { headers });
    const thrown = await client.unary({}, { headers }).then(
      () => assert.fail('the second call is refused'),
      (error) => ConnectError.from(error),
    );
    const { retry, ...said } = read(thrown);
    assert.deepEqual(said, {
      code: 'ResourceExhausted',
      message: 'Too many requests.',
      quota: { violations: [{ subject: 'per-client', description: '1 in 3600 s' }] },
    });
    const seconds = Number.parseFloat(retry.retryDelay);
    assert.ok(seconds > 3000 && seconds <= 3600, `an hour at most, not ${retry.retryDelay}`);
  });
}

test('@zitadel/client reads it too', async () => {
  const transport = createServerTransport('a-token-of-its-own', { baseUrl: url, nodeOptions: { ca } });
  const client = createSessionServiceClient(transport);
  await client.listSessions({});
  await assert.rejects(client.listSessions({}), (thrown) => {
    assert.equal(read(ConnectError.from(thrown)).code, 'ResourceExhausted');
    return true;
  });
});

test('grpc-js reads code, message, details and the pushback, and a retry policy obeys the pushback', async () => {
  // The policy alone would send a call again within 10 ms, up to five times.
  const serviceConfig = {
    loadBalancingConfig: [],
    methodConfig: [
      {
        name: [{}],
        retryPolicy: {
          maxAttempts: 5,
          initialBackoff: '0.01s',
          maxBackoff: '0.01s',
          backoffMultiplier: 1,
          retryableStatusCodes: ['RESOURCE_EXHAUSTED'],
        },
      },
    ],
  };
  const host = new URL(url).host;
  const client = new Client(host, credentials.createSsl(Buffer.from(ca)), {
    'grpc.ssl_target_name_override': 'localhost',
    'grpc.default_authority': host,
    'grpc.service_config': JSON.stringify(serviceConfig),
    'grpc.enable_retries': 1,
  });
  const call = (path: string): Promise<ServiceError | null> => {
    const metadata = new Metadata();
    metadata.set('x-test-client', 'grpc-js');
    const { promise, resolve } = Promise.withResolvers<ServiceError | null>();
    client.makeUnaryRequest(
      path,
      (all: Buffer) => all,
      (all: Buffer) => all,
      Buffer.alloc(0),
      metadata,
      { deadline: Date.now() + 10_000 },
      resolve,
    );
    return promise;
  };
  const before = stage.gateway.ended.length;
  assert.equal(await call(`/${StreamService.typeName}/Unary`), null);
  const refused = await call(`/${StreamService.typeName}/Unary`);
  assert.deepEqual([refused?.code, refused?.details], [8, 'Too many requests.']);
  const [bin] = refused!.metadata.get('grpc-status-details-bin');
  const status = toJson(StatusDesc, fromBinary(StatusDesc, bin as Buffer), { registry }) as { details: unknown[] };
  assert.equal(status.details.length, 2);
  assert.deepEqual(refused!.metadata.get('grpc-retry-pushback-ms'), ['-1'], 'an hour is no wait for a retry');

  assert.equal(await call('/zitadel.admin.v1.AdminService/Healthz'), null);
  const started = performance.now();
  assert.equal(await call('/zitadel.admin.v1.AdminService/Healthz'), null, 'a second is: it passes after the pushback');
  assert.ok(performance.now() - started >= 500);
  client.close();
  const mine = stage.gateway.ended
    .slice(before)
    .filter(({ exchange }) => exchange.head.headers['x-test-client'] === 'grpc-js');
  assert.equal(mine.length, 5, 'only the last call was sent again, and that once');
});

test('a script of another origin reads 429, Retry-After and the RateLimit fields', async () => {
  const headers = { origin: 'https://app.example.com', 'x-test-client': 'script' };
  await fetch(`${url}/demo/status`, { headers });
  const answer = await fetch(`${url}/demo/status`, { headers });
  assert.equal(answer.status, 429);
  assert.ok(Number(answer.headers.get('retry-after')) > 3000);
  // Those that were met, the one that refused last.
  assert.equal(answer.headers.get('ratelimit-policy'), '"api-address";q=3000;w=30, "rest";q=1;w=3600');
  assert.match(answer.headers.get('ratelimit')!, /, "rest";r=0;t=\d+$/);
  const exposed = answer.headers.get('access-control-expose-headers')!.split(', ');
  for (const name of ['retry-after', 'ratelimit', 'ratelimit-policy']) assert.ok(exposed.includes(name), name);
  assert.equal(answer.headers.get('access-control-allow-origin'), 'https://app.example.com');
  const body = (await answer.json()) as { code: number; details: { '@type': string }[] };
  assert.equal(body.code, 8);
  assert.deepEqual(
    body.details.map((detail) => detail['@type'].split('.').at(-1)),
    ['RetryInfo', 'QuotaFailure', 'RequestInfo'],
  );
});

test('OAuth: the device grant hears slow_down (RFC 8628 section 3.5), other grants temporarily_unavailable', async () => {
  const ask = (client: string, grant: string) =>
    fetch(`${url}/oauth/v2/token`, {
      method: 'POST',
      body: new URLSearchParams({ client_id: client, grant_type: grant, device_code: 'x', code: 'x' }),
    });
  const device = 'urn:ietf:params:oauth:grant-type:device_code';
  for (const [client, grant, error] of [
    ['tv', device, 'slow_down'],
    ['app', 'authorization_code', 'temporarily_unavailable'],
  ] as const) {
    await ask(client, grant);
    const answer = await ask(client, grant);
    assert.equal(answer.status, 429);
    assert.deepEqual(await answer.json(), { error, error_description: 'Too many requests.' });
    assert.equal(answer.headers.get('cache-control'), 'no-store');
  }
});

test('a browser that opens a page gets a page', async () => {
  // Not fetch, which says of itself that it is no page.
  const open = async (): Promise<{ status: number | undefined; type: string | undefined; text: string }> => {
    const request = https.get(`${url}/ui/login/limited`, { ca, agent: false, headers: { accept: 'text/html' } });
    const [answer] = (await once(request, 'response')) as [http.IncomingMessage];
    const text = Buffer.concat(await answer.toArray()).toString();
    return { status: answer.statusCode, type: answer.headers['content-type'], text };
  };
  await open();
  const { status, type, text } = await open();
  assert.deepEqual([status, type], [429, 'text/html; charset=utf-8']);
  assert.match(text, /Too many requests/);
});

if ('skip' in built) {
  test('grpc-go reads code, message and details', { skip: built.skip }, () => {});
} else {
  test('grpc-go reads code, message and details, and a retry policy obeys the pushback', async () => {
    const caFile = join(tmpdir(), `gatehouse-limits-${process.pid}.pem`);
    await writeFile(caFile, ca);
    const before = stage.gateway.ended.length;
    const methods = [`-long=/${StreamService.typeName}/Unary`, '-short=/zitadel.admin.v1.AdminService/Healthz'];
    const args = [`-address=${new URL(url).host}`, `-ca=${caFile}`, ...methods];
    const { code, stdout, stderr } = await say(built.tools.limits, args, { timeout: 60_000 });
    await rm(caFile);
    assert.equal(code, 0, stderr);
    const [first, second, third, fourth] = stdout
      .toString()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { code: string; message: string; details: string[]; ms: number });
    assert.deepEqual([first!.code, third!.code], ['OK', 'OK'], stdout.toString());
    const { ms: _, ...refused } = second!;
    assert.deepEqual(refused, {
      code: 'ResourceExhausted',
      message: 'Too many requests.',
      details: ['RetryInfo true', 'QuotaFailure per-client'],
    });
    assert.ok(fourth!.code === 'OK' && fourth!.ms >= 500, `after the pushback it passes: ${JSON.stringify(fourth)}`);
    const mine = stage.gateway.ended
      .slice(before)
      .filter(({ exchange }) => exchange.head.headers['x-test-client'] === 'grpc-go');
    assert.equal(mine.length, 5, 'only the last call was sent again, and that once');
  });
}
