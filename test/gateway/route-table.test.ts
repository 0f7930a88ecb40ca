// The compiled table: which route a request takes.
// Harm: a request that falls to a looser route passes the limits that protect passwords.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import fc from 'fast-check';
import Fastify from 'fastify';
import { expandRoutes, type RouteConfig } from '../../src/config/routes.ts';
import { decodePath } from '../../src/core/path.ts';
import type { RawRequest } from '../../src/core/raw.ts';
import { HostMap } from '../../src/gateway/constraints.ts';
import { RouteTable, routerEntries, routerUrls } from '../../src/gateway/route-table.ts';
import { testConfig } from '../support/gateway.ts';

let table: RouteTable;
before(() => {
  table = new RouteTable(routerEntries(expandRoutes(testConfig({}))));
});

/** Just enough of a request for the table. */
function requestFor(target: string, more: Partial<RawRequest> & { type?: string } = {}): RawRequest {
  const decoded = decodePath(target);
  const { type, ...rest } = more;
  return {
    method: 'POST',
    requestedMethod: 'POST',
    target,
    path: decoded?.path ?? '',
    encodedSlash: decoded?.encodedSlash ?? false,
    httpVersionMajor: 2,
    headers: type === undefined ? {} : { 'content-type': type },
    authority: 'localhost',
    connection: { listener: 'public' },
    ...rest,
  } as RawRequest;
}

function tableOf(...routes: (Partial<RouteConfig> & { name: string; paths: string[] })[]): RouteTable {
  const blank = { listeners: [], hosts: [], methods: [], dialects: [], action: 'forward', class: 'api', form: 'rest' };
  return new RouteTable(routerEntries(routes.map((route) => ({ ...blank, ...route }) as unknown as RouteConfig)));
}
const nameOf = (of: RouteTable, target: string, more?: Parameters<typeof requestFor>[1]): string | undefined =>
  of.match(requestFor(target, more))?.config.name;

test('fastify 5.12.8: maxParamLength of 100 lets a long segment fall through to a looser route; ours does not', async () => {
  const paths = { strict: '/v2/sessions/:id', loose: '/v2/*' };
  const long = `/v2/sessions/${'x'.repeat(101)}`;
  const stock = Fastify();
  for (const [name, url] of Object.entries(paths)) stock.get(url, () => name);
  assert.equal((await stock.inject(long)).body, 'loose'); // the defect that is worked round
  const ours = tableOf({ name: 'strict', paths: ['/v2/sessions/{id}'] }, { name: 'loose', paths: ['/v2/*'] });
  for (const length of [1, 100, 101, 1000, 30_000]) {
    assert.equal(nameOf(ours, `/v2/sessions/${'x'.repeat(length)}`), 'strict', String(length));
    assert.equal(nameOf(ours, `/v2/sessions/${';'.repeat(length)}`), 'strict', String(length));
    assert.equal(nameOf(ours, `/v2/sessions/${'%25'.repeat(length)}`), 'strict', String(length));
  }
});

test('exact before {segment} before /*, whatever the order of routes', () => {
  const ours = tableOf(
    { name: 'below', paths: ['/a/*'] },
    { name: 'one', paths: ['/a/{id}'] },
    { name: 'exact', paths: ['/a/b'] },
  );
  assert.equal(nameOf(ours, '/a/b'), 'exact');
  assert.equal(nameOf(ours, '/a/c'), 'one');
  for (const target of ['/a', '/a/', '/a/b/c', '/a/b/']) assert.equal(nameOf(ours, target), 'below', target);
  assert.equal(nameOf(ours, '/ab'), undefined);
});

test('a pattern that ends in /* takes the path itself, with a slash, and all below', () => {
  assert.deepEqual(routerUrls('/ui/console/*'), ['/ui/console', '/ui/console/*']);
  assert.deepEqual(routerUrls('/*'), ['/', '/*']);
  assert.deepEqual(routerUrls('/a/{id}/b'), ['/a/:p1/b']);
  assert.deepEqual(routerUrls('/a/{id}'), ['/a/:p1(^.+$)']);
  assert.deepEqual(routerUrls('/a:b'), ['/a::b']);
});

test('a segment has at least one character, at the end of a path too, and routes with more segments are found beside it', () => {
  const ours = tableOf(
    { name: 'one', paths: ['/a/{id}'] },
    { name: 'more', paths: ['/a/{id}/b'] },
    { name: 'prefixed', paths: ['/a/x-{id}'] },
    { name: 'under', paths: ['/a/{id}/c/*'] },
  );
  for (const [target, name] of [
    ['/a/1', 'one'],
    ['/a/', undefined],
    ['/a/1/b', 'more'],
    ['/a/x-1', 'prefixed'],
    ['/a/x-', 'one'],
    ['/a/x-1/b', 'more'],
    ['/a/1/c', 'under'],
    ['/a/1/c/d/e', 'under'],
    ['/a/1/d', undefined],
  ] as const) {
    assert.equal(nameOf(ours, target), name, target);
  }
});

test('a colon in a pattern is a colon', () => {
  const ours = tableOf({ name: 'colon', paths: ['/v1/users:search'] });
  assert.equal(nameOf(ours, '/v1/users:search'), 'colon');
  assert.equal(nameOf(ours, '/v1/users:other'), undefined);
});

test('a question mark or hash in a decoded path is part of the path', () => {
  const ours = tableOf({ name: 'one', paths: ['/a/{id}'] }, { name: 'a', paths: ['/a'] });
  assert.equal(nameOf(ours, '/a/%3Fb'), 'one');
  assert.equal(nameOf(ours, '/a/b%23c'), 'one');
  assert.equal(nameOf(ours, '/a%3Fb'), undefined);
});

test('hosts, listeners and dialects narrow a route; the narrowest wins, the open one takes the rest', () => {
  const ours = tableOf(
    { name: 'open', paths: ['/x'] },
    { name: 'host', paths: ['/x'], hosts: ['*.example.com'] },
    { name: 'grpc', paths: ['/x'], dialects: ['grpc'] },
  );
  assert.equal(nameOf(ours, '/x'), 'open');
  assert.equal(nameOf(ours, '/x', { authority: 'A.b.Example.com:443' }), 'host');
  assert.equal(nameOf(ours, '/x', { type: 'application/grpc' }), 'grpc');
});

test('a method that no route can have is left out of a route that names it', () => {
  const ours = tableOf({ name: 'odd', paths: ['/x'], methods: ['TRACE', 'GET'] });
  assert.deepEqual(ours.allowed(requestFor('/x')), ['GET']);
  assert.equal(nameOf(ours, '/x', { method: 'TRACE' }), undefined);
});

test('a host map finds the exact name, then the nearest wildcard above', () => {
  const map = new HostMap<string>();
  for (const host of ['a.example.com', '*.example.com', '*.b.example.com', '[::1]']) map.set(host, host);
  assert.equal(map.get('a.example.com'), 'a.example.com');
  assert.equal(map.get('x.example.com'), '*.example.com');
  assert.equal(map.get('x.y.example.com'), '*.example.com');
  assert.equal(map.get('x.b.example.com'), '*.b.example.com');
  assert.equal(map.get('b.example.com'), '*.example.com');
  assert.equal(map.get('[::1]'), '[::1]');
  for (const none of ['example.com', 'com', '', 'aexample.com']) assert.equal(map.get(none), undefined, none);
});

test('property: whatever the spelling of a target, its class is that of its decoded path, or it is refused', () => {
  const known = [
    ...['/v2/sessions', '/v2/sessions/123', '/v2/users/1/password', '/oauth/v2/token', '/ui/login/password'],
    ...[
      '/zitadel.session.v2.SessionService/CreateSession',
      '/ui/console/x',
      '/assets/v1/x',
      '/management/v1/users/_search',
    ],
  ];
  const spelled = fc
    .tuple(fc.constantFrom(...known), fc.infiniteStream(fc.constantFrom('plain', 'plain', 'low', 'high')))
    .map(([path, how]) =>
      [...path].map((char) => {
        const way = how.next().value;
        const hex = char.charCodeAt(0).toString(16);
        if (way === 'plain') return char;
        return `%${way === 'low' ? hex : hex.toUpperCase()}`;
      }),
    )
    .map((chars) => `/${chars.slice(1).join('')}`);
  fc.assert(
    fc.property(spelled, (target) => {
      const request = requestFor(target);
      const meant = decodeURIComponent(target);
      if (request.path === '' || (request.encodedSlash && table.ambiguous(request))) return; // 400
      assert.equal(table.match(request)?.config.class, table.match(requestFor(meant))?.config.class, target);
    }),
    { numRuns: 500 },
  );
});

test('property: an encoded slash that passes leads to one route in both readings', () => {
  const segment = fc.constantFrom('v2', 'sessions', 'users', 'oauth', 'token', '1', 'ui', 'login', 'console', 'x');
  const path = fc
    .array(fc.tuple(segment, fc.constantFrom('/', '/', '%2F', '%2f')), { minLength: 1, maxLength: 5 })
    .map((pairs) => `/${pairs.map(([text, end]) => text + end).join('')}`.replace(/(?:\/|%2f)$/i, ''));
  fc.assert(
    fc.property(path, (target) => {
      const request = requestFor(target);
      if (request.path === '' || !request.encodedSlash || table.ambiguous(request)) return;
      const asSlash = table.match(requestFor(target.replaceAll(/%2f/gi, '/')))?.config.name;
      const asLetter = table.match(requestFor(target.replaceAll(/%2f/gi, 'Z')))?.config.name;
      assert.equal(asSlash, asLetter, target);
    }),
    { numRuns: 1000 },
  );
});
