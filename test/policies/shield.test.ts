// RPCs that are not for everybody stay closed by every way that leads to them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodePath, upstreamPath } from '../../src/core/path.ts';
import { options } from '../../src/policies/shield/options.ts';
import { asking, shieldOf } from './shield-request.ts';

const GRPC = 'application/grpc';
const FORM = 'application/x-www-form-urlencoded';
const DENIED = 'RPC_REFUSED closed';
const denying = (...match: string[]) => ({ rpcs: { closed: { match, deny: true } } });

const CREATE = 'zitadel.session.v2.SessionService/CreateSession';

test('a denied RPC is refused by gRPC, gRPC-Web and Connect, and by its REST path; others pass', () => {
  const { ask } = shieldOf(denying(CREATE));
  for (const type of [GRPC, 'application/grpc-web+proto', 'application/grpc-web-text', 'application/json']) {
    assert.equal(ask(`/${CREATE}`, { type }), DENIED, type);
  }
  assert.equal(ask('/v2/sessions', { type: 'application/json' }), DENIED);
  assert.equal(ask('/zitadel.session.v2.SessionService/GetSession', { type: GRPC }), undefined);
  assert.equal(ask('/v2/sessions/search', { type: 'application/json' }), undefined);
  assert.equal(ask('/v2/sessions/1', { method: 'GET' }), undefined);
});

test('a rule with `allow` refuses all other addresses, IPv4 and IPv6', () => {
  const { ask } = shieldOf({
    rpcs: { admin: { match: ['zitadel.admin.v1.AdminService/*'], allow: ['@office', '10.0.0.0/8', 'fd00::/8'] } },
  });
  for (const path of ['/zitadel.admin.v1.AdminService/ListOrgs', '/admin/v1/orgs/_search']) {
    const from = (address: string) => ask(path, { type: 'application/json', address });
    for (const address of ['203.0.113.7', '2001:db8:1::5', '10.1.1.1', 'fd00::1']) {
      assert.equal(from(address), undefined, `${path} ${address}`);
    }
    for (const address of ['198.51.100.1', '2001:db8:2::5', '11.0.0.1', 'fe80::1']) {
      assert.equal(from(address), 'RPC_REFUSED admin', `${path} ${address}`);
    }
  }
});

test('`deny` refuses everybody, whatever `allow` says; `false` switches a rule off; neither refuses nobody', () => {
  const match = ['zitadel.admin.*'];
  const path = '/zitadel.admin.v1.AdminService/ListOrgs';
  const ask = (rule: unknown) => shieldOf({ rpcs: { closed: rule } }).ask(path, { type: GRPC });
  assert.equal(ask({ match, deny: true, allow: ['203.0.113.0/24'] }), DENIED);
  assert.equal(ask(false), undefined);
  assert.equal(ask({ match }), undefined);
});

test('`enforce: false` of a rule or of the shield refuses nobody and reports', () => {
  for (const given of [
    { rpcs: { closed: { match: [CREATE], deny: true, enforce: false } } },
    { ...denying(CREATE), enforce: false },
  ]) {
    const tested = shieldOf(given);
    const exchange = asking(`/${CREATE}`, { type: GRPC });
    assert.equal(tested.enter(exchange), undefined);
    assert.deepEqual(exchange.record.reported, ['closed']);
    assert.deepEqual(tested.refused, [{ rule: 'closed', enforced: false }]);
  }
});

test('the refusal names the rule, and the log the RPC', () => {
  const tested = shieldOf(denying('zitadel.session.*'));
  const error = tested.enter(asking('/v2/sessions', { type: 'application/json' }));
  assert.deepEqual([error?.code, error?.rule, error?.detail], ['RPC_REFUSED', 'closed', CREATE]);
  assert.deepEqual(tested.refused, [{ rule: 'closed', enforced: true }]);
});

test('a CORS preflight passes: it calls nothing', () => {
  assert.equal(shieldOf(denying('*')).ask(`/${CREATE}`, { method: 'OPTIONS' }), undefined);
});

test('attack: percent-encoded letters of a denied RPC or REST path', () => {
  const { ask } = shieldOf(denying(CREATE));
  for (const target of ['/zitadel.session.v2.SessionService/%43reateSession', '/%76%32/%73essions']) {
    assert.equal(ask(decodePath(target)!.path, { type: 'application/json' }), DENIED, target);
  }
});

test('attack: a slash at the end, or letters in another case', () => {
  const { ask } = shieldOf(denying('zitadel.session.v2.SessionService/*'));
  for (const path of [
    `/${CREATE}/`,
    '/v2/sessions/',
    '/zitadel.session.v2.SessionService/createsession',
    '/ZITADEL.Session.v2.SessionService/CreateSession',
    '/zitadel.session.v2.SessionService/Create-Session',
  ]) {
    assert.equal(ask(path, { type: 'application/json' }), DENIED, path);
  }
});

test('a pattern in another case than the definitions means the same', () => {
  assert.equal(shieldOf(denying('zitadel.SESSION.v2.sessionservice/*')).ask('/v2/sessions', { type: GRPC }), DENIED);
});

test('attack: a form POST that grpc-gateway serves by the handler of another method', () => {
  const path = '/v2/sessions/123';
  for (const rpc of ['DeleteSession', 'SetSession', 'GetSession']) {
    const { ask } = shieldOf(denying(`zitadel.session.v2.SessionService/${rpc}`));
    assert.equal(ask(path, { type: FORM }), DENIED, rpc);
    assert.equal(ask(path, { type: `${FORM.toUpperCase()}; charset=utf-8` }), DENIED, rpc);
  }
  assert.equal(shieldOf(denying(CREATE)).ask(path, { type: FORM }), undefined);
});

test('attack: a version that no definition has, by RPC and by REST', () => {
  const { ask } = shieldOf(denying('zitadel.system.*', 'zitadel.instance.*.InstanceService/DeleteInstance'));
  assert.equal(ask('/zitadel.system.v9.SystemService/ListInstances', { type: GRPC }), DENIED);
  assert.equal(ask('/zitadel.system.v9.X/Y', { type: GRPC }), DENIED);
  assert.equal(ask('/zitadel.instance.v2.InstanceService/DeleteInstance', { type: GRPC }), DENIED);
  for (const version of ['v2', 'v2beta', 'v3alpha', 'v9']) {
    assert.equal(ask(`/${version}/instances/123`, { method: 'DELETE' }), DENIED, version);
    assert.equal(ask(`/${version}/instances/123`, { type: FORM }), DENIED, version);
    assert.equal(ask(`/${version}/instances/123`, { method: 'GET' }), undefined, version);
  }
});

test('attack: a denied path behind a prefix that the route strips', () => {
  const { ask } = shieldOf(denying(CREATE, 'zitadel.system.*'), { from: '/api', to: '/' });
  assert.equal(ask('/api/v2/sessions', { type: 'application/json' }), DENIED);
  assert.equal(ask(`/api/${CREATE}`, { type: GRPC }), DENIED);
  assert.equal(ask('/api/system/v1/instances/_search', { type: 'application/json' }), DENIED);
  assert.equal(ask('/api/v2/sessions/search', { type: 'application/json' }), undefined);
});

test('the path of the upstream is that of the route with its beginning replaced', () => {
  for (const [path, from, to, expected] of [
    ['/api/v2/x', '/api', '/', '/v2/x'],
    ['/api', '/api', '/', '/'],
    ['/a/b/c', '/a/b', '/x', '/x/c'],
    ['/a/b', '/a/b', '/x', '/x'],
    ['/a/b/', '/a/b', '/x', '/x/'],
    ['/', '/', '/ui/v2/login/', '/ui/v2/login/'],
  ] as const) {
    assert.equal(upstreamPath(path, { from, to }), expected, path);
  }
  assert.equal(upstreamPath('/v2/x', undefined), '/v2/x');
});

test('an RPC that no definition has is forwarded and told of; those of other packages are not', () => {
  const tested = shieldOf({});
  assert.equal(tested.ask('/zitadel.user.v7.UserService/New', { type: GRPC }), undefined);
  assert.equal(tested.ask('/zitadel.user.v2.UserService/New', { type: GRPC }), undefined);
  assert.equal(tested.ask('/grpc.health.v1.Health/Check', { type: GRPC }), undefined);
  assert.equal(tested.ask(`/${CREATE}`, { type: GRPC }), undefined);
  assert.deepEqual(tested.unknown, ['zitadel.user.v7.UserService/New', 'zitadel.user.v2.UserService/New']);
});

test('`unknown_rpc: refuse` leaves only what the definitions have, by RPC and by REST', () => {
  const { ask } = shieldOf({ unknown_rpc: 'refuse' });
  const unknown = 'UNKNOWN_RPC unknown_rpc';
  for (const path of ['/zitadel.user.v7.UserService/New', '/v2/nothing', '/admin/v1/nothing', '/v9/sessions']) {
    assert.equal(ask(path, { type: 'application/json' }), unknown, path);
  }
  for (const path of [`/${CREATE}`, '/v2/sessions', '/admin/v1/orgs/_search', '/grpc.health.v1.Health/Check']) {
    assert.equal(ask(path, { type: GRPC }), undefined, path);
  }
  for (const path of ['/oauth/v2/token', '/ui/login/loginname', '/scim/v2/org/Users', '/saml/v2/SSO', '/']) {
    assert.equal(ask(path, { type: FORM }), undefined, path);
  }
});

test('attack: a name of 30 KB, made for slow patterns, is refused at once and never matched', () => {
  const { ask, unknown } = shieldOf(denying('*a*a*a*b'));
  const started = performance.now();
  assert.equal(ask(`/zitadel.${'a'.repeat(30_000)}/x`, { type: GRPC }), 'UNKNOWN_RPC unknown_rpc');
  assert.ok(performance.now() - started < 500);
  assert.deepEqual(unknown, []);
});

test('what is no pattern, network, media type or size is a problem of the config', () => {
  for (const wrong of [
    { rpcs: { closed: { match: ['a b'], deny: true } } },
    { rpcs: { closed: { match: ['*a*a*a*a*a'], deny: true } } },
    { rpcs: { closed: { match: [], deny: true } } },
    { rpcs: { closed: { deny: true } } },
    { rpcs: { Closed: { match: ['a.*'] } } },
    { rpcs: { closed: { match: ['a.*'], allow: ['10.0.0.0/33'] } } },
    { rpcs: { closed: { match: ['a.*'], allow: ['::ffff:10.0.0.1'] } } },
    { content_types: ['application/json; charset=utf-8'] },
    { content_types: ['json'] },
    { max_message_bytes: 0 },
    { unknown_rpc: 'ask' },
  ]) {
    assert.equal(options.safeParse(wrong).success, false, JSON.stringify(wrong));
  }
});

test('whatever the path and method, the shield answers and does not throw; a denied RPC never passes', () => {
  const { ask } = shieldOf({ ...denying('zitadel.*'), unknown_rpc: 'refuse' });
  const segment = fc.constantFrom(
    'v2',
    'sessions',
    'zitadel.session.v2.SessionService',
    'CreateSession',
    '',
    'x',
    'é',
    '%',
  );
  const path = fc.oneof(
    fc.string(),
    fc.array(fc.oneof(segment, fc.string())).map((all) => `/${all.join('/')}`),
  );
  fc.assert(
    fc.property(path, fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'X'), (one, method) => {
      const answer = ask(one, { method, type: FORM });
      if (/^\/zitadel\.[^/]+\/[^/]+\/?$/.test(one) && method === 'POST') assert.notEqual(answer, undefined);
    }),
    { numRuns: 500 },
  );
});
