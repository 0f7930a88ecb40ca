// A compiled set of networks agrees with the plain comparison of bits, for both families alike.

import assert from 'node:assert/strict';
import { SocketAddress } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { ipv4Bits, ipv6Bits } from '../../src/networks/address-bits.ts';
import { canonicalPrefix, parseNetwork } from '../../src/networks/network.ts';
import { PrefixTable } from '../../src/networks/prefix-table.ts';

const table = (...networks: string[]): PrefixTable =>
  new PrefixTable(networks.map((one) => canonicalPrefix(parseNetwork(one))));

/** The bits of an address as text of 0 and 1. */
function bits(address: string): string {
  if (!address.includes(':'))
    return address
      .split('.')
      .map((part) => Number(part).toString(2).padStart(8, '0'))
      .join('');
  const [head = '', tail] = address.split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const groups = [...before, ...Array<string>(8 - before.length - after.length).fill('0'), ...after];
  return groups.map((group) => Number.parseInt(group, 16).toString(2).padStart(16, '0')).join('');
}

const ipv4 = fc.ipV4();
/** In canonical form, as sockets give it; mapped ones are seen as IPv4 elsewhere. */
const ipv6 = fc
  .array(fc.integer({ min: 0, max: 0xffff }), { minLength: 8, maxLength: 8 })
  .map((groups) => new SocketAddress({ address: groups.map((g) => g.toString(16)).join(':'), family: 'ipv6' }).address)
  .filter((address) => !address.includes('.'));

test('the longest prefix that has an address is found, in both families', () => {
  const both = table('10.0.0.0/8', '10.1.0.0/16', '10.1.2.3', '2001:db8::/32', '2001:db8:1::/48', '2001:db8::7');
  for (const [address, longest] of [
    ['10.9.9.9', 8],
    ['10.1.9.9', 16],
    ['10.1.2.3', 32],
    ['11.0.0.1', -1],
    ['2001:db8:9::1', 32],
    ['2001:db8:1::1', 48],
    ['2001:db8::7', 128],
    ['2001:db9::', -1],
  ] as const)
    assert.equal(both.longest(address), longest, address);
});

test('0.0.0.0/0 is all of IPv4 and nothing of IPv6, and ::/0 the other way round', () => {
  assert.deepEqual([table('0.0.0.0/0').longest('192.0.2.1'), table('0.0.0.0/0').longest('::1')], [0, -1]);
  assert.deepEqual([table('::/0').longest('192.0.2.1'), table('::/0').longest('::1')], [-1, 0]);
});

for (const [family, address, most] of [
  ['IPv4', ipv4, 32],
  ['IPv6', ipv6, 128],
] as const) {
  test(`for any networks and addresses of ${family} it is what the bits say`, () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(address, fc.integer({ min: 0, max: most })), { maxLength: 40 }),
        fc.array(address, { minLength: 1, maxLength: 10 }),
        (networks, others) => {
          const made = table(...networks.map(([base, prefix]) => `${base}/${prefix}`));
          for (const asked of [...others, ...networks.map(([base]) => base)]) {
            const expected = networks
              .filter(([base, prefix]) => bits(base).slice(0, prefix) === bits(asked).slice(0, prefix))
              .reduce((longest, [, prefix]) => Math.max(longest, prefix), -1);
            assert.equal(made.longest(asked), expected, asked);
          }
        },
      ),
    );
  });
}

test('whatever else is asked is in no network, and nothing is thrown', () => {
  const all = table('0.0.0.0/0', '::/0');
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[0-9a-f:.]{0,40}$/)), (text) => {
      const longest = all.longest(text);
      assert.ok(longest === -1 || longest === 0);
    }),
  );
  for (const text of [
    '',
    '1.2.3',
    '1.2.3.4.5',
    '256.1.1.1',
    '1..2.3',
    ':',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7:8:9',
    '12345::',
  ])
    assert.equal(all.longest(text), -1, text);
});

test('addresses are read as Node reads them', () => {
  fc.assert(fc.property(ipv4, (text) => assert.equal(ipv4Bits(text), Number.parseInt(bits(text), 2))));
  const words = new Uint32Array(4);
  fc.assert(
    fc.property(ipv6, (text) => {
      assert.equal(ipv6Bits(text, words), true);
      assert.equal([...words].map((word) => word.toString(2).padStart(32, '0')).join(''), bits(text));
    }),
  );
});

test('100,000 networks load, and are found', () => {
  const networks = Array.from({ length: 100_000 }, (_, i) =>
    i % 2 === 0 ? `${(i >> 16) + 1}.${(i >> 8) & 255}.${i & 255}.0/24` : `2001:db8:${i.toString(16)}::/48`,
  ).filter((one) => !/:[0-9a-f]{5,}:/.test(one));
  const made = table(...networks);
  for (const network of networks) {
    const address = network.slice(0, network.indexOf('/'));
    assert.notEqual(made.longest(address), -1, network);
  }
  assert.equal(made.longest('203.0.113.1'), -1);
});
