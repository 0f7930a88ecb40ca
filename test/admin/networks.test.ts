import assert from 'node:assert/strict';
import test from 'node:test';
import { hostCheck } from '../../src/admin/hosts.ts';
import { inNetworks, isLoopback } from '../../src/admin/networks.ts';
import { bearerToken, tokenCheck } from '../../src/admin/token.ts';

test('a network is an address or a CIDR, of either family', () => {
  const inside = inNetworks(['192.0.2.0/24', '198.51.100.7', '2001:db8::/32']);
  for (const address of ['192.0.2.0', '192.0.2.255', '198.51.100.7', '2001:db8:1::1', '::ffff:192.0.2.9'])
    assert.equal(inside(address), true, address);
  for (const address of ['192.0.3.0', '198.51.100.8', '2001:db9::1', '::ffff:192.0.3.9', '', 'x', undefined])
    assert.equal(inside(address), false, String(address));
});

test('all of IPv4 or IPv6 can be listed', () => {
  assert.equal(inNetworks(['0.0.0.0/0'])('203.0.113.9'), true);
  assert.equal(inNetworks(['0.0.0.0/0'])('2001:db8::1'), false);
  assert.equal(inNetworks(['::/0'])('2001:db8::1'), true);
});

test('what is no network is named', () => {
  for (const network of ['', 'x', '10.0.0.0/33', '10.0.0/8', '::/129', '10.0.0.0/', '10.0.0.0/8/8', '10.0.0.0/-1'])
    assert.throws(() => inNetworks([network]), new RangeError(`not an address or network: ${network}`));
});

test('loopback is 127.0.0.0/8 and ::1', () => {
  for (const address of ['127.0.0.1', '127.255.0.1', '::1', '::ffff:127.0.0.1'])
    assert.equal(isLoopback(address), true);
  for (const address of ['0.0.0.0', '::', '10.0.0.1', 'localhost', '128.0.0.1'])
    assert.equal(isLoopback(address), false);
});

test('a Host is of this machine, or configured, or refused', () => {
  const allowed = hostCheck(['Ops.Internal']);
  for (const host of ['localhost', 'LocalHost:9090', 'localhost.', '127.0.0.1', '[::1]:9090', 'ops.internal'])
    assert.equal(allowed(host), true, host);
  for (const host of [
    '',
    undefined,
    'x',
    'localhost:',
    'localhost:1:2',
    '::1',
    '[::1',
    'a b',
    '[localhost]',
    '1.2.3.4',
    'ops.internal.evil',
  ])
    assert.equal(allowed(host), false, String(host));
});

test('a bearer token is read by the letter, RFC 6750 section 2.1', () => {
  assert.equal(bearerToken(undefined), undefined);
  assert.equal(bearerToken('Bearer abc'), 'abc');
  assert.equal(bearerToken('bEARER  a.b-c_d~e+f/g== '), 'a.b-c_d~e+f/g==');
  for (const other of ['', 'Bearer', 'Bearer a b', 'Basic abc', 'Bearerabc', 'Bearer "abc"'])
    assert.equal(bearerToken(other), '');
});

test('the right token is right, and nothing else, of any length', () => {
  const right = tokenCheck('correct');
  assert.equal(right('correct'), true);
  for (const wrong of ['', 'correc', 'correctt', 'Correct', 'x'.repeat(10_000)]) assert.equal(right(wrong), false);
});
