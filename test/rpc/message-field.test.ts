// One field of a call, by whichever way the call is made: path, query, form and body of REST too.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodePath } from '../../src/core/path.ts';
import { hasFirstFrame } from '../../src/rpc/message-bytes.ts';
import { fieldOf } from '../../src/rpc/message-field.ts';
import { ZITADEL_RPCS } from '../../src/rpc/rpc-table.ts';
import { type Asked, fieldIn, frame } from './written.ts';

const FORM = 'application/x-www-form-urlencoded';
const PASSWORD = { path: '/v2/users/victim/password', field: 'user_id' };
const USER = { method: 'GET', path: '/v2/users/victim', field: 'user_id' };

test('a field path may be in either spelling, and ends at text or a number', () => {
  const rpc = ZITADEL_RPCS.find('POST', '/v2/sessions')?.rpc;
  assert.ok(rpc);
  for (const path of ['checks.user.login_name', 'checks.user.loginName']) assert.ok(fieldOf(rpc, path), path);
  for (const path of ['checks', 'checks.user', 'checks.user.login_name.x', 'checks.nobody', '', '.', 'constructor']) {
    assert.equal(fieldOf(rpc, path), undefined, path);
  }
});

test('REST: the body of the whole message is JSON, whatever it says it is', () => {
  const body = '{"checks":{"user":{"loginName":"victim"}}}';
  for (const type of ['application/json', 'application/grpc', FORM, '']) {
    assert.equal(fieldIn({ path: '/v2/sessions', type, body }), 'victim', type);
  }
  assert.equal(fieldIn({ path: '/v2/sessions', body, complete: false }), '(malformed)');
  assert.equal(fieldIn({ path: '/v2/sessions', body: '' }), undefined);
  assert.equal(fieldIn({ path: '/v2/sessions', query: 'checks.user.loginName=victim', body: '{}' }), undefined);
});

test('attack: a field in the body or the query beside the variable of the path, which wins', () => {
  assert.equal(fieldIn({ ...PASSWORD, body: '{"userId":"decoy"}' }), 'victim');
  assert.equal(fieldIn({ ...PASSWORD, body: '{', complete: false }), 'victim');
  assert.equal(fieldIn(USER), 'victim');
  assert.equal(fieldIn({ ...USER, query: 'user_id=victim' }), 'victim');
  // Older releases of grpc-gateway let this spelling pass by the variable.
  assert.equal(fieldIn({ ...USER, query: 'userId=decoy' }), '(malformed)');
});

test('attack: percent-encoding makes no second key of a variable', () => {
  for (const target of ['/v2/users/victim', '/v2/users/%76ictim', '/v2/%75sers/v%69ct%69m']) {
    const path = decodePath(target)?.path;
    assert.ok(path !== undefined);
    assert.equal(fieldIn({ ...USER, path }), 'victim', target);
  }
  // Decoded once, as ZITADEL does.
  assert.equal(fieldIn({ ...USER, path: decodePath('/v2/users/%2576ictim')!.path }), '%76ictim');
});

test('what has no body is read from the query, each part of a name in either spelling', () => {
  const asked = (query: string): string | undefined =>
    fieldIn({ method: 'GET', path: '/management/v1/users/_is_unique', field: 'user_name', query });
  assert.equal(asked('user_name=victim'), 'victim');
  assert.equal(asked('userName=victim'), 'victim');
  assert.equal(asked('us%65rName=v%69ctim&email=x'), 'victim');
  assert.equal(asked('userName='), undefined);
  assert.equal(asked(''), undefined);
  assert.equal(asked('USER_NAME=victim'), undefined);
});

test('attack: a parameter twice, in both spellings or also in a form', () => {
  const asked = (query: string, body = '', more: Asked = {}): string | undefined =>
    fieldIn({ method: 'GET', path: '/management/v1/users/_is_unique', field: 'user_name', query, body, ...more });
  assert.equal(asked('userName=victim&user_name=decoy'), '(malformed)');
  assert.equal(asked('user_name=victim&user_name='), '(malformed)');
  assert.equal(asked('user_name=victim&userName=victim'), 'victim');
  assert.equal(asked('', 'user_name=victim', { type: FORM, method: 'POST' }), 'victim');
  assert.equal(asked('user_name=decoy', 'user_name=victim', { type: FORM, method: 'POST' }), '(malformed)');
  assert.equal(asked('', 'user_name=victim', { type: `${FORM}; charset=utf-8`, complete: false }), '(malformed)');
});

test('attack: of a oneof in the query another field is set', () => {
  const asked = (query: string): string | undefined =>
    fieldIn({ method: 'GET', path: '/v2/settings/login', field: 'ctx.org_id', query });
  assert.equal(asked('ctx.orgId=7'), '7');
  assert.equal(asked('ctx.org_id=7&ctx.instance=true'), '(malformed)');
  assert.equal(asked('ctx.instance=true'), undefined);
});

test('the first frame is enough, where there are frames', () => {
  const whole = frame(Buffer.from('message'));
  for (const type of ['application/grpc', 'application/grpc-web+proto', 'application/connect+json']) {
    for (let length = 0; length < whole.length; length += 1) {
      assert.equal(hasFirstFrame(type, whole.subarray(0, length)), false, `${type}, ${length} bytes`);
    }
    assert.equal(hasFirstFrame(type, whole), true);
    assert.equal(hasFirstFrame(type, Buffer.concat([whole, whole.subarray(0, 3)])), true);
    assert.equal(hasFirstFrame(type, Buffer.from([0, 0xff, 0xff, 0xff, 0xff, 0])), false);
  }
  for (const type of ['application/proto', 'application/json', 'application/grpc-web-text', 'text/plain', '']) {
    assert.equal(hasFirstFrame(type, whole), false, type);
  }
});
