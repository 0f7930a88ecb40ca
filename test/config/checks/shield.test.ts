// Rules of the shield that refuse nobody, or name what is not there, are said when the config is read.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { complaints, parse } from '../support.ts';

const warned = (rule: string, more = ''): string[] =>
  parse(`policies: { shield: { rpcs: { mine: ${rule} } } }\n${more}`).warnings.map(
    ({ path, message }) => `${path}: ${message}`,
  );

const OFFICE = 'networks: { office: { addresses: [10.0.0.0/8, "fd00::/8"] } }';

test('a list of networks that is not there is a problem that names the one that was meant', () => {
  const rule = '{ match: [zitadel.admin.v1.AdminService], allow: ["@ofice"] }';
  const expected = /rpcs\.mine\.allow\[0\]: no list @ofice: expected one of `networks`, did you mean @office\?/;
  for (const where of [
    `policies: { shield: { rpcs: { mine: ${rule} } } }`,
    `classes: { api: { shield: { rpcs: { mine: ${rule} } } } }`,
    `routes: [{ name: rpc, policies: { shield: { rpcs: { mine: ${rule} } } } }]`,
  ]) {
    assert.match(complaints(`${OFFICE}\n${where}`).join('; '), expected, where);
  }
});

test('patterns of RPCs that are known, or may be in a newer ZITADEL, are no matter', () => {
  for (const pattern of [
    'zitadel.admin.v1.AdminService/*',
    'ZITADEL.admin.v1.adminservice/listorgs',
    'zitadel.user.v9.UserService/*',
    'zitadel.new.v2.NewService/Do',
    'zitadel.system.*',
    '"*debug*"',
  ]) {
    assert.deepEqual(warned(`{ match: [${pattern}], deny: true }`), [], pattern);
  }
});

test('a pattern that matches nothing is warned of, with the name that was meant', () => {
  for (const [pattern, expected] of [
    ['zitadel.admin.v1.AdminServce/*', /match\[0\]: .*did you mean zitadel\.admin\.v1\.AdminService\/\*\?/],
    ['zitadel.admin.v1.AdminService/ListOrg', /did you mean zitadel\.admin\.v1\.AdminService\/ListOrgs\?/],
    ['admin.v1.AdminService/*', /did you mean zitadel\.admin\.v1\.AdminService\/\*\?/],
    ['something', /expected a pattern such as zitadel\.admin\.v1\.AdminService\/\*/],
  ] as const) {
    assert.match(warned(`{ match: [${pattern}], deny: true }`).join('; '), expected, pattern);
  }
});

test('a rule that refuses nobody, and one whose `allow` has no effect, are warned of', () => {
  const match = 'match: [zitadel.admin.v1.AdminService]';
  assert.match(warned(`{ ${match} }`).join(), /rpcs\.mine: refuses nobody: expected `deny: true`, or `allow`/);
  assert.match(
    warned(`{ ${match}, deny: true, allow: ["@office"] }`, OFFICE).join(),
    /rpcs\.mine\.allow: has no effect: `deny: true` refuses everybody/,
  );
  assert.deepEqual(warned(`{ ${match}, allow: ["@office"] }`, OFFICE), []);
});

test('a rule without RPCs is a problem of its key', () => {
  assert.match(
    complaints('policies: { shield: { rpcs: { mine: { deny: true } } } }').join('; '),
    /policies\.shield\.rpcs\.mine/,
  );
});
