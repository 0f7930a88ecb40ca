import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expandRoutes, type RouteConfig } from '../../src/config/routes.ts';
import { retry } from '../../src/config/schema/retry.ts';
import { routeFor } from './match.ts';
import { complaints, LEAST, parse, problemsOf } from './support.ts';

const table = (more: string): RouteConfig[] => expandRoutes(parse(more).config);
const named = (routes: readonly RouteConfig[], name: string): RouteConfig => {
  const route = routes.find((one) => one.name === name);
  assert.ok(route, `no route ${name}`);
  return route;
};

test('retries add up: upstream, route of the preset, own route; false is one attempt', () => {
  const routes = table(`
routes:
  - { name: login-v1, retry: { attempts: 2 } }
  - { name: own, paths: [/own], retry: false }
  - { name: refused, paths: [/refused], action: refuse }
`);
  assert.deepEqual(named(routes, 'login-v1').retry, retry.parse({ attempts: 2, methods: [] }));
  assert.equal(named(routes, 'own').retry?.attempts, 1);
  assert.equal(named(routes, 'refused').retry, undefined);
  assert.deepEqual(named(routes, 'oidc-authorize').retry?.methods, []);
  assert.deepEqual(named(routes, 'rest-v2').retry?.methods, ['GET', 'HEAD', 'OPTIONS']);
});

test('an own route is complete', () => {
  assert.deepEqual(
    named(table('policies: { shield: false }\nroutes: [{ name: own, paths: [/own], class: mine }]'), 'own'),
    {
      name: 'own',
      source: 'config',
      listeners: [],
      hosts: [],
      paths: ['/own'],
      methods: [],
      dialects: [],
      action: 'forward',
      upstream: 'zitadel',
      rewrite_prefix: undefined,
      websocket: false,
      refuse_with: 'NO_ROUTE',
      redirect: undefined,
      class: 'mine',
      form: 'rest',
      retry: retry.parse({}),
      policies: {
        deadline: { answer_ms: 60_000, total_ms: 0, idle_ms: 0, honour_caller: true },
        body_limit: { max_bytes: 16_777_216 },
      },
    },
  );
});

test('own routes stand before the table, or after it where they say so', () => {
  const names = table(
    'routes: [{ name: z, place: after, paths: [/z] }, { name: a, paths: [/a] }, { name: b, paths: [/b] }]',
  ).map(({ name }) => name);
  assert.deepEqual(names.slice(0, 2), ['a', 'b']);
  assert.equal(names.at(-1), 'z');
});

test('the more specific match wins whatever the order, the earlier one among equals', () => {
  const routes = table(
    'routes: [{ name: wide, paths: ["/v2/*"] }, { name: same, place: after, paths: [/oauth/v2/token] }]',
  );
  assert.equal(routeFor(routes, { method: 'POST', path: '/v2/sessions' })?.name, 'secrets-post');
  assert.equal(routeFor(routes, { method: 'GET', path: '/v2/users' })?.name, 'wide');
  assert.equal(routeFor(routes, { method: 'POST', path: '/oauth/v2/token' })?.name, 'oidc-token');
});

test('policies add up: built-in, general, class of the preset, class, route of the preset, own route', () => {
  const routes = table(`
policies: { deadline: { total_ms: 111, honour_caller: false, answer_ms: 1 } }
classes: { api: { body_limit: { max_bytes: 222 } } }
routes:
  - { name: scim, policies: { deadline: { total_ms: 333 } } }
  - { name: own, paths: [/own], class: mine }
`);
  // General, over it the preset's class, over it the preset's row, over it the own route; class `api` loses to the row.
  const { deadline, body_limit } = named(routes, 'scim').policies;
  assert.deepEqual(deadline, { answer_ms: 1, total_ms: 333, idle_ms: 0, honour_caller: false });
  assert.deepEqual(body_limit, { max_bytes: 1_000_000 });
  assert.deepEqual(named(routes, 'oidc-token').policies.deadline, {
    answer_ms: 30_000,
    total_ms: 111,
    idle_ms: 0,
    honour_caller: false,
  });
  assert.equal(named(routes, 'rest-v2').policies.body_limit?.max_bytes, 222);
  assert.equal(named(routes, 'oidc-token').policies.body_limit?.max_bytes, 262_144);
  // A class that nobody knows leaves the general ones.
  assert.deepEqual(named(routes, 'own').policies.deadline, {
    answer_ms: 1,
    total_ms: 111,
    idle_ms: 0,
    honour_caller: false,
  });
});

// Harm: a look-up that finds what every object has would take the built-in limits away.
test('a class called like a property of every object is a class like any other', () => {
  for (const name of ['constructor', 'toString', 'valueOf']) {
    const route = named(table(`routes: [{ name: own, paths: [/own], class: ${name} }]`), 'own');
    assert.deepEqual(Object.keys(route.policies), ['shield', 'deadline', 'body_limit'], name);
  }
});

test('maps are merged key by key, lists are replaced', () => {
  const routes = table(`
policies: { headers: { answer: { set: { x-a: "1", x-b: "1" }, remove: [x-one] }, request: { remove: [x-r] } } }
routes: [{ name: own, paths: [/own], policies: { headers: { answer: { set: { X-B: "2" }, remove: [x-two] } } } }]
`);
  assert.deepEqual(named(routes, 'own').policies.headers, {
    request: { set: {}, remove: ['x-r'] },
    answer: { set: { 'x-a': '1', 'x-b': '2' }, default: {}, default_https: {}, remove: ['x-two'] },
  });
});

test('a limit of the preset is changed, switched off and added to by its name, one line each', () => {
  const routes = table(`
classes:
  token:
    rate_limit:
      limits:
        token-address: { requests: 7 }
        token-failures: false
        mine: { key: [address], requests: 1 }
`);
  const limits = named(routes, 'oidc-token').policies.rate_limit!.limits;
  assert.deepEqual(Object.keys(limits), ['token-address', 'token-failures', 'mine']);
  const { 'token-address': changed, 'token-failures': off, mine } = limits;
  assert.ok(changed !== undefined && changed !== false && mine !== undefined && mine !== false);
  assert.deepEqual([changed.requests, changed.burst, off, mine.period_s], [7, 1500, false, 60]);
});

test('a limit without its number is a problem that names it', () => {
  const found = complaints('classes: { token: { rate_limit: { limits: { mine: { key: [address] } } } } }');
  assert.equal(found.length, 1, found.join('; '));
  assert.match(found[0]!, /classes\.token\.rate_limit\.limits\.mine/);
});

test('false switches a policy off, and a level above switches it on again', () => {
  const routes = table(
    'policies: { body_limit: false, shield: false }\nroutes: [{ name: own, paths: [/own], class: mine, policies: { deadline: false } }]',
  );
  assert.deepEqual(named(routes, 'own').policies, {});
  assert.equal(named(routes, 'oidc-token').policies.body_limit?.max_bytes, 262_144, 'the class of the preset says it');
});

test('the name of a preset route overrides it: what is given replaces, the rest stays', () => {
  const route = named(
    table('routes: [{ name: oidc-token, form: rest, policies: { body_limit: { max_bytes: 9 } } }]'),
    'oidc-token',
  );
  const before = named(table(''), 'oidc-token');
  assert.deepEqual(route, {
    ...before,
    source: 'config',
    form: 'rest',
    policies: { ...before.policies, body_limit: { max_bytes: 9 } },
  });
});

test('an overridden route keeps its place in the table', () => {
  const names = table('routes: [{ name: oidc-keys, class: api }]').map(({ name }) => name);
  assert.deepEqual(
    names,
    table('').map(({ name }) => name),
  );
});

test('a closed route of the preset can be opened, an open one closed', () => {
  const routes = table(
    'routes: [{ name: debug, action: forward }, { name: console, action: refuse, refuse_with: INTERNAL_ROUTE }]',
  );
  assert.equal(named(routes, 'debug').action, 'forward');
  assert.equal(named(routes, 'debug').upstream, 'zitadel');
  assert.deepEqual([named(routes, 'console').action, named(routes, 'console').upstream], ['refuse', undefined]);
});

// Harm: opened on one listener, the System API would fall to the catch-all of RPCs on all others, and be open there too.
test('what a narrowed route no longer takes is refused, it does not fall to a looser route', () => {
  const routes = table('routes: [{ name: system, action: forward, listeners: [public] }]');
  const path = '/zitadel.system.v1.SystemService/ListInstances';
  assert.equal(routeFor(routes, { method: 'POST', path, listener: 'public' })?.action, 'forward');
  assert.equal(routeFor(routes, { method: 'POST', path, listener: 'other' })?.action, 'refuse');
  const fewer = table('routes: [{ name: import-export, methods: [POST], paths: [/admin/v1/import] }]');
  assert.equal(routeFor(fewer, { method: 'POST', path: '/admin/v1/import' })?.action, 'forward');
  assert.equal(routeFor(fewer, { method: 'POST', path: '/admin/v1/export' })?.action, 'refuse');
  const hosts = table('routes: [{ name: rest-v1, hosts: [a.example] }]');
  assert.equal(routeFor(hosts, { method: 'GET', path: '/auth/v1/users/me', host: 'a.example' })?.action, 'forward');
  assert.equal(routeFor(hosts, { method: 'GET', path: '/auth/v1/users/me', host: 'b.example' })?.action, 'refuse');
});

test('a route that is refused or redirected on one host stays as it was on the others', () => {
  const routes = table('routes: [{ name: console, hosts: [a.example], action: refuse }]');
  assert.equal(routeFor(routes, { method: 'GET', path: '/ui/console/', host: 'a.example' })?.action, 'refuse');
  assert.equal(routeFor(routes, { method: 'GET', path: '/ui/console/', host: 'b.example' })?.action, 'forward');
});

test('an own route needs paths, and an upstream where there are several', () => {
  assert.deepEqual(complaints('routes: [{ name: oidc-tokn }]'), [
    'routes[0]: paths are missing: no route of the preset is called oidc-tokn',
  ]);
  assert.deepEqual(complaints('preset: none\nroutes: [{ name: a, paths: [/] }]'), [], 'the only one is meant');
  const two = LEAST.replace('upstreams: {', 'upstreams: { other: { endpoints: ["127.0.0.1:2"] },');
  assert.deepEqual(
    problemsOf(`${two}preset: none\nroutes: [{ name: a, paths: [/] }]`).map(({ message }) => message),
    ['upstream is missing: expected other or zitadel'],
  );
});

test('with preset none there are the own routes and nothing else', () => {
  assert.deepEqual(
    table('preset: none\nroutes: [{ name: a, paths: ["/*"] }]').map(({ name }) => name),
    ['a'],
  );
  assert.deepEqual(table('preset: none'), []);
});
