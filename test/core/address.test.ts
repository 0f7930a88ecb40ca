// Addresses in one form. RFC 5952: IPv6 is written in many ways, and who is one client must have one text.
// Harm: a limit by address that counts the same client twice lets it through twice.
import assert from 'node:assert/strict';
import { isIP, SocketAddress } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { canonicalAddress } from '../../src/core/address.ts';

/** A group of IPv6, zero more often than by chance, written long or short, in either case. */
const group = fc
  .tuple(fc.oneof(fc.constant(0), fc.constant(0xffff), fc.integer({ min: 0, max: 0xffff })), fc.nat(3))
  .map(([value, how]) => {
    const text = value.toString(16).padStart(how % 2 === 0 ? 0 : 4, '0');
    return how < 2 ? text : text.toUpperCase();
  });
const written = fc.array(group, { minLength: 8, maxLength: 8 }).map((groups) => groups.join(':'));

test('every way to write an IPv6 address gives one text, that of the platform', () => {
  fc.assert(
    fc.property(written, (text) => {
      const platform = new SocketAddress({ address: text, family: 'ipv6' }).address;
      const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(platform);
      assert.equal(canonicalAddress(text), mapped ? mapped[1] : platform);
    }),
    { numRuns: 2000 },
  );
});

test('what is canonical stays as it is', () => {
  fc.assert(
    fc.property(written, (text) => {
      const once = canonicalAddress(text)!;
      assert.equal(canonicalAddress(once), once);
      assert.notEqual(isIP(once), 0);
    }),
  );
});

test('IPv4 in IPv6 is IPv4, zones are dropped, and what is no address is none', () => {
  assert.equal(canonicalAddress('::ffff:192.0.2.1'), '192.0.2.1');
  assert.equal(canonicalAddress('0:0:0:0:0:FFFF:c000:201'), '192.0.2.1');
  assert.equal(canonicalAddress('fe80::1%eth0'), 'fe80::1');
  assert.equal(canonicalAddress('2001:db8:1:2:3:4:5:6%eth0'), '2001:db8:1:2:3:4:5:6');
  for (const text of [
    '',
    'localhost',
    '192.0.2',
    '2001:db8:1:2:3:4:5',
    '2001:db8:1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:12345',
  ])
    assert.equal(canonicalAddress(text), undefined, text);
});
