// What the shield of the preset refuses, and how each part is opened.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConfig } from '../../../src/config/load.ts';
import type { RouteConfig } from '../../../src/config/routes.ts';
import { ZITADEL_RPCS } from '../../../src/rpc/rpc-table.ts';
import { asking, shieldOf } from '../../policies/shield-request.ts';
import { routeFor } from '../match.ts';
import { parse } from '../support.ts';

const GRPC = 'application/grpc';
const JSON_TYPE = 'application/json';
const FORM = 'application/x-www-form-urlencoded';

interface Request {
  readonly method?: string;
  readonly type?: string;
  readonly listener?: string;
}

/** How a request is refused, or undefined where it is forwarded. */
function refusal(routes: readonly RouteConfig[], path: string, { method = 'POST', type, listener }: Request = {}) {
  const route = routeFor(routes, { method, path, ...(listener !== undefined && { listener }) });
  if (route === undefined || route.action !== 'forward') return route?.refuse_with ?? 'nothing';
  const { shield } = route.policies;
  if (shield === undefined) return 'no shield';
  const error = shieldOf(shield, route.rewrite_prefix).enter(asking(path, { method, type: type ?? JSON_TYPE }));
  return error && `${error.code} ${error.rule}`;
}

const PLAIN = parse().routes;

test('the shield is on for every route of the preset that forwards, and off for those that are closed', () => {
  for (const { name, action, policies } of PLAIN) {
    assert.equal(policies.shield !== undefined, action === 'forward', name);
  }
});

test('an own route to ZITADEL has it too; one to another upstream has not', () => {
  const { routes } = parseConfig(`
listeners: [{ name: public, address: "127.0.0.1:0" }]
upstreams: { zitadel: { endpoints: ["127.0.0.1:1"] }, other: { endpoints: ["127.0.0.1:2"] } }
routes: [{ name: a, paths: [/a] }, { name: b, paths: [/b], upstream: other }]
`);
  const shielded = (own: string) => routes.find(({ name }) => name === own)!.policies.shield !== undefined;
  assert.deepEqual([shielded('a'), shielded('b')], [true, false]);
});

const CROSS: readonly (readonly [method: string, path: string, type: string])[] = ['v2', 'v2beta'].flatMap(
  (version) => [
    ...['ListInstances', 'CreateInstance', 'DeleteInstance', 'AddCustomDomain', 'RemoveCustomDomain'].map(
      (rpc) => ['POST', `/zitadel.instance.${version}.InstanceService/${rpc}`, GRPC] as const,
    ),
    ['POST', `/${version}/instances/search`, JSON_TYPE] as const,
    ['DELETE', `/${version}/instances/1`, JSON_TYPE] as const,
    ['POST', `/${version}/instances/1`, FORM] as const,
    ['POST', `/${version}/instances/1/custom-domains`, JSON_TYPE] as const,
    ['DELETE', `/${version}/instances/1/custom-domains/a.example`, JSON_TYPE] as const,
  ],
);

const OWN: readonly (readonly [method: string, path: string])[] = ['v2', 'v2beta'].flatMap((version) => [
  ['POST', `/zitadel.instance.${version}.InstanceService/GetInstance`] as const,
  ['POST', `/zitadel.instance.${version}.InstanceService/UpdateInstance`] as const,
  ['POST', `/zitadel.instance.${version}.InstanceService/ListTrustedDomains`] as const,
  ['GET', `/${version}/instances/1`] as const,
  ['PUT', `/${version}/instances/1`] as const,
  ['POST', `/${version}/instances/1/custom-domains/search`] as const,
]);

for (const [method, path, type] of CROSS) {
  test(`${method} ${path} as ${type} crosses instances and is refused, unless \`instances\` is open`, () => {
    assert.equal(refusal(PLAIN, path, { method, type }), 'RPC_REFUSED cross-instance');
    assert.equal(refusal(parse('preset: { open: [instances] }').routes, path, { method, type }), undefined);
  });
}

test('what is asked of the own instance stays open', () => {
  for (const [method, path] of OWN) assert.equal(refusal(PLAIN, path, { method }), undefined, `${method} ${path}`);
});

test('POST /v2/instances, which no definition has, is closed with the group', () => {
  for (const path of ['/v2/instances', '/v2beta/instances']) {
    assert.equal(refusal(PLAIN, path), 'INTERNAL_ROUTE');
    assert.equal(refusal(parse('preset: { open: [instances] }').routes, path), undefined);
  }
});

test('opened on some listeners, the calls across instances stay refused on the others', () => {
  const { routes } = parse('preset: { open: [instances], open_on: [public] }');
  const path = '/v2beta/instances/search';
  assert.equal(refusal(routes, path, { listener: 'public' }), undefined);
  assert.equal(refusal(routes, path, { listener: 'elsewhere' }), 'RPC_REFUSED cross-instance');
  assert.equal(refusal(routes, '/v2beta/instances/1', { method: 'GET', listener: 'elsewhere' }), undefined);
});

test('attack: system and debug services in versions that nobody knows, and on looser own routes', () => {
  assert.equal(refusal(PLAIN, '/zitadel.system.v9.X/Y', { type: GRPC }), 'INTERNAL_ROUTE');
  assert.equal(refusal(PLAIN, '/zitadel.debug.v2.DebugService/Dump', { type: GRPC }), 'RPC_REFUSED debug');
  assert.equal(refusal(PLAIN, '/zitadel.x.v2.DebugEvents/Dump', { type: GRPC }), 'RPC_REFUSED debug');
  const own = parse('routes: [{ name: own, paths: ["/x/*"], rewrite_prefix: { from: /x, to: / } }]');
  assert.equal(refusal(own.routes, '/x/system/v1/instances/_search'), 'RPC_REFUSED system');
  assert.equal(refusal(own.routes, '/x/zitadel.system.v1.SystemService/ListInstances'), 'RPC_REFUSED system');
});

test('each group lifts the rule of its own routes and no other', () => {
  const system = '/zitadel.system.v1.SystemService/ListInstances';
  const events = '/zitadel.resources.debug_events.v3alpha.ZITADELDebugEvents/CreateDebugEvents';
  const opened = (group: string) => parse(`preset: { open: [${group}] }`).routes;
  assert.equal(refusal(opened('system'), system, { type: GRPC }), undefined);
  assert.equal(refusal(opened('system'), '/system/v1/instances/_search'), undefined);
  assert.equal(refusal(opened('system'), '/v2beta/instances/search'), 'RPC_REFUSED cross-instance');
  assert.equal(refusal(opened('debug_events'), events, { type: GRPC }), undefined);
  assert.equal(refusal(opened('instances'), system, { type: GRPC }), 'INTERNAL_ROUTE');
});

test('attack: the alias /api is no way round', () => {
  const { routes } = parse('preset: { api_alias: true }');
  assert.equal(refusal(routes, '/api/v2beta/instances/search'), 'RPC_REFUSED cross-instance');
  assert.equal(refusal(routes, '/api/v2/instances/1', { method: 'DELETE' }), 'RPC_REFUSED cross-instance');
  assert.equal(refusal(routes, '/api/v2/instances'), 'INTERNAL_ROUTE');
  assert.equal(refusal(routes, '/api/v2beta/instances/1', { method: 'GET' }), undefined);
});

test('attack: a service in another case is not served', () => {
  assert.equal(refusal(PLAIN, '/Zitadel.system.v1.SystemService/ListInstances', { type: GRPC }), 'NO_ROUTE');
});

test('bodies of the types that ZITADEL takes pass, others do not', () => {
  const wrong = 'UNSUPPORTED_CONTENT_TYPE content_types';
  for (const [path, type, expected] of [
    ['/oauth/v2/token', FORM, undefined],
    ['/oauth/v2/token', JSON_TYPE, wrong],
    ['/oauth/v2/introspect', 'text/plain', wrong],
    ['/oauth/v2/device_authorization', FORM, undefined],
    ['/oidc/v1/userinfo', JSON_TYPE, undefined],
    ['/saml/v2/SSO', FORM, undefined],
    ['/idps/callback', FORM, undefined],
    ['/ui/login/loginname', FORM, undefined],
    ['/ui/login/loginname', JSON_TYPE, wrong],
    ['/assets/v1/1/policy/label/logo', 'multipart/form-data; boundary=x', undefined],
    ['/assets/v1/1/policy/label/logo', 'image/png', wrong],
    ['/scim/v2/1/Users', 'application/scim+json', undefined],
    ['/scim/v2/1/Users', JSON_TYPE, undefined],
    ['/scim/v2/1/Users', FORM, wrong],
    // curl -d without a header: grpc-gateway reads any type as JSON.
    ['/v2/users/human', FORM, undefined],
    ['/management/v1/users/_search', 'text/plain', undefined],
    ['/zitadel.user.v2.UserService/GetUserByID', 'text/plain', wrong],
  ] as const) {
    assert.equal(refusal(PLAIN, path, { type }), expected, `${path} ${type}`);
  }
});

test('one line of the config switches a rule or all of it off', () => {
  const path = '/v2beta/instances/search';
  assert.equal(refusal(parse('policies: { shield: { rpcs: { cross-instance: false } } }').routes, path), undefined);
  assert.equal(refusal(parse('policies: { shield: false }').routes, '/v2/users'), 'no shield');
});

test('every call that needs a permission across instances (system.*) in the definitions is closed, by RPC and by REST', () => {
  const across = ZITADEL_RPCS.rpcs.filter(({ systemPermission }) => systemPermission);
  assert.ok(across.length > 20);
  for (const { name } of across) assert.notEqual(refusal(PLAIN, `/${name}`, { type: GRPC }), undefined, name);
});
