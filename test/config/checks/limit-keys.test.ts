import assert from 'node:assert/strict';
import { test } from 'node:test';
import { complaints } from '../support.ts';

const limit = (key: string, more = ''): string =>
  `routes: [{ name: own, paths: [/own], class: mine, policies: { rate_limit: { limits: { mine: { key: [${key}], requests: 9${more} } } } } }]`;

test('an enforcing limit that whoever calls passes by choosing another value is a problem', () => {
  for (const key of [
    '"header:x-api-key"',
    'organization',
    'client_id',
    'bearer',
    '"cookie:id"',
    'login_name',
    'host, route',
    'rpc',
  ]) {
    const [problem] = complaints(limit(key));
    assert.match(
      problem ?? '',
      /routes\[0\]\.policies\.rate_limit\.limits\.mine\.key: on route own whoever calls chooses all of it/,
      key,
    );
  }
});

test('it is none with `address` in the key, where it only reports, or beside a limit by address', () => {
  assert.deepEqual(complaints(limit('address, organization')), []);
  assert.deepEqual(complaints(limit('organization', ', enforce: false')), []);
  const beside = limit('organization').replace('limits: {', 'limits: { all: { key: [address], requests: 99 },');
  assert.deepEqual(complaints(beside), []);
  const reporting = beside.replace('requests: 99', 'requests: 99, enforce: false');
  assert.equal(complaints(reporting).length, 1, 'one that only reports covers nothing');
});

test('no other limit covers it by an address of which there are as many as the caller likes, or on other requests', () => {
  const beside = (more: string): string[] =>
    complaints(limit('organization').replace('limits: {', `limits: { other: { requests: 99, ${more} },`));
  assert.deepEqual(beside('key: [address, route, rpc]'), []);
  for (const more of [
    'key: [address, "header:x"]',
    'key: [address], count: failures',
    'key: [address], methods: [GET]',
  ])
    assert.equal(beside(more).length, 1, more);
});

test('a cost that no burst has room for, and devices that are told by the key itself, are problems', () => {
  assert.deepEqual(complaints(limit('address', ', burst: 3, cost: 4')), [
    'routes[0].policies.rate_limit.limits.mine.cost: is above the burst of 3: nobody would ever be admitted',
  ]);
  assert.match(
    complaints(limit('address', ', known: { by: [address] }'))[0] ?? '',
    /known\.by: tells no devices apart/,
  );
  assert.match(
    complaints(limit('address', ', known: { by: [bearer], proof: ["form:"] }'))[0] ?? '',
    /proof\[0\]: 'form' needs/,
  );
});

test('the class of the preset covers its routes: a limit by account may be added there', () => {
  assert.deepEqual(
    complaints('classes: { session: { rate_limit: { limits: { mine: { key: [login_name], requests: 9 } } } } }'),
    [],
  );
});

test('an unknown part, a bad argument and a field of no message are named with their place', () => {
  for (const [key, problem] of [
    ['adress', /limits\.mine\.key\[0\]: no key part 'adress': expected action:….*; did you mean address\?/],
    ['address, "message:nowhere"', /limits\.mine\.key\[1\]: no RPC has a text or number 'nowhere'/],
    ['address, "header:authorization"', /limits\.mine\.key\[1\]: authorization holds secrets/],
    ['address, "address:24"', /limits\.mine\.key\[1\]: 'address' takes nothing after a colon/],
  ] as const)
    assert.match(complaints(limit(key))[0] ?? '', problem);
});

test('a ban whose longest is shorter than its first is a problem', () => {
  assert.match(
    complaints(limit('address', ', ban: { after: 3, for_s: 600, max_s: 60 }'))[0] ?? '',
    /ban\.max_s: is below for_s/,
  );
});

test('a list that is not there is a problem, with the one that is probably meant', () => {
  const networks = 'networks: { office: { addresses: [10.0.0.0/8] } }\n';
  assert.deepEqual(complaints(`${networks}ip_rules: { allow: ["@ofice"] }`), [
    'ip_rules.allow[0]: no list @ofice: expected one of `networks`, did you mean @office?',
  ]);
  const own = `${networks}routes: [{ name: own, paths: [/own], policies: { ip_rules: { deny: [192.0.2.1, "@nobody"] } } }]`;
  assert.match(complaints(own)[0] ?? '', /routes\[0\]\.policies\.ip_rules\.deny\[1\]: no list @nobody/);
});
