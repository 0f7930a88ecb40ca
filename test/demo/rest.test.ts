// The REST twins: where they are, what they answer, and how they fail.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, test } from 'node:test';
import { RestTable } from '../../src/demo/rest/table.ts';
import { zitadelServices } from '../../src/demo/rpc/services.ts';
import { startStandIn } from '../../src/demo/stand-in.ts';
import { connect, H1Client, H2Client } from './client.ts';

const standIn = await startStandIn();
after(() => standIn.close());
const authorization = 'Bearer t';
const json = { 'content-type': 'application/json', authorization };

test('every annotated RPC has its twin, v1 under the prefix of its service', async () => {
  const services = await zitadelServices();
  const table = new RestTable(services);
  assert.equal(services.length, 30);
  assert.equal(
    services.reduce((sum, service) => sum + service.methods.length, 0),
    867,
  );
  assert.ok(table.size > 840, `${table.size}`);
  const find = (path: string, method: string) => {
    const { prefix, rest } = table.split(path);
    const match = table.find(prefix, rest).get(method);
    return match && `${match.binding.method.parent.typeName}/${match.binding.method.name} ${match.values.join(' ')}`;
  };
  assert.equal(find('/v2/sessions/7', 'PATCH'), 'zitadel.session.v2.SessionService/SetSession 7');
  assert.equal(find('/v2/users/7/totp/verify', 'POST'), 'zitadel.user.v2.UserService/VerifyTOTPRegistration 7');
  assert.equal(find('/management/v1/users/7', 'GET'), 'zitadel.management.v1.ManagementService/GetUserByID 7');
  const role = find('/management/v1/projects/7/roles/a/b', 'DELETE');
  assert.equal(role, 'zitadel.management.v1.ManagementService/RemoveProjectRole 7 a/b');
  assert.equal(find('/v2/sessions/7/8', 'GET'), undefined);
});

test('path, query and body become one message', async () => {
  await using client = connect(standIn.url, 'h2c');
  const made = await client.ask('/v2/sessions', {
    headers: json,
    body: JSON.stringify({ checks: { user: { loginName: 'zitadel-admin@zitadel.localhost' } } }),
  });
  assert.equal(made.status, 201);
  assert.equal(made.headers['grpcgateway-cache-control'], 'no-store');
  assert.equal(made.headers['cache-control'], undefined);
  const { sessionId } = JSON.parse(made.body.toString());
  const wrong = await client.ask(`/v2/sessions/${sessionId}`, {
    method: 'PATCH',
    headers: json,
    body: JSON.stringify({ checks: { password: { password: 'nope' } } }),
  });
  assert.equal(wrong.status, 400);
  assert.deepEqual(JSON.parse(wrong.body.toString()), {
    code: 3,
    message: 'Errors.User.Password.Invalid (COMMAND-3M0fs)',
    details: [
      {
        '@type': 'type.googleapis.com/zitadel.v1.ErrorDetail',
        id: 'COMMAND-3M0fs',
        message: 'Errors.User.Password.Invalid',
      },
    ],
  });
  assert.equal(standIn.wrongAttempts.get('zitadel-admin@zitadel.localhost'), 1);
  const got = await client.ask(`/v2/sessions/${sessionId}?sessionToken=x&unknown=1`, { headers: { authorization } });
  assert.equal(JSON.parse(got.body.toString()).session.id, sessionId);
  const users = await client.ask('/v2/users', { headers: json, body: '{"query":{"limit":5}}' });
  assert.equal(JSON.parse(users.body.toString()).result.length, 2);
});

for (const [name, path, method, body, status, code] of [
  ['no such path', '/v2/nope', 'GET', undefined, 404, 5],
  ['no such path of a v1 service', '/admin/v1/nope', 'GET', undefined, 404, 5],
  ['a method that the path has not', '/v2/sessions', 'PUT', '{}', 405, 12],
  ['HEAD, which grpc-gateway has not', '/admin/v1/healthz', 'HEAD', undefined, 405, undefined],
  ['a body that is no JSON', '/v2/sessions', 'POST', '{', 400, 3],
  ['a body of another shape', '/v2/sessions', 'POST', '{"checks":7}', 400, 3],
  ['a user that is not there', '/v2/users/1', 'GET', undefined, 404, 5],
] as const) {
  test(`${name}: ${status}`, async () => {
    await using client = connect(standIn.url, 'http/1.1');
    const answer = await client.ask(path, { method, headers: json, ...(body !== undefined && { body }) });
    assert.equal(answer.status, status);
    if (code !== undefined) assert.equal(JSON.parse(answer.body.toString()).code, code);
  });
}

test('an invalid token and a missing one: 401 with code 16', async () => {
  await using client = connect(standIn.url, 'http/1.1');
  for (const headers of [{}, { authorization: 'Bearer invalid' }]) {
    const answer = await client.ask('/v2/sessions/1', { headers });
    assert.equal(answer.status, 401);
    assert.equal(JSON.parse(answer.body.toString()).code, 16);
    assert.ok(answer.headers['www-authenticate']);
  }
});

test('X-HTTP-Method-Override is honoured on a form post, as grpc-gateway does', async () => {
  await using client = connect(standIn.url, 'http/1.1');
  const headers = { 'content-type': 'application/x-www-form-urlencoded', authorization };
  const plain = await client.ask('/v2/users/163840776835432705', { headers, body: 'a=1' });
  assert.equal(plain.status, 200, 'a form post falls back to GET');
  const deleted = { ...headers, 'x-http-method-override': 'DELETE' };
  const answer = await client.ask('/v2/users/163840776835432705', { headers: deleted, body: 'a=1' });
  assert.equal(answer.status, 501, 'DELETE is reached, and not implemented');
});

// zitadel/zitadel#8341: with `TE: trailers` the error of a REST call never ends. Success does.
// Harm: a proxy that forwards TE hangs its clients.
test('TE: trailers makes REST errors hang over h2, and only errors', async () => {
  await using client = new H2Client(standIn.url);
  const te = { te: 'trailers' };
  assert.equal((await client.ask('/admin/v1/healthz', { headers: te })).status, 200);
  const hung = client.open('/v2/nope', { headers: te });
  const [headers] = await once(hung, 'response');
  assert.equal(headers[':status'], 404);
  await once(hung, 'data');
  // Everything that is sent before this answer has arrived by now; the end is not among it.
  assert.equal((await client.ask('/v2/nope')).status, 404);
  assert.equal(hung.readableEnded, false);
  assert.equal(
    standIn.requests.find(({ path, rawHeaders }) => path === '/v2/nope' && rawHeaders.includes('te'))?.ended,
    undefined,
  );
  hung.close();
});

test('TE: trailers makes REST errors hang over HTTP/1.1', async () => {
  await using hanging = new H1Client(standIn.url);
  await using other = new H1Client(standIn.url);
  let settled = false;
  const hung = hanging.ask('/v2/hung', { headers: { te: 'trailers' } }).finally(() => {
    settled = true;
  });
  hung.catch(() => {});
  const record = await standIn.waitFor(({ path }) => path === '/v2/hung');
  assert.equal((await other.ask('/v2/nope')).status, 404);
  assert.equal(settled, false);
  assert.equal(record.ended, undefined);
});
