// Limits as clients meet them on the wire: counted before anything is sent, given back where they are not to count,
// the same over every protocol, and no way round by spelling.

import assert from 'node:assert/strict';
import http2 from 'node:http2';
import { test } from 'node:test';
import { create, toBinary } from '@bufbuild/protobuf';
import { CreateSessionRequestSchema } from '@zitadel/proto/zitadel/session/v2/session_service_pb.js';
import { type StandIn, startStandIn } from '../../src/demo/stand-in.ts';
import { USERS } from '../../src/demo/state.ts';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { until } from '../support/until.ts';

const hostOf = (url: string): string => new URL(url).host;
const [, USER] = USERS;
const NAME = USER!.loginName;

type Config = NonNullable<NonNullable<Parameters<typeof startGateway>[0]>['config']>;

async function started(config: Config = {}): Promise<AsyncDisposable & { zitadel: StandIn; gateway: TestGateway }> {
  const zitadel = await startStandIn();
  const gateway = await startGateway({ zitadel: hostOf(zitadel.url), config });
  return {
    zitadel,
    gateway,
    async [Symbol.asyncDispose]() {
      await gateway[Symbol.asyncDispose]();
      await zitadel.close();
    },
  };
}

/** Only this limit on a route of its own. */
const only = (paths: string[], limits: object, more: object = {}): Config =>
  ({ routes: [{ name: 'limited', paths, class: 'mine', policies: { rate_limit: { limits } }, ...more }] }) as Config;

const session = (password: string, name = NAME) =>
  JSON.stringify({ checks: { user: { loginName: name }, password: { password } } });

const createSession = (gateway: TestGateway, password: string, name = NAME): Promise<Response> =>
  fetch(`${gateway.clearUrl}/v2/sessions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: 'Bearer token' },
    body: session(password, name),
  });

const statuses = async (answers: readonly Promise<Response>[]): Promise<number[]> => {
  const all = await Promise.all(answers);
  await Promise.all(all.map((answer) => answer.arrayBuffer()));
  return all.map(({ status }) => status);
};
const count = (list: readonly number[], wanted: number): number => list.filter((one) => one === wanted).length;

const GUESSES = { key: ['login_name'], requests: 5, period_s: 3600, burst: 5, count: 'failures' };

test('1,000 wrong passwords at once with a burst of 5: at most 5 reach ZITADEL', async () => {
  await using stage = await started(only(['/v2/sessions'], { guesses: GUESSES }));
  const answers = await statuses(Array.from({ length: 1000 }, (_, i) => createSession(stage.gateway, `wrong-${i}`)));
  assert.deepEqual([count(answers, 400), count(answers, 429)], [5, 995]);
  assert.equal(stage.zitadel.wrongAttempts.get(NAME), 5);
});

test('right passwords cost nothing: what is reserved is given back, and a later guess still has all of the burst', async () => {
  await using stage = await started(only(['/v2/sessions'], { guesses: GUESSES }));
  for (let i = 0; i < 20; i += 1)
    assert.deepEqual(await statuses([createSession(stage.gateway, USER!.password)]), [201]);
  const answers = await statuses(Array.from({ length: 20 }, () => createSession(stage.gateway, 'wrong')));
  assert.equal(count(answers, 400), 5);
});

test('attack: one account, guessed over gRPC, Connect and REST in turn, is one count', async () => {
  await using stage = await started({
    routes: [
      {
        name: 'limited',
        paths: ['/v2/sessions', '/zitadel.session.v2.SessionService/CreateSession'],
        class: 'mine',
        policies: { rate_limit: { limits: { guesses: GUESSES } } },
      },
    ],
  } as Config);
  const { gateway, zitadel } = stage;
  const path = '/zitadel.session.v2.SessionService/CreateSession';
  const message = toBinary(
    CreateSessionRequestSchema,
    create(CreateSessionRequestSchema, {
      checks: { user: { search: { case: 'loginName', value: NAME.toUpperCase() } }, password: { password: 'wrong' } },
    }),
  );
  const client = http2.connect(gateway.clearUrl);
  const grpc = async (): Promise<string | undefined> => {
    const head = Buffer.alloc(5);
    head.writeUInt32BE(message.length, 1);
    const stream = client.request({
      ':method': 'POST',
      ':path': path,
      'content-type': 'application/grpc',
      te: 'trailers',
      authorization: 'Bearer t',
    });
    const { promise, resolve } = Promise.withResolvers<string | undefined>();
    stream.on('response', (headers) => headers['grpc-status'] !== undefined && resolve(String(headers['grpc-status'])));
    stream.on('trailers', (trailers) => resolve(String(trailers['grpc-status'])));
    stream.end(Buffer.concat([head, message]));
    stream.resume();
    return promise;
  };
  const connect = (): Promise<Response> =>
    fetch(gateway.clearUrl + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: 'Bearer t' },
      body: session('wrong', `  ${NAME} `),
    });
  for (let i = 0; i < 4; i += 1) {
    await grpc();
    await statuses([connect(), createSession(gateway, 'wrong')]);
  }
  client.close();
  // The stand-in takes only the name as it is for its user; the others it did not find count as guesses all the same.
  assert.equal(gateway.ended.filter(({ record }) => record.error?.code === 'TOO_MANY_REQUESTS').length, 12 - 5);
  assert.ok((zitadel.wrongAttempts.get(NAME) ?? 0) <= 5);
});

test('attack: whoever leaves before the answer has guessed all the same', async () => {
  await using stage = await started(only(['/v2/sessions'], { guesses: GUESSES }));
  const { gateway, zitadel } = stage;
  await zitadel.fail({ mode: 'hang' });
  for (let i = 0; i < 5; i += 1) {
    const abort = new AbortController();
    const asked = fetch(`${gateway.clearUrl}/v2/sessions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: session('wrong'),
      signal: abort.signal,
    });
    const open = gateway.primary.openExchanges;
    await until(() => gateway.primary.openExchanges > open || gateway.ended.length > i);
    abort.abort();
    await asked.catch(() => {});
    await gateway.over((ended) => gateway.ended.indexOf(ended) === i);
  }
  await zitadel.heal();
  const sent = gateway.ended.filter(({ record }) => record.attempts > 0).length;
  const admitted = count(await statuses(Array.from({ length: 10 }, () => createSession(gateway, 'wrong'))), 400);
  assert.ok(sent + admitted <= 5, `${sent} left early and ${admitted} stayed`);
});

test('an upstream that cannot be reached has seen no guess: nothing is counted', async () => {
  await using gateway = await startGateway({
    zitadel: '127.0.0.1:1',
    config: only(['/v2/sessions'], { guesses: GUESSES }),
  });
  const answers = await statuses(Array.from({ length: 20 }, () => createSession(gateway, 'wrong')));
  assert.equal(count(answers, 429) + count(answers, 502), 20);
  assert.equal(count(await statuses([createSession(gateway, 'wrong')]), 502), 1, 'and then it is free again');
});

test('a device that succeeded lately has a count of its own: strangers cannot lock its user out', async () => {
  const limits = { guesses: { ...GUESSES, known: { by: ['header:x-device'], for_s: 3600 } } };
  await using stage = await started(only(['/v2/sessions'], limits));
  const { gateway } = stage;
  const from = (device: string, password: string): Promise<Response> =>
    fetch(`${gateway.clearUrl}/v2/sessions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: 'Bearer t', 'x-device': device },
      body: session(password),
    });
  assert.deepEqual(await statuses([from('laptop', USER!.password)]), [201]);
  await statuses(Array.from({ length: 50 }, (_, i) => from(`attacker-${i}`, 'wrong')));
  assert.deepEqual(await statuses([from('laptop', USER!.password)]), [201], 'the known device');
  assert.deepEqual(
    await statuses([from('phone', USER!.password)]),
    [429],
    'a device that nobody has seen waits meanwhile',
  );
});

test('a body that was looked at goes on untouched, in one piece or in many', async () => {
  await using stage = await started(only(['/demo/*'], { forms: { key: ['form:a'], requests: 100 } }));
  const body = `a=1&pad=${'x'.repeat(100_000)}`;
  const answer = await fetch(`${stage.gateway.clearUrl}/demo/echo`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body,
  });
  const said = (await answer.json()) as { bodyBytes: number };
  assert.equal(said.bodyBytes, body.length);
});

test('attack: another spelling of the path, its host or its escapes is no other bucket', async () => {
  await using stage = await started(
    only(['/v2/users/{id}'], { each: { key: ['address'], requests: 1, period_s: 3600 } }),
  );
  const ask = (path: string): Promise<Response> => fetch(stage.gateway.clearUrl + path);
  const answers = await statuses(['/v2/users/1', '/v2/%75sers/1', '/v2/users/%31', '/v2/users/2?x=1'].map(ask));
  assert.equal(count(answers, 429), 3);
});

test('attack: requests that no route takes are limited too, and so are malformed ones', async () => {
  await using stage = await started({
    classes: { refused: { rate_limit: { limits: { 'refused-address': { requests: 3, period_s: 3600, burst: 3 } } } } },
    hosts: ['id.example.com'],
  } as Config);
  const answers = await statuses(Array.from({ length: 10 }, () => fetch(stage.gateway.clearUrl)));
  assert.deepEqual([count(answers, 404), count(answers, 429)], [3, 7]);
});

test('`enforce: false` refuses nobody, and the record says who would have been', async () => {
  const limits = { shadow: { key: ['address'], requests: 1, period_s: 3600, enforce: false } };
  await using stage = await started(only(['/demo/*'], limits));
  const { gateway } = stage;
  await statuses([fetch(`${gateway.clearUrl}/demo/echo`)]);
  assert.deepEqual(await statuses([fetch(`${gateway.clearUrl}/demo/echo`)]), [200]);
  const { record } = await gateway.over((ended) => ended.record.reported.length > 0);
  assert.deepEqual(record.reported, ['shadow']);
});

test('a limit that counts requests gives back what a later limit of the body refused', async () => {
  const limits = {
    wide: { key: ['address'], requests: 10, period_s: 3600 },
    narrow: { key: ['form:a'], requests: 1, period_s: 3600 },
  };
  await using stage = await started(only(['/demo/*'], limits));
  const post = (): Promise<Response> =>
    fetch(`${stage.gateway.clearUrl}/demo/echo`, { method: 'POST', body: new URLSearchParams({ a: 'x' }) });
  const answers = await statuses(Array.from({ length: 30 }, post));
  assert.deepEqual([count(answers, 200), count(answers, 429)], [1, 29]);
  const others = await statuses(Array.from({ length: 9 }, () => fetch(`${stage.gateway.clearUrl}/demo/echo`)));
  assert.equal(count(others, 200), 9);
});

test('places: so many in flight by account, free again when the answer has gone or the client has', async () => {
  await using stage = await started({
    routes: [
      {
        name: 'limited',
        paths: ['/demo/*'],
        class: 'mine',
        policies: { concurrency_limit: { limits: { each: { key: ['address'], max_in_flight: 1 } } } },
      },
    ],
  } as Config);
  const { gateway } = stage;
  const abort = new AbortController();
  const slow = fetch(`${gateway.clearUrl}/demo/hang`, { signal: abort.signal });
  await until(() => gateway.primary.openExchanges > 0);
  const [refused] = await Promise.all([fetch(`${gateway.clearUrl}/demo/echo`)]);
  assert.deepEqual([refused.status, refused.headers.get('retry-after')], [429, '1']);
  await refused.arrayBuffer();
  abort.abort();
  await slow.catch(() => {});
  await gateway.over(({ record }) => record.error?.code === 'CLIENT_LEFT');
  assert.deepEqual(await statuses([fetch(`${gateway.clearUrl}/demo/echo`)]), [200]);
});

test('CORS preflights count by address, apart from the calls that they precede', async () => {
  const limits = {
    all: { key: ['address'], requests: 2, period_s: 3600 },
    each: { key: ['address', 'header:x-who'], requests: 1, period_s: 3600, missing: 'shared' },
  };
  await using stage = await started(only(['/v2/users/{id}'], limits));
  const preflight = (): Promise<Response> =>
    fetch(`${stage.gateway.clearUrl}/v2/users/1`, {
      method: 'OPTIONS',
      headers: { origin: 'https://app.example.com', 'access-control-request-method': 'GET' },
    });
  await statuses([preflight(), preflight()]);
  const [call] = await statuses([fetch(`${stage.gateway.clearUrl}/v2/users/1`)]);
  assert.notEqual(call, 429, 'the call has all of its own');
  await statuses([preflight()]);
  // A refused preflight lets the call come, which is refused in its own form; so its record tells, not its status.
  const refused = stage.gateway.ended.filter(({ record }) => record.error?.rule === 'all');
  assert.equal(refused.length, 1);
});
