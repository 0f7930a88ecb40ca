// A login, a token, a code: whatever may have been processed is never sent again, whatever the config says of statuses
// and timeouts. Counted at the stand-in, for every class of routes that are not safe, under every fault.
// Harm: two users for one click, a code that is used up, a refresh token that is revoked because it came twice.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expandRoutes } from '../../src/config/routes.ts';
import { startGateway, testConfig } from '../support/gateway.ts';
import { connectFrames } from '../support/h2-frames.ts';
import { type Arrived, CALL, Flag, MESSAGE, plain, startUpstream } from './raw-upstream.ts';

type FieldList = ReturnType<typeof plain>;

const FORM: FieldList = [['content-type', 'application/x-www-form-urlencoded']];
const JSON_BODY: FieldList = [['content-type', 'application/json']];
const rpc = (path: string): FieldList => CALL.map(([name, value]) => [name, name === ':path' ? path : value] as const);

/** A request of each kind that does something: its class, and its head. */
const REQUESTS: readonly (readonly [route: string, fields: FieldList])[] = [
  ['login-v1', plain('POST', '/ui/login/password', FORM)],
  ['login-v1', plain('GET', '/ui/login/login/externalidp/callback?code=a&state=b')],
  ['login-v1-codes', plain('GET', '/ui/login/mail/verification?code=a')],
  ['login-v1-mails', plain('GET', '/ui/login/password/reset')],
  ['oidc-authorize', plain('GET', '/oauth/v2/authorize?client_id=a')],
  ['oidc-authorize', plain('GET', '/oauth/v2/authorize/callback?id=a')],
  ['oidc-end-session', plain('GET', '/oidc/v1/end_session')],
  ['oidc-token', plain('POST', '/oauth/v2/token', FORM)],
  ['oidc-introspect', plain('POST', '/oauth/v2/introspect', FORM)],
  ['device-authorization', plain('POST', '/oauth/v2/device_authorization', FORM)],
  ['device-pages', plain('GET', '/device?user_code=ABCD-EFGH')],
  ['saml', plain('GET', '/saml/v2/SSO?SAMLRequest=a')],
  ['idp-callbacks', plain('GET', '/idps/callback?code=a&state=b')],
  ['secrets-rpc', rpc('/zitadel.session.v2.SessionService/CreateSession')],
  ['secrets-post', plain('POST', '/v2/sessions', JSON_BODY)],
  ['rest-v1', plain('POST', '/management/v1/users/human', JSON_BODY)],
  ['rest-v2', plain('PUT', '/v2/users/1/email', JSON_BODY)],
  ['rest-v2', plain('DELETE', '/v2/users/1')],
  ['rpc', rpc('/zitadel.user.v2.UserService/AddHumanUser')],
  ['import-export', plain('POST', '/admin/v1/import', JSON_BODY)],
];

/** What goes wrong after the request has come; the gateway must take each for one that may have been processed. */
const FAULTS: Readonly<Record<string, (request: Arrived) => void>> = {
  'a reset before the head': (request) => request.reset(2),
  'CANCEL before the head': (request) => request.reset(8),
  'a connection lost before the head': (request) => request.vanish(),
  'GOAWAY above its id': (request) => request.peer.goaway(request.id, 2),
  'a status 503': (request) => request.head([[':status', '503']], Flag.END_STREAM),
  'grpc-status 14': (request) =>
    request.head(
      [
        [':status', '200'],
        ['content-type', 'application/grpc'],
        ['grpc-status', '14'],
      ],
      Flag.END_STREAM,
    ),
  'a reset after the head': (request) => {
    request.head([[':status', '200']]);
    void request.peer.settled().then(() => request.reset(2));
  },
  'a connection lost after the head': (request) => {
    request.head([[':status', '200']]);
    void request.peer.settled().then(() => request.vanish());
  },
  // Longer than per_try_timeout_ms below.
  'a late answer': (request) => {
    const timer = setTimeout(() => request.answer(), 60);
    request.peer.socket.once('close', () => clearTimeout(timer));
  },
};

/** What happens where nothing was processed: there the request may come twice. */
const UNPROCESSED: Readonly<Record<string, (request: Arrived) => void>> = {
  REFUSED_STREAM: (request) => request.reset(7),
  'GOAWAY below its id': (request) => request.peer.goaway(Math.max(0, request.id - 2), 0),
};

const RETRY = {
  attempts: 5,
  statuses: [500, 502, 503, 504],
  grpc_statuses: ['UNAVAILABLE', 'INTERNAL', 'DEADLINE_EXCEEDED'],
  per_try_timeout_ms: 20,
} as const;

async function stage(onRequest: (request: Arrived) => void) {
  const upstreams = [
    await startUpstream(onRequest, { unchecked: true }),
    await startUpstream(onRequest, { unchecked: true }),
  ];
  const gateway = await startGateway({
    zitadel: {
      endpoints: upstreams.map(({ address }) => address),
      health: { check: { type: 'none' }, passive: { consecutive_failures: 0 } },
      retry: { ...RETRY, statuses: [...RETRY.statuses], grpc_statuses: [...RETRY.grpc_statuses] },
      retry_budget: { min_per_s: 1000 },
    },
    config: { hints: false },
  });
  const client = await connectFrames(gateway.port('public'), { ca: gateway.ca });
  await client.settled();
  return {
    upstreams,
    gateway,
    client,
    async [Symbol.asyncDispose]() {
      client[Symbol.dispose]();
      await gateway[Symbol.asyncDispose]();
      for (const upstream of upstreams) await upstream[Symbol.asyncDispose]();
    },
  };
}

/** Sends it and waits for the end of its exchange, so that whatever would be sent again has been. */
async function send(on: Awaited<ReturnType<typeof stage>>, stream: number, fields: FieldList): Promise<void> {
  const before = on.gateway.ended.length;
  const ended = fields[0]![1] === 'GET' || fields[0]![1] === 'DELETE';
  on.client.headers(stream, fields, ended ? Flag.END_STREAM : 0);
  if (!ended) on.client.data(stream, MESSAGE, Flag.END_STREAM);
  await on.client.finished(stream);
  await on.gateway.over((one) => on.gateway.ended.indexOf(one) >= before);
}

for (const [fault, happen] of Object.entries(FAULTS)) {
  test(`${fault}: no request that does something is sent twice`, async () => {
    await using on = await stage(happen);
    const arrived = (): number => on.upstreams.reduce((all, upstream) => all + upstream.arrived.length, 0);
    for (const [index, [route, fields]] of REQUESTS.entries()) {
      const before = arrived();
      await send(on, 1 + 2 * index, fields);
      const { exchange, record } = on.gateway.ended.at(-1)!;
      assert.equal(exchange.route.name, route);
      const what = `${fields[0]![1]} ${exchange.raw.target}: ${record.error?.code ?? record.status}`;
      assert.equal(arrived() - before, 1, what);
      assert.equal(record.attempts, 1, what);
    }
  });
}

for (const [how, refuse] of Object.entries(UNPROCESSED)) {
  test(`${how}: each is processed once, though it comes twice`, async () => {
    let count = 0;
    let processed = 0;
    await using on = await stage((request) => {
      count += 1;
      if (count % 2 === 1) return refuse(request);
      processed += 1;
      request.answer();
    });
    for (const [index, [, fields]] of REQUESTS.entries()) await send(on, 1 + 2 * index, fields);
    assert.deepEqual([processed, count], [REQUESTS.length, 2 * REQUESTS.length]);
  });
}

test('every class of routes that do something is among them', () => {
  const routes = expandRoutes(testConfig({}));
  const classOf = new Map(routes.map((route) => [route.name, route.class]));
  const covered = new Set(REQUESTS.map(([route]) => classOf.get(route)));
  const doing = routes.filter(
    ({ action, methods }) => action === 'forward' && (methods.length === 0 || methods.includes('POST')),
  );
  assert.deepEqual(
    [...new Set(doing.map((route) => route.class))].filter((one) => !covered.has(one)),
    [],
  );
});
