// Which dialect a request is answered in. Harm of a wrong choice: clients read another code than the one that was said,
// or none: "message larger than max", "Unknown Content-type received." (zitadel/zitadel#4455, #7655).

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DIALECT_NAMES } from '../../src/core/exchange.ts';
import { DIALECTS, dialectOf } from '../../src/dialects/index.ts';
import { head } from './head.ts';

const V1 = '/zitadel.admin.v1.AdminService/Healthz';
const V2 = '/zitadel.session.v2.SessionService/ListSessions';

test('the list holds every dialect once, and http, which takes everything, is last', () => {
  const names = DIALECTS.map(({ name }) => name);
  assert.deepEqual([...names].sort(), [...DIALECT_NAMES].sort());
  assert.equal(names.at(-1), 'http');
});

for (const [contentType, rest, dialect] of [
  // gRPC
  ['application/grpc', {}, 'grpc'],
  ['application/grpc+proto', {}, 'grpc'],
  ['application/grpc+json', { path: V2 }, 'grpc'],
  ['application/grpc+anything', {}, 'grpc'],
  ['Application/GRPC+Proto', {}, 'grpc'],
  ['application/grpc; charset=utf-8', {}, 'grpc'],
  ['application/grpc', { http: 1 }, 'http'],
  ['application/grpc', { http: 3 }, 'grpc'],
  ['application/grpc', { method: 'GET' }, 'http'],
  ['application/grpcx', {}, 'http'],
  ['application/grpc-', {}, 'http'],
  ['text/application/grpc', {}, 'http'],
  // gRPC-Web
  ['application/grpc-web', { http: 1 }, 'grpc-web'],
  ['application/grpc-web', {}, 'grpc-web'],
  ['application/grpc-web+proto', { http: 1 }, 'grpc-web'],
  ['application/grpc-web+json;charset=utf-8', { http: 1 }, 'grpc-web'],
  ['application/grpc-web-text', { http: 1 }, 'grpc-web'],
  ['APPLICATION/GRPC-WEB-TEXT+PROTO', {}, 'grpc-web'],
  ['application/grpc-webx', {}, 'http'],
  ['application/grpc-web', { method: 'OPTIONS' }, 'http'],
  // Connect
  ['application/connect+json', { http: 1 }, 'connect'],
  ['application/connect+proto; charset=utf-8', {}, 'connect'],
  ['application/connect+', {}, 'http'],
  ['application/connect', {}, 'http'],
  ['application/proto', { http: 1 }, 'connect'],
  ['application/proto', { path: V2 }, 'connect'],
  ['application/json', { path: V2 }, 'connect'],
  ['application/json; charset=utf-8', { path: V2, http: 1 }, 'connect'],
  ['application/json', { path: '/zitadel.user.v2beta.UserService/GetUserByID' }, 'connect'],
  ['application/json', { path: `/api${V2}` }, 'connect'],
  ['application/json', { path: V2, method: 'GET' }, 'http'],
  ['application/json', { path: V1 }, 'http'],
  ['application/json', { path: V1, headers: { 'connect-protocol-version': '1' } }, 'connect'],
  ['application/json', { path: '/acme.v1.Things/Get', headers: { 'connect-protocol-version': '1' } }, 'connect'],
  ['application/json', { path: '/acme.v1.Things/Get' }, 'http'],
  ['application/json', { path: '/v2/sessions' }, 'http'],
  ['application/json', { path: '/v2/sessions', headers: { 'connect-protocol-version': '1' } }, 'http'],
  ['application/json', { path: `${V2}/more` }, 'http'],
  ['application/json', { path: '/zitadel.session.v2/ListSessions' }, 'http'],
  ['application/jsonx', { path: V2 }, 'http'],
  ['application/merge+json', { path: V2 }, 'http'],
  // the rest
  ['application/x-www-form-urlencoded', { path: '/oauth/v2/token' }, 'http'],
  ['', { path: V2 }, 'http'],
  ['', { method: 'GET', path: '/ui/console/' }, 'http'],
] as const)
  test(`"${contentType}" ${JSON.stringify(rest)} is ${dialect}`, () => {
    assert.equal(dialectOf(head(contentType, rest)).name, dialect);
  });

test('a CORS preflight is http, whatever the request after it will be', () => {
  const headers = { 'access-control-request-method': 'POST', 'connect-protocol-version': '1' };
  for (const type of ['', 'application/grpc-web+proto', 'application/json'])
    assert.equal(dialectOf(head(type, { method: 'OPTIONS', path: V2, headers })).name, 'http');
});

test('a path made to slow the matching down is matched at once', () => {
  const started = performance.now();
  for (const path of [
    `/${'a.'.repeat(8000)}`,
    `/zitadel.${'v2.'.repeat(6000)}`,
    '/a.b'.repeat(4000),
    'a/'.repeat(8000),
  ])
    dialectOf(head('application/json', { path, headers: { 'connect-protocol-version': '1' } }));
  assert.ok(performance.now() - started < 250, 'four paths of 16 KiB take milliseconds');
});
