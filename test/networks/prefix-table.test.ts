// A compiled set of networks agrees with the plain comparison of bits, for both families alike.

import assert from 'node:assert/strict';
import { SocketAddress } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { ipv4Bits, ipv6Bits } from '../../src/networks/address-bits.ts';
import { canonicalPrefix, parseNetwork, prefixOf } from '../../src/networks/network.ts';
import { PrefixTable } from '../../src/networks/prefix-table.ts';

const table = (...networks: string[]): PrefixTable => new PrefixTable(networks.map(prefixOf));

/** The bits of an address as text of 0 and 1. */
function bits(address: string): string {
  if (!address.includes(':'))
    return address
      .split('.')
      .map((part) => Number(part).toString(2).padStart(8, '0'))
      .join('');
  const dotted = /(?<=:)\d+\.\d+\.\d+\.\d+$/.exec(address)?.[0];
  if (dotted !== undefined) {
    const end = Number.parseInt(bits(dotted), 2);
    return bits(`${address.slice(0, -dotted.length)}${(end >>> 16).toString(16)}:${(end & 0xffff).toString(16)}`);
  }
  const [head = '', tail] = address.split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const groups = [...before, ...Array<string>(8 - before.length - after.length).fill('0'), ...after];
  return groups.map((group) => Number.parseInt(group, 16).toString(2).padStart(16, '0')).join('');
}

const ipv4 = fc.ipV4();
const canonical = (address: string): string => new SocketAddress({ address, family: 'ipv6' }).address;
/** In canonical form, as sockets give it, runs of zeros and dotted ends among them; mapped ones are seen as IPv4 elsewhere. */
const ipv6 = fc
  .array(fc.oneof(fc.constant(0), fc.constant(0xffff), fc.integer({ min: 0, max: 0xffff })), {
    minLength: 8,
    maxLength: 8,
  })
  .map((groups) => canonical(groups.map((group) => group.toString(16)).join(':')))
  .filter((address) => !address.startsWith('::ffff:'));
/** Networks near each other, so that they nest, follow one another and reach to the ends. */
const nestedIpv4 = fc
  .array(fc.constantFrom(0, 1, 127, 128, 254, 255), { minLength: 4, maxLength: 4 })
  .map((parts) => parts.join('.'));
const nestedIpv6 = fc
  .array(fc.constantFrom(1, 0x7fff, 0x8000, 0xffff), { minLength: 8, maxLength: 8 })
  .map((groups) => canonical(groups.map((group) => group.toString(16)).join(':')));

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
  ['IPv4 that nest', nestedIpv4, 32],
  ['IPv6 that nest', nestedIpv6, 128],
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
    '::1.2.3',
    '::1.2.3.4.5',
    '::1.2.3.256',
    '::1.2.3.4:5',
    '1:2:3:4:5:6:7:1.2.3.4',
    'fe80::1%eth0',
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

test('an address whose canonical form has a dotted end is in its networks: `deny: ["::/0"]` is not passed with it', () => {
  for (const address of ['::102:304', '::1.2.3.4']) {
    assert.equal(table('::/0').longest(canonical(address)), 0, address);
    assert.equal(table('::/96', '::102:300/120').longest(canonical(address)), 120, address);
  }
});

test('a network of a long list is read as any other, host bits and unusual forms included', () => {
  const written = fc.oneof(
    fc.tuple(fc.oneof(ipv4, fc.ipV6(), ipv6), fc.integer({ min: 0, max: 140 })).map((both) => both.join('/')),
    fc.oneof(ipv4, fc.ipV6()),
    fc.stringMatching(/^[0-9a-f:.]{0,20}(?:\/[0-9]{0,3}){0,2}$/),
    fc.constantFrom('010.0.0.1', '::ffff:1.2.3.4', '::ffff:0:0/96', 'fe80::1%eth0', '10.0.0.0/08', '10.0.0.0/', '/8'),
  );
  fc.assert(
    fc.property(written, (text) => {
      let expected: { address: string; prefix: number } | undefined;
      let problem = '';
      try {
        expected = canonicalPrefix(parseNetwork(text));
      } catch (error) {
        problem = (error as Error).message;
      }
      if (expected === undefined) {
        assert.throws(() => prefixOf(text), { message: problem });
        return;
      }
      const { address, prefix } = prefixOf(text);
      assert.equal(prefix, expected.prefix);
      const made = new PrefixTable([{ address, prefix }]);
      assert.equal(made.longest(expected.address), prefix);
      assert.equal(bits(address).slice(0, prefix), bits(expected.address).slice(0, prefix));
    }),
  );
});

for (const [family, one] of [
  ['IPv4', (i: number) => `${(i >> 16) + 1}.${(i >> 8) & 255}.${i & 255}.0/${20 + (i % 13)}`],
  ['IPv6', (i: number) => `2001:db8:${(i & 0xffff).toString(16)}:${(i >> 16).toString(16)}::/${48 + (i % 81)}`],
] as const) {
  test(`100,000 networks of ${family} of many lengths load, and are found`, () => {
    const networks = Array.from({ length: 100_000 }, (_, i) => one(i));
    const made = table(...networks);
    assert.equal(made.size, 100_000);
    for (const network of networks) {
      const slash = network.indexOf('/');
      assert.ok(made.longest(network.slice(0, slash)) >= Number(network.slice(slash + 1)), network);
    }
    assert.deepEqual([made.longest('203.0.113.1'), made.longest('2001:db7::1')], [-1, -1]);
  });
}

test('the same network said many times is one, and an empty set has nobody', () => {
  assert.equal(table(...Array<string>(1000).fill('10.0.0.0/8')).longest('10.1.1.1'), 8);
  assert.deepEqual([table().longest('10.1.1.1'), table().longest('::1')], [-1, -1]);
});
