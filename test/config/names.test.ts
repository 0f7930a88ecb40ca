import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseEndpoint, parseListenAddress } from '../../src/config/address.ts';
import { hostCovered, hostProblem } from '../../src/config/host.ts';
import { distance, nearest } from '../../src/config/nearest.ts';
import { parseNetwork } from '../../src/config/network.ts';
import { parsePattern, patternForm } from '../../src/config/pattern.ts';

test('addresses of listeners: IP literals, localhost, or nothing for all', () => {
  assert.deepEqual(parseListenAddress('[::]:8443'), { host: '::', port: 8443 });
  assert.deepEqual(parseListenAddress(':8443'), { host: '::', port: 8443 });
  assert.deepEqual(parseListenAddress('0.0.0.0:0'), { host: '0.0.0.0', port: 0 });
  assert.deepEqual(parseListenAddress('[fe80::1%eth0]:1'), { host: 'fe80::1%eth0', port: 1 });
  assert.deepEqual(parseListenAddress('localhost:9090'), { host: 'localhost', port: 9090 });
  for (const bad of [
    '',
    ':',
    '8443',
    '::1:8443',
    '[::]',
    '[::]:65536',
    '[1.2.3.4]:1',
    '1.2.3:1',
    '010.0.0.1:1',
    'example.com:1',
    '*:1',
    '[::1]x:1',
    ' :1',
    ':-1',
    ':1e3',
    '[]:1',
  ]) {
    assert.equal(parseListenAddress(bad), undefined, bad);
  }
});

test('addresses of endpoints: a name or an IP, and a port from 1', () => {
  assert.deepEqual(parseEndpoint('zitadel:8080'), { host: 'zitadel', port: 8080 });
  assert.deepEqual(parseEndpoint('my_zitadel.Default.svc:80'), { host: 'my_zitadel.Default.svc', port: 80 });
  assert.deepEqual(parseEndpoint('[::1]:8080'), { host: '::1', port: 8080 });
  for (const bad of [
    'zitadel',
    ':8080',
    'zitadel:0',
    'http://zitadel:8080',
    '::1:8080',
    '*.zitadel:80',
    'a b:80',
    'zitadel:80/path',
    'user@zitadel:80',
  ]) {
    assert.equal(parseEndpoint(bad), undefined, bad);
  }
});

test('networks: addresses and CIDRs, read strictly', () => {
  assert.deepEqual(parseNetwork('10.1.2.3/8'), {
    address: '10.1.2.3',
    prefix: 8,
    family: 4,
    canonical: '10.0.0.0/8',
    hostBits: true,
  });
  assert.deepEqual(parseNetwork('FD00::/8'), {
    address: 'FD00::',
    prefix: 8,
    family: 6,
    canonical: 'fd00::/8',
    hostBits: false,
  });
  assert.equal(parseNetwork('192.0.2.1').prefix, 32);
  assert.equal(parseNetwork('2001:db8::1').canonical, '2001:db8::1/128');
  // Octal, short and hexadecimal forms mean one thing here and another there: never guess.
  for (const bad of [
    '',
    '10',
    '10.1',
    '010.0.0.1',
    '0x7f.0.0.1',
    '10.0.0.0/33',
    '10.0.0.0/',
    '10.0.0.0/08',
    '10.0.0.0/8/8',
    '::/129',
    'fe80::1%eth0',
    'example.com',
    '10.0.0.0-10.0.0.9',
  ]) {
    assert.throws(() => parseNetwork(bad), /expected/, bad);
  }
  // Peers are seen as IPv4, so such an entry would never match.
  assert.throws(() => parseNetwork('::ffff:10.0.0.0/104'), /expected the IPv4 form 10\.0\.0\.0/);
});

test('hosts: names in ASCII, wildcards for a whole label, addresses; no ports', () => {
  for (const good of [
    'localhost',
    'id.example.com',
    '*.example.com',
    'xn--bcher-kva.example',
    'a_b.local',
    '127.0.0.1',
    '[::1]',
  ]) {
    assert.equal(hostProblem(good), undefined, good);
  }
  for (const bad of [
    '',
    '*',
    'id.*.com',
    '*id.example.com',
    'a..b',
    '-a.b',
    'id.example.com.',
    'a b',
    `${'a'.repeat(64)}.b`,
    'example.com/',
    '::1',
    '[1.2.3.4]',
  ]) {
    assert.notEqual(hostProblem(bad), undefined, bad);
  }
  assert.match(hostProblem('id.example.com:443')!, /without a port/);
  assert.match(hostProblem('https://id.example.com')!, /without a scheme/);
  assert.match(hostProblem('bücher.example')!, /xn--bcher-kva\.example/);
});

test('a wildcard covers names below it and not the name itself', () => {
  assert.ok(hostCovered('a.example.com', ['*.example.com']));
  assert.ok(hostCovered('*.example.com', ['*.example.com']));
  assert.ok(!hostCovered('example.com', ['*.example.com']));
  assert.ok(!hostCovered('badexample.com', ['*.example.com']));
  assert.ok(hostCovered('anything', []));
});

test('path patterns: text, parameters for a segment or the rest of one, and everything below', () => {
  assert.deepEqual(parsePattern('/v2/users/{id}/password'), {
    segments: [
      { text: 'v2', parameter: undefined },
      { text: 'users', parameter: undefined },
      { text: '', parameter: 'id' },
      { text: 'password', parameter: undefined },
    ],
    below: false,
  });
  assert.deepEqual(parsePattern('/zitadel.system.v1.{service}/*'), {
    segments: [{ text: 'zitadel.system.v1.', parameter: 'service' }],
    below: true,
  });
  assert.deepEqual(parsePattern('/'), { segments: [{ text: '', parameter: undefined }], below: false });
  assert.deepEqual(parsePattern('/*'), { segments: [], below: true });
  assert.equal(parsePattern('/ui/').segments.length, 2);
});

test('patterns that could match nothing, or what is refused anyway, are errors', () => {
  for (const bad of [
    '',
    'v2',
    '*',
    '//',
    '/a//b',
    '/a/../b',
    '/a/.',
    '/a//*',
    '/a*',
    '/*/b',
    '/a/{id}x',
    '/{a}{b}',
    '/{a}/{a}',
    '/{}',
    '/{A}',
    '/a{',
    '/a?b',
    '/a#b',
    '/a%20b',
    '/a b',
    '/a\\b',
    '/a\nb',
  ]) {
    assert.throws(() => parsePattern(bad), /expected/, JSON.stringify(bad));
  }
});

test('patterns with other names for their parameters have the same form', () => {
  assert.equal(patternForm('/users/{id}/{x}'), patternForm('/users/{user_id}/{y}'));
});

test('a word near a known one is recognised', () => {
  const keys = ['address', 'idle_timeout_ms', 'max_header_bytes', 'trust', 'tls', 'name'];
  const rows: [string, string | undefined][] = [
    ['adress', 'address'],
    ['addres', 'address'],
    ['adderss', 'address'],
    ['Address', 'address'],
    ['idle_timeout', 'idle_timeout_ms'],
    ['idle-timeout-ms', 'idle_timeout_ms'],
    ['max_headers_bytes', 'max_header_bytes'],
    ['tsl', 'tls'],
    ['nmae', 'name'],
    ['port', undefined],
    ['zzz', undefined],
    ['x'.repeat(1000), undefined],
  ];
  for (const [word, meant] of rows) assert.equal(nearest(word, keys), meant, word);
});

test('two neighbours in the wrong order are one edit', () => {
  assert.equal(distance('addrses', 'address'), 1);
  assert.equal(distance('ab', 'ba'), 1);
  assert.equal(distance('', 'abc'), 3);
  assert.equal(distance('kitten', 'sitting'), 3);
});
