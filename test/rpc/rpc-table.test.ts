// Which RPC a request is, by its path and by its REST twin.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { getOption } from '@bufbuild/protobuf';
import { http } from '@zitadel/proto/google/api/annotations_pb.js';
import fc from 'fast-check';
import { V1_PREFIXES, zitadelServices } from '../../src/demo/rpc/services.ts';
import type { MessageType } from '../../src/rpc/message-type.ts';
import { RestPaths } from '../../src/rpc/rest-paths.ts';
import { type RpcCall, ZITADEL_RPCS } from '../../src/rpc/rpc-table.ts';

const find = (method: string, path: string): RpcCall | undefined => ZITADEL_RPCS.find(method, path);
const nameOf = (method: string, path: string): string | undefined => find(method, path)?.name;

test('every RPC of @zitadel/proto is found by its path and by each of its REST paths, in one name', async () => {
  let [rpcs, restPaths] = [0, 0];
  for (const service of await zitadelServices()) {
    for (const method of service.methods) {
      const name = `${service.typeName}/${method.name}`;
      assert.equal(find('POST', `/${name}`)?.rpc?.name, name);
      assert.ok([method.input.typeName, ''].includes(find('POST', `/${name}`)!.rpc!.input.name));
      rpcs += 1;
      const rule = getOption(method, http);
      for (const { pattern, body } of [rule, ...rule.additionalBindings]) {
        if (pattern.case === undefined || pattern.case === 'custom') continue;
        const names = [...pattern.value.matchAll(/\{([^}=]+)/g)].map(([, variable]) => variable!);
        const path = (V1_PREFIXES[service.typeName] ?? '') + pattern.value.replace(/\{[^}]+\}/g, 'A1');
        const call = find(pattern.case.toUpperCase(), path);
        assert.equal(call?.name, name, `${pattern.case} ${path}`);
        assert.equal(call.by, 'rest');
        assert.equal(call.body, body);
        assert.deepEqual(
          [...call.variables],
          names.map((variable) => [variable, 'A1']),
        );
        restPaths += 1;
      }
    }
  }
  assert.equal(ZITADEL_RPCS.rpcs.length, rpcs);
  assert.ok(rpcs > 800 && restPaths > 800, `${rpcs} RPCs, ${restPaths} REST paths`);
});

test('fields have the numbers, names and JSON names of the definitions, and know the others of their oneof', async () => {
  const services = await zitadelServices();
  const seen = new Set<MessageType>();
  for (const { name, input } of ZITADEL_RPCS.rpcs) {
    const [service, method] = name.split('/');
    const desc = services
      .find(({ typeName }) => typeName === service)!
      .methods.find((one) => one.name === method)!.input;
    check(input, desc);
  }
  type Desc = (typeof services)[number]['methods'][number]['input'];
  function check(type: MessageType, desc: Desc): void {
    if (type.name === '' || seen.has(type)) return;
    seen.add(type);
    assert.equal(type.name, desc.typeName);
    for (const field of type.fields) {
      const known = desc.fields.find(({ number }) => number === field.number)!;
      assert.deepEqual([field.name, field.jsonName], [known.name, known.jsonName]);
      const rivals = known.oneof?.fields.filter((one) => one !== known) ?? [];
      assert.deepEqual(
        field.rivals.map(({ number, jsonName }) => [number, jsonName]),
        rivals.map((one) => [one.number, one.jsonName]),
      );
      if (known.fieldKind === 'message') check(field.type!, known.message);
      else assert.equal(field.type, undefined);
      assert.equal(field.whole !== undefined, field.kind === 'number');
    }
  }
  assert.ok(seen.size > 500);
});

test('calls across instances are known by their permission', () => {
  const permission = (name: string): string | undefined => find('POST', `/${name}`)?.rpc?.systemPermission;
  assert.equal(permission('zitadel.system.v1.SystemService/RemoveInstance'), 'system.instance.delete');
  assert.equal(permission('zitadel.instance.v2beta.InstanceService/DeleteInstance'), 'system.instance.delete');
  assert.equal(permission('zitadel.feature.v2.FeatureService/SetSystemFeatures'), 'system.feature.write');
  assert.equal(permission('zitadel.session.v2.SessionService/CreateSession'), undefined);
  assert.equal(permission('zitadel.admin.v1.AdminService/ListIAMMembers'), undefined);
});

test('an unknown RPC and an unknown REST path below a prefix of one service have names; other paths have none', () => {
  const unknown = { rpc: undefined, by: 'rpc', variables: new Map(), body: '*' };
  assert.deepEqual(find('POST', '/zitadel.user.v9.UserService/Fly'), {
    ...unknown,
    name: 'zitadel.user.v9.UserService/Fly',
  });
  for (const [service, prefix] of Object.entries(V1_PREFIXES)) {
    const call = find('GET', `${prefix}/nowhere/at/all`);
    assert.deepEqual([call?.rpc, call?.name, call?.by], [undefined, `${service}/?`, 'rest']);
    assert.equal(find('GET', prefix), undefined);
  }
  for (const path of [
    '/',
    '',
    '/v2/nowhere',
    '/ui/console/',
    '/oauth/v2/token',
    '/admin/v10/x',
    '/zitadel.user.v2.UserService',
  ]) {
    assert.equal(find('GET', path), undefined, path);
  }
});

test('literal segments win over variables, for each method by itself', () => {
  assert.equal(
    nameOf('GET', '/management/v1/users/_is_unique'),
    'zitadel.management.v1.ManagementService/IsUserUnique',
  );
  assert.equal(nameOf('GET', '/management/v1/users/7'), 'zitadel.management.v1.ManagementService/GetUserByID');
  assert.equal(
    nameOf('POST', '/v2/users/7/passkeys/registration_link'),
    'zitadel.user.v2.UserService/CreatePasskeyRegistrationLink',
  );
  assert.equal(nameOf('POST', '/v2/users/7/passkeys/8'), 'zitadel.user.v2.UserService/VerifyPasskeyRegistration');
  assert.equal(nameOf('DELETE', '/v2/users/7/passkeys/registration_link'), 'zitadel.user.v2.UserService/RemovePasskey');
});

test('HEAD is read as GET', () => {
  assert.equal(nameOf('HEAD', '/management/v1/users/7'), nameOf('GET', '/management/v1/users/7'));
});

test('attack: a POST that grpc-gateway serves by the handler of another method counts as the one that changes most', () => {
  assert.equal(nameOf('POST', '/v2/sessions/7'), nameOf('PATCH', '/v2/sessions/7'));
  assert.equal(nameOf('PUT', '/v2/sessions/7'), undefined);
  // A literal path wins here too: it is not the user called _is_unique that is removed.
  assert.equal(nameOf('POST', '/management/v1/users/_is_unique'), nameOf('GET', '/management/v1/users/_is_unique'));
});

const rest = (...paths: [verb: string, template: string][]): RestPaths =>
  new RestPaths(
    paths.map(([verb, template]) => ({ rpc: { name: `${verb} ${template}` } as never, verb, template, body: '' })),
  );

test('attack: a handler for POST wins over a fall-back to a literal path of another method', () => {
  const paths = rest(['GET', '/a/literal'], ['POST', '/a/{id}']);
  assert.deepEqual(paths.find('POST', '/a/literal')?.values, ['literal']);
  assert.equal(paths.find('GET', '/a/literal')?.binding.rpc.name, 'GET /a/literal');
});

test('a last variable may take the rest of the path; a shorter way that ends nowhere is left again', () => {
  const paths = rest(['GET', '/a/{id}/b/{x}'], ['GET', '/a/{rest=**}'], ['GET', '/a/c/d']);
  assert.deepEqual(paths.find('GET', '/a/1/b/2')?.values, ['1', '2']);
  assert.deepEqual(paths.find('GET', '/a/1/b')?.values, ['1/b']);
  assert.deepEqual(paths.find('GET', '/a/c/e')?.values, ['c/e']);
  assert.deepEqual(paths.find('GET', '/a/c/d')?.values, []);
});

test('a template of an unknown form is refused, not left out', () => {
  for (const template of ['/a/{id=b/*}', '/a/*', '/a/{id}:verb', '/a/b:verb']) {
    assert.throws(() => rest(['GET', template]), /unknown form/, template);
  }
});

test('whatever is asked in whatever order, an answer is that of the path', () => {
  const methods = fc.constantFrom('GET', 'POST', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS');
  const paths = fc.oneof(
    fc.constantFrom('/v2/sessions', '/v2/sessions/7', '/v2/users/7/password', '/zitadel.user.v2.UserService/ListUsers'),
    fc.array(fc.string(), { maxLength: 8 }).map((parts) => `/v2/${parts.join('/')}`),
    fc.string(),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(methods, paths), { maxLength: 6 }), (asked) => {
      const first = asked.map(([method, path]) => find(method, path));
      for (const [i, [method, path]] of asked.entries()) assert.deepEqual(find(method, path), first[i]);
    }),
  );
});
