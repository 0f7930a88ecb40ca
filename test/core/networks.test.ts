// Addresses and sets of them, IPv4 and IPv6. RFC 4291 section 2.2, RFC 5952.
// Harm: who is trusted or exempt is told by these.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import ipaddr from 'ipaddr.js';
import { canonicalAddress } from '../../src/core/address.ts';
import { Networks } from '../../src/core/networks.ts';

const ipv4 = fc.ipV4();
/** Without the form `::1.2.3.4`, which ipaddr.js 2.5.0 reads as IPv4-mapped. */
const ipv6 = fc.ipV6().filter((text) => !text.includes('.'));

test('property: every spelling of an IPv6 address is one address', () => {
  fc.assert(
    fc.property(ipv6, (text) => {
      const parsed = ipaddr.parse(text) as ipaddr.IPv6;
      const canonical = canonicalAddress(text)!;
      assert.equal(canonicalAddress(parsed.toNormalizedString()), canonical);
      assert.equal(
        canonicalAddress((parsed as unknown as { toFixedLengthString(): string }).toFixedLengthString().toUpperCase()),
        canonical,
      );
      assert.equal(canonicalAddress(`${text}%1`), canonical);
      assert.equal(canonical.includes('.') && !canonical.includes(':'), parsed.isIPv4MappedAddress());
    }),
  );
});

test('property: networks say what a second library says', () => {
  const network = fc.oneof(
    fc.tuple(ipv4, fc.integer({ min: 0, max: 32 })),
    fc.tuple(ipv6, fc.integer({ min: 0, max: 128 })),
  );
  fc.assert(
    fc.property(network, fc.oneof(ipv4, ipv6), ([base, prefix], text) => {
      const parsedBase = ipaddr.parse(base);
      if (parsedBase instanceof ipaddr.IPv6 && parsedBase.isIPv4MappedAddress()) return;
      const address = canonicalAddress(text)!;
      const parsed = ipaddr.parse(address);
      const expected = parsed.kind() === parsedBase.kind() && parsed.match(parsedBase as never, prefix as never);
      assert.equal(new Networks([`${base}/${prefix}`]).has(address), expected);
    }),
  );
});

test('a network may be a single address, and none has nobody', () => {
  assert.ok(new Networks(['203.0.113.7']).has('203.0.113.7'));
  assert.ok(!new Networks(['203.0.113.7']).has('203.0.113.8'));
  assert.ok(!new Networks([]).has('203.0.113.7'));
});

test('IPv4-mapped IPv6 is the IPv4 network that it stands for', () => {
  const networks = new Networks(['::ffff:10.1.0.0/112', '::ffff:c000:0201']);
  for (const inside of ['10.1.255.1', '192.0.2.1']) assert.ok(networks.has(inside), inside);
  for (const outside of ['10.2.0.1', '192.0.2.2', '::ffff']) assert.ok(!networks.has(outside), outside);
});

test('what is no network is named', () => {
  const wrong = [
    '',
    'x',
    '10.0.0.0/33',
    '10.0.0/8',
    '::/129',
    '10.0.0.0/',
    '10.0.0.0/8/8',
    '10.0.0.0/-1',
    'fe80::1%1',
    '::ffff:10.0.0.0/95',
  ];
  for (const network of wrong) {
    assert.throws(() => new Networks(['10.0.0.1', network]), new RangeError(`not an address or network: ${network}`));
  }
});
