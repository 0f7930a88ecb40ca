// A body has a type that fits the path. Refused is only what ZITADEL can never take.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shieldOf } from './shield-request.ts';

const REFUSED = 'UNSUPPORTED_CONTENT_TYPE content_types';
const V2 = '/zitadel.user.v2.UserService/GetUserByID';
const V1 = '/zitadel.auth.v1.AuthService/GetMyUser';

test('an RPC takes gRPC, gRPC-Web and Connect, with their codecs and parameters', () => {
  const { ask } = shieldOf({});
  for (const type of [
    'application/grpc',
    'application/grpc+proto',
    'Application/GRPC+JSON',
    'application/grpc-web',
    'application/grpc-web+proto',
    'application/grpc-web-text',
    'application/grpc-web-text+proto',
    'application/proto',
    'application/json',
    'application/json; charset=utf-8',
    'application/connect+proto',
    'application/connect+json',
  ]) {
    for (const path of [V2, V1, '/grpc.health.v1.Health/Check']) assert.equal(ask(path, { type }), undefined, type);
  }
});

test('attack: a form or text of another site, which a browser sends without a preflight, reaches no RPC', () => {
  const { ask } = shieldOf({});
  for (const type of [
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'text/plain; application/json',
    'application/jsonx',
    'application/grpcx',
    'application/connect',
    '',
  ]) {
    for (const path of [V2, V1, '/grpc.health.v1.Health/Check']) assert.equal(ask(path, { type }), REFUSED, type);
  }
});

test('a request without a body needs no type', () => {
  const { ask } = shieldOf({ content_types: ['application/x-www-form-urlencoded'] });
  assert.equal(ask(V2, { noBody: true }), undefined);
  assert.equal(ask(V2, { headers: { 'content-length': '0' } }), undefined);
  assert.equal(ask('/oauth/v2/token', { type: 'application/json', noBody: true }), undefined);
  assert.equal(ask('/oauth/v2/token', { type: 'application/json', headers: { 'content-length': '0' } }), undefined);
});

test('other paths take what the list names, whole families included; nothing else, and anything where it is empty', () => {
  const { ask } = shieldOf({ content_types: ['application/x-www-form-urlencoded', 'multipart/*'] });
  const post = (type: string) => ask('/oauth/v2/token', { type });
  for (const type of [
    'application/x-www-form-urlencoded',
    'APPLICATION/X-WWW-FORM-URLENCODED;charset=UTF-8',
    'multipart/form-data; boundary=x',
  ])
    assert.equal(post(type), undefined, type);
  for (const type of ['application/json', 'text/plain', 'multipart', 'application/x-www-form-urlencodedx'])
    assert.equal(post(type), REFUSED, type);
  assert.equal(shieldOf({}).ask('/v2/users', { type: 'text/plain' }), undefined);
});

test('without a type the upstream decides, as it does for REST', () => {
  assert.equal(shieldOf({ content_types: ['multipart/form-data'] }).ask('/oauth/v2/token'), undefined);
});

test('`enforce: false` reports and lets it pass', () => {
  const tested = shieldOf({ enforce: false });
  assert.equal(tested.ask(V2, { type: 'text/plain' }), undefined);
  assert.deepEqual(tested.refused, [{ rule: 'content_types', enforced: false }]);
});
