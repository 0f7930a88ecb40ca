import assert from 'node:assert/strict';
import { test } from 'node:test';
import { complaints, parse, warnings } from '../support.ts';

test('host bits in rules and lists are told, with what the entry means', () => {
  assert.deepEqual(warnings('networks: { office: { addresses: [10.1.2.3/8, 10.1.2.3, "2001:db8::1/32"] } }'), [
    'networks.office.addresses[0]: has host bits and means 10.0.0.0/8',
    'networks.office.addresses[2]: has host bits and means 2001:db8::/32',
  ]);
  assert.deepEqual(warnings('ip_rules: { allow: [10.0.0.0/8], deny: ["fd00::1/8"] }'), [
    'ip_rules.deny[0]: has host bits and means fd00::/8',
  ]);
  const own = 'routes: [{ name: own, paths: [/own], policies: { ip_rules: { allow: [192.0.2.1/24] } } }]';
  assert.match(warnings(own).join(), /routes\[0\]\.policies\.ip_rules\.allow\[0\]: has host bits/);
});

test('what `allow` and `deny` both name is told: `deny` decides', () => {
  assert.deepEqual(warnings('ip_rules: { allow: [10.0.0.0/8, 192.0.2.1], deny: [192.0.2.1/32] }'), [
    'ip_rules.allow[1]: does nothing: `deny` names the same',
  ]);
});

test('a list may have any name that keys may have, and its file is relative to the config', () => {
  const { config } = parse(
    'networks: { Office.2: { file: lists/office.txt } }\nip_rules: { allow: ["@Office.2", "::1"] }',
  );
  assert.deepEqual(config.networks, { 'Office.2': { addresses: [], file: '/etc/gatehouse/lists/office.txt' } });
});

test('where a list is wrong only that is a problem, not the rules that name it', () => {
  const problems = complaints('networks: { office: { addresses: [10.0.0.0/33] } }\nip_rules: { allow: ["@office"] }');
  assert.deepEqual(problems, ['networks.office.addresses[0]: expected a prefix from 0 to 32']);
});
