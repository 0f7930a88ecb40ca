// Patterns of RPC names.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { matchesNothing, rpcPattern } from '../../src/rpc/pattern.ts';
import { ZITADEL_RPCS } from '../../src/rpc/rpc-table.ts';

const matches = (pattern: string, name: string): boolean => rpcPattern(pattern)(name);

test('a star is any text, also none', () => {
  assert.equal(matches('zitadel.admin.v1.AdminService/*', 'zitadel.admin.v1.AdminService/GetOrgByID'), true);
  assert.equal(matches('zitadel.admin.v1.AdminService/*', 'zitadel.admin.v1.AdminServices/GetOrgByID'), false);
  assert.equal(matches('*/Delete*', 'zitadel.user.v2.UserService/DeleteUser'), true);
  assert.equal(matches('*/Delete*', 'zitadel.user.v2.UserService/Delete'), true);
  assert.equal(matches('*/Delete*', 'zitadel.user.v2.UserService/UnDelete'), false);
  assert.equal(matches('a.b/*a*a', 'a.b/a'), false);
  assert.equal(matches('a.b/*a*a', 'a.b/aa'), true);
});

test('without a slash a pattern is of a service, or of all that begin so', () => {
  assert.equal(matches('zitadel.system.*', 'zitadel.system.v1.SystemService/Healthz'), true);
  assert.equal(matches('zitadel.system.*', 'zitadel.systems.v1.SystemService/Healthz'), false);
  assert.equal(matches('zitadel.system.v1.SystemService', 'zitadel.system.v1.SystemService/Healthz'), true);
  assert.equal(matches('*', 'a.b/C'), true);
});

test('a pattern of a whole service matches its unknown calls too', () => {
  for (const pattern of [
    'zitadel.admin.v1.AdminService/*',
    'zitadel.admin.v1.AdminService',
    'zitadel.admin.*',
    '*/?',
  ]) {
    assert.equal(matches(pattern, 'zitadel.admin.v1.AdminService/?'), true, pattern);
  }
});

test('a dot is a dot and a question mark a question mark', () => {
  assert.equal(matches('a.b/C', 'axb/C'), false);
  assert.equal(matches('a.b/?', 'a.b/C'), false);
});

test('what is no pattern is refused with what was expected', () => {
  for (const pattern of ['', '/', '/a.b/C', 'a.b/C/D', 'a b/C', 'a.b/', '^a', 'a.b/(x)', 'a.b/C ']) {
    assert.throws(() => rpcPattern(pattern), /expected a pattern such as/, JSON.stringify(pattern));
  }
});

test('a pattern that matches nothing that is known is reported', () => {
  assert.equal(matchesNothing('zitadel.admin.v1.AdminService/GetOrgById', ZITADEL_RPCS), true);
  assert.equal(matchesNothing('zitadel.admin.v1.AdminService/GetOrgByID', ZITADEL_RPCS), false);
  assert.equal(matchesNothing('*/Delete*', ZITADEL_RPCS), false);
  assert.equal(matchesNothing('zitadel.adminn.*', ZITADEL_RPCS), true);
});

test('attack: a long name against a pattern with many stars takes no long time', { timeout: 5000 }, () => {
  assert.equal(matches(`${'*a'.repeat(50)}*b/*`, `${'a'.repeat(100_000)}/x`), false);
});

test('a pattern matches as its regular expression would', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '.'), minLength: 1, maxLength: 6 });
  const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '.', '*'), minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(pattern, pattern, text, text, (service, method, one, two) => {
      const given = `${service}/${method.replaceAll('.', '*')}`;
      const name = `${one}/${two.replaceAll('.', 'c')}`;
      const expected = new RegExp(`^${given.replaceAll('.', '\\.').replaceAll('*', '.*')}$`).test(name);
      assert.equal(matches(given, name), expected);
    }),
    { numRuns: 2000 },
  );
});
