import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { type DescService, getOption } from '@bufbuild/protobuf';
import { http } from '@zitadel/proto/google/api/annotations_pb.js';
import { parseConfig } from '../../../src/config/load.ts';
import type { RouteConfig } from '../../../src/config/routes.ts';
import { routeFor } from '../match.ts';
import { parse } from '../support.ts';

const PLAIN = parse().routes;

/** One line of the answer: the class where the request is forwarded, else how it is refused. */
function answer(routes: readonly RouteConfig[], method: string, path: string, listener?: string): string {
  const route = routeFor(routes, { method, path, ...(listener !== undefined && { listener }) });
  if (route === undefined) return 'nothing';
  return route.action === 'forward' ? `${route.class} ${route.form} ${route.upstream}` : route.refuse_with;
}

const CLOSED = 'INTERNAL_ROUTE';
const NOTHING = 'NO_ROUTE';

// Representative requests, one or more for every row of what ZITADEL serves.
const ROWS: readonly [method: string, path: string, expected: string][] = [
  ['GET', '/', 'login html zitadel'],
  ['POST', '/', NOTHING],
  ['GET', '/.well-known/openid-configuration', 'discovery oauth zitadel'],
  ['HEAD', '/.well-known/openid-configuration', 'discovery oauth zitadel'],
  ['OPTIONS', '/.well-known/openid-configuration', 'discovery oauth zitadel'],
  ['GET', '/.well-known/other', NOTHING],
  ['GET', '/oauth/v2/keys', 'discovery oauth zitadel'],
  ['GET', '/oauth/v2/authorize', 'authorize html zitadel'],
  ['POST', '/oauth/v2/authorize', 'authorize html zitadel'],
  ['GET', '/oauth/v2/authorize/callback', 'authorize html zitadel'],
  ['POST', '/oauth/v2/token', 'token oauth zitadel'],
  ['OPTIONS', '/oauth/v2/token', 'discovery oauth zitadel'],
  ['GET', '/oauth/v2/token', NOTHING],
  ['POST', '/oauth/v2/introspect', 'introspect oauth zitadel'],
  ['POST', '/oauth/v2/revoke', 'introspect oauth zitadel'],
  ['GET', '/oidc/v1/userinfo', 'introspect oauth zitadel'],
  ['OPTIONS', '/oidc/v1/userinfo', 'discovery oauth zitadel'],
  ['POST', '/oauth/v2/device_authorization', 'device oauth zitadel'],
  ['GET', '/device', 'device html zitadel'],
  ['POST', '/ui/login/device', 'device html zitadel'],
  ['POST', '/ui/login/device/allowed', 'device html zitadel'],
  ['GET', '/v2/oidc/device_authorization/ABCD-EFGH', 'device rest zitadel'],
  ['POST', '/v2beta/oidc/device_authorization/1', 'device rest zitadel'],
  ['GET', '/oidc/v1/end_session', 'authorize html zitadel'],
  ['GET', '/saml/v2/metadata', 'discovery html zitadel'],
  ['GET', '/saml/v2/certificate', 'discovery html zitadel'],
  ['GET', '/saml/v2/SSO', 'authorize html zitadel'],
  ['POST', '/saml/v2/SLO', 'authorize html zitadel'],
  ['POST', '/idps/callback', 'authorize html zitadel'],
  ['POST', '/idps/123/saml/acs', 'authorize html zitadel'],
  ['POST', '/scim/v2/org/Users', 'api scim zitadel'],
  ['PATCH', '/scim/v2/org/Users/1', 'api scim zitadel'],
  ['GET', '/ui/login', 'login html zitadel'],
  ['POST', '/ui/login/loginname', 'login html zitadel'],
  ['GET', '/ui/login/password/reset', 'login html zitadel'],
  ['GET', '/ui/login/resources/themes/zitadel.css', 'asset text zitadel'],
  ['GET', '/ui/console', 'asset html zitadel'],
  ['GET', '/ui/console/', 'asset html zitadel'],
  ['GET', '/ui/console/main.0123.js', 'asset html zitadel'],
  ['GET', '/ui/console/assets/environment.json', 'asset rest zitadel'],
  ['POST', '/ui/console/', NOTHING],
  ['GET', '/assets/v1/1/policy/label/logo', 'asset text zitadel'],
  ['POST', '/assets/v1/1/policy/label/logo', 'heavy text zitadel'],
  ['DELETE', '/assets/v1/1/policy/label/logo', 'heavy text zitadel'],
  ['GET', '/admin/v1/healthz', 'api rest zitadel'],
  ['GET', '/management/v1/healthz', 'api rest zitadel'],
  ['GET', '/auth/v1/users/me', 'api rest zitadel'],
  ['POST', '/admin/v1/import', 'heavy rest zitadel'],
  ['POST', '/zitadel.admin.v1.AdminService/ExportData', 'heavy rest zitadel'],
  ['POST', '/zitadel.admin.v1.AdminService/Healthz', 'api rest zitadel'],
  ['POST', '/v2beta/instances/search', 'api rest zitadel'],
  ['POST', '/v2/sessions', 'session rest zitadel'],
  ['OPTIONS', '/v2/sessions', 'api rest zitadel'],
  ['PATCH', '/v2/sessions/1', 'session rest zitadel'],
  ['GET', '/v2/sessions/1', 'api rest zitadel'],
  ['DELETE', '/v2/sessions/1', 'api rest zitadel'],
  ['POST', '/v2/sessions/search', 'api rest zitadel'],
  ['POST', '/v2beta/sessions', 'session rest zitadel'],
  ['POST', '/v2/users/1/password', 'session rest zitadel'],
  ['POST', '/v2/users/1/password_reset', 'session rest zitadel'],
  ['POST', '/v2/users/1/email/verify', 'session rest zitadel'],
  ['POST', '/v2/users/1/invite_code', 'session rest zitadel'],
  ['POST', '/v2/users/1/passkeys/2', 'session rest zitadel'],
  ['DELETE', '/v2/users/1/passkeys/2', 'api rest zitadel'],
  ['GET', '/v2/users/1/authentication_methods', 'session rest zitadel'],
  ['POST', '/v2/idp_intents/1', 'session rest zitadel'],
  ['POST', '/v2/idp_intents', 'api rest zitadel'],
  ['PUT', '/auth/v1/users/me/password', 'session rest zitadel'],
  ['GET', '/v2/users/1', 'api rest zitadel'],
  ['POST', '/resources/v3alpha/actions/targets', 'api rest zitadel'],
  ['POST', '/resources/v3alpha/users/1/password', 'session rest zitadel'],
  ['POST', '/zitadel.session.v2.SessionService/CreateSession', 'session rest zitadel'],
  ['OPTIONS', '/zitadel.session.v2.SessionService/CreateSession', 'api rest zitadel'],
  ['POST', '/zitadel.session.v2.SessionService/ListSessions', 'api rest zitadel'],
  ['POST', '/zitadel.oidc.v2.OIDCService/GetDeviceAuthorizationRequest', 'device rest zitadel'],
  ['GET', '/zitadel.session.v2.SessionService/ListSessions', NOTHING],
  ['POST', '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo', NOTHING],
  ['POST', '/system/v1/instances', CLOSED],
  ['POST', '/zitadel.system.v1.SystemService/ListInstances', CLOSED],
  ['OPTIONS', '/zitadel.system.v1.SystemService/ListInstances', CLOSED],
  ['POST', '/zitadel.resources.debug_events.v3alpha.ZITADELDebugEvents/CreateDebugEvents', CLOSED],
  ['GET', '/v3alpha/debug_events', CLOSED],
  ['GET', '/debug/healthz', CLOSED],
  ['GET', '/debug/ready', CLOSED],
  ['GET', '/debug/metrics', CLOSED],
  ['GET', '/debug', CLOSED],
  ['GET', '/debug/pprof/heap', CLOSED],
  ['GET', '/healthz', CLOSED],
  ['POST', '/grpc.health.v1.Health/Check', CLOSED],
  ['GET', '/openapi/v2/swagger/admin.swagger.json', 'asset text zitadel'],
  ['GET', '/robots.txt', 'asset text zitadel'],
  ['GET', '/api/admin/v1/healthz', NOTHING],
  ['GET', '/ui/v2/login', NOTHING],
  ['GET', '/wp-login.php', NOTHING],
  ['PROPFIND', '/', NOTHING],
];

for (const [method, path, expected] of ROWS) {
  test(`${method} ${path} is ${expected}`, () => assert.equal(answer(PLAIN, method, path), expected));
}

const LOGIN_ROWS: readonly [method: string, path: string, expected: string][] = [
  ['GET', '/', 'login html login'],
  ['GET', '/ui/v2/login', 'login html login'],
  ['POST', '/ui/v2/login/password', 'login html login'],
  ['POST', '/ui/v2/login/device', 'device html login'],
  ['GET', '/ui/v2/login/_next/static/chunks/main.js', 'asset text login'],
  ['GET', '/ui/v2/login/healthy', CLOSED],
  ['GET', '/ui/v2/login/headers', CLOSED],
  ['POST', '/ui/v2/login/headers', CLOSED],
  ['GET', '/ui/login/login', 'login html zitadel'],
  ['GET', '/ui/console/', 'asset html zitadel'],
];

for (const [method, path, expected] of LOGIN_ROWS) {
  test(`with Login v2, ${method} ${path} is ${expected}`, () => {
    const routes = parseLogin();
    assert.equal(answer(routes, method, path), expected);
  });
}

function parseLogin(options = ''): readonly RouteConfig[] {
  const text = `
listeners: [{ name: public, address: "127.0.0.1:0" }]
upstreams: { zitadel: { endpoints: ["127.0.0.1:1"] }, login: { protocol: http/1.1, endpoints: ["127.0.0.1:2"] } }
preset: { name: zitadel, login_upstream: login${options} }
`;
  return parseConfig(text).routes;
}

test('/ goes to the pages of Login v2', () => {
  assert.deepEqual(routeFor(parseLogin(), { method: 'GET', path: '/' })?.rewrite_prefix, {
    from: '/',
    to: '/ui/v2/login/',
  });
});

test('each internal group is opened by its name and opens nothing else', () => {
  const paths = {
    debug: '/debug/pprof/heap',
    metrics: '/debug/metrics',
    system: '/system/v1/instances',
    health: '/debug/ready',
    debug_events: '/v3alpha/debug_events',
  };
  for (const group of Object.keys(paths)) {
    const routes = parse(`preset: { open: [${group}] }`).routes;
    const opened = Object.entries(paths).filter(([, path]) => answer(routes, 'GET', path) !== CLOSED);
    assert.deepEqual(
      opened.map(([name]) => name),
      [group],
    );
  }
});

test('opened on some listeners, internal paths stay closed on the others', () => {
  const routes = parse('preset: { open: [metrics, system], open_on: [public] }').routes;
  for (const [method, path] of [
    ['GET', '/debug/metrics'],
    ['POST', '/zitadel.system.v1.SystemService/ListInstances'],
  ] as const) {
    assert.equal(answer(routes, method, path, 'public').split(' ')[0], 'internal');
    assert.equal(answer(routes, method, path, 'elsewhere'), CLOSED);
  }
});

test('reflection is opened by its switch and may be quiet', () => {
  const route = routeFor(parse('preset: { reflection: true }').routes, {
    method: 'POST',
    path: '/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo',
  });
  assert.deepEqual([route?.action, route?.policies.deadline?.answer_ms], ['forward', 0]);
});

test('/api has the class of what it stands for, closed paths included, and takes no RPCs', () => {
  const routes = parse('preset: { api_alias: true }').routes;
  for (const [method, path, expected] of ROWS) {
    const alias = answer(routes, method, `/api${path}`);
    const rpc = /^\/(?:zitadel|grpc)\./.test(path);
    const page = path === '/' || path.startsWith('/ui/');
    // /device and what is closed or unknown stay what they are.
    assert.equal(alias, rpc || page ? NOTHING : expected === NOTHING ? NOTHING : expected, `${method} /api${path}`);
  }
  assert.deepEqual(routeFor(routes, { method: 'GET', path: '/api/admin/v1/healthz' })?.rewrite_prefix, {
    from: '/api',
    to: '/',
  });
});

// "One RPC is one bucket over gRPC, gRPC-Web, Connect and its REST path": else the looser one is the way round the other.
test('every RPC of ZITADEL has one class on its RPC path and on its REST twin', async () => {
  let compared = 0;
  const differing: string[] = [];
  for await (const service of services()) {
    for (const method of service.methods) {
      const pattern = getOption(method, http).pattern;
      if (pattern.case === undefined || typeof pattern.value !== 'string') continue;
      const v1 = /^zitadel\.(admin|auth|management|system)\.v1\./.exec(service.typeName);
      const path = `${v1 === null ? '' : `/${v1[1]}/v1`}${pattern.value.replace(/\{[^}]*\}/g, '0123')}`;
      const rpc = answer(PLAIN, 'POST', `/${service.typeName}/${method.name}`);
      const rest = answer(PLAIN, pattern.case.toUpperCase(), path);
      compared += 1;
      if (rpc !== rest) differing.push(`${service.typeName}/${method.name}: ${rpc}, ${pattern.case} ${path}: ${rest}`);
    }
  }
  assert.ok(compared > 800, `${compared} RPCs`);
  assert.deepEqual(differing, [
    // Its annotation says POST /, which no client uses and which is not served here.
    'zitadel.resources.debug_events.v3alpha.ZITADELDebugEvents/CreateDebugEvents: INTERNAL_ROUTE, post /: NO_ROUTE',
  ]);
});

// grpc-gateway serves a POST with a form body by the handler of any other method: runtime/mux.go, isPathLengthFallback.
test('no secret is reached by a form POST in a looser class', async () => {
  const looser: string[] = [];
  for await (const service of services()) {
    for (const method of service.methods) {
      const pattern = getOption(method, http).pattern;
      if (pattern.case === undefined || typeof pattern.value !== 'string') continue;
      const rpc = answer(PLAIN, 'POST', `/${service.typeName}/${method.name}`);
      if (!/^(?:session|device|heavy)/.test(rpc)) continue;
      const v1 = /^zitadel\.(admin|auth)\.v1\./.exec(service.typeName);
      const path = `${v1 === null ? '' : `/${v1[1]}/v1`}${pattern.value.replace(/\{[^}]*\}/g, '0123')}`;
      if (answer(PLAIN, 'POST', path).startsWith('api')) looser.push(path);
    }
  }
  assert.deepEqual(looser, []);
});

async function* services(): AsyncGenerator<DescService> {
  const root = new URL('../../../node_modules/@zitadel/proto/es/', import.meta.url);
  for (const file of readdirSync(new URL('zitadel/', root), { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('_pb.js')) continue;
    const module: Record<string, unknown> = await import(new URL(`zitadel/${file}`, root).href);
    for (const value of Object.values(module)) {
      if ((value as { kind?: string })?.kind === 'service') yield value as DescService;
    }
  }
}

/** The fields that a route adds where the origin has none, by https; the names only. */
function filled(routes: readonly RouteConfig[], path: string, method = 'GET'): string[] {
  const answer = routeFor(routes, { method, path })?.policies.headers?.answer;
  return [...Object.keys(answer?.default ?? {}), ...Object.keys(answer?.default_https ?? {})].sort();
}

const FRAME_AND_TYPE = ['strict-transport-security', 'x-content-type-options', 'x-frame-options'];
const OWN_PAGES = ['referrer-policy', ...FRAME_AND_TYPE];

test('pages get security headers where ZITADEL sends none, those of Login v1 no-store too', () => {
  const login = ['cache-control', ...OWN_PAGES];
  const v1 = [
    '/',
    '/ui/login',
    '/ui/login/password',
    '/ui/login/mfa/otp/verify',
    '/ui/login/password/reset',
    '/device',
  ];
  for (const path of v1) assert.deepEqual(filled(PLAIN, path), login, path);
  assert.deepEqual(filled(PLAIN, '/ui/login/password', 'POST'), login);
  assert.deepEqual(filled(PLAIN, '/ui/console/'), OWN_PAGES);
  assert.deepEqual(filled(parseLogin(), '/ui/login/password'), login);
});

test('pages of Login v2 get them without Referrer-Policy, which would hide who posts a SAML answer', () => {
  for (const path of ['/', '/ui/v2/login/loginname', '/ui/v2/login/saml-post', '/ui/v2/login/device']) {
    assert.deepEqual(filled(parseLogin(), path), FRAME_AND_TYPE, path);
  }
});

test('HSTS is only for https, and nothing but a gap is filled on any route', () => {
  for (const { name, policies } of parseLogin()) {
    if (policies.headers === undefined) continue;
    const { request, answer } = policies.headers;
    assert.equal('strict-transport-security' in answer.default, false, name);
    assert.deepEqual([request, answer.set, answer.remove], [{ set: {}, remove: [] }, {}, []], name);
  }
});

test('protocols, files and the API get no header of ours', () => {
  for (const path of [
    '/oauth/v2/authorize',
    '/saml/v2/SSO',
    '/idps/callback',
    '/ui/login/resources/a.css',
    '/v2/users',
  ]) {
    assert.deepEqual(filled(PLAIN, path), [], path);
  }
  assert.deepEqual(filled(parseLogin(), '/ui/v2/login/_next/static/a.js'), []);
});
