// The PROXY protocol, https://www.haproxy.org/download/2.9/doc/proxy-protocol.txt: what is a header, and whom it names.
// Harm: a header that is read wrongly gives the connection to somebody else; one that is never refused takes memory.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { canonicalAddress } from '../../src/core/address.ts';
import { crc32c } from '../../src/transport/crc32c.ts';
import { ProxyHeaderError, parseProxyHeader } from '../../src/transport/proxy-protocol.ts';
import { LOCAL, proxyHeader, rawV2, tlv } from '../support/proxy-header.ts';

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');
const SIGNATURE = LOCAL.subarray(0, 12);
const IPV4 = Buffer.from([203, 0, 113, 7, 192, 0, 2, 255, 0xc7, 0x38, 1, 0xbb]);

const V1: [text: string, kind: string, source?: string][] = [
  ['PROXY TCP4 203.0.113.7 192.0.2.1 51000 443\r\n', 'named', '203.0.113.7'],
  ['PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n', 'named', '255.255.255.255'],
  ['PROXY TCP4 203.0.113.7 192.0.2.1 0 0\r\n', 'named', '203.0.113.7'],
  ['PROXY TCP6 2001:DB8::0001 2001:db8::2 51000 443\r\n', 'named', '2001:db8::1'],
  ['PROXY TCP6 ::ffff:203.0.113.7 ::ffff:192.0.2.1 51000 443\r\n', 'named', '203.0.113.7'],
  ['PROXY TCP6 ::ffff:cb00:7107 ::1 51000 443\r\n', 'named', '203.0.113.7'],
  ['PROXY UNKNOWN\r\n', 'unknown'],
  ['PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n', 'unknown'],
  ['PROXY UNKNOWN 203.0.113.7 192.0.2.1 1 2\r\n', 'unknown'],
];
for (const [text, kind, source] of V1) {
  test(`version 1: ${JSON.stringify(text)} is ${source ?? kind}`, () => {
    const expected = { length: text.length, kind, ...(source && { source }) };
    assert.deepEqual(parseProxyHeader(bytes(text)), expected);
    assert.deepEqual(parseProxyHeader(bytes(`${text}GET / HTTP/1.1\r\n`)), expected);
  });
}

for (const text of [
  ...['PROXY\r\n', 'PROXY \r\n', 'PROXY TCP4\r\n', 'PROXY TCP5 1.2.3.4 1.2.3.4 1 2\r\n', 'PROXY UNKNOWNX\r\n'],
  ...[
    'proxy TCP4 1.2.3.4 1.2.3.4 1 2\r\n',
    'PROXY tcp4 1.2.3.4 1.2.3.4 1 2\r\n',
    'PROXY  TCP4 1.2.3.4 1.2.3.4 1 2\r\n',
  ],
  ...[
    'PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n',
    'PROXY TCP4 1.2.3.4 1.2.3.4 1 2 3\r\n',
    'PROXY TCP4 1.2.3.4 1.2.3.4 1 2 \r\n',
  ],
  ...[
    'PROXY TCP4 1.2.3.4  1.2.3.4 1 2\r\n',
    'PROXY TCP4\t1.2.3.4 1.2.3.4 1 2\r\n',
    'PROXY TCP4 1.2.3.4 1.2.3.4 1 2\n\r\n',
  ],
  ...[
    'PROXY TCP4 01.2.3.4 1.2.3.4 1 2\r\n',
    'PROXY TCP4 1.2.3 1.2.3.4 1 2\r\n',
    'PROXY TCP4 256.2.3.4 1.2.3.4 1 2\r\n',
  ],
  ...['PROXY TCP4 ::1 ::1 1 2\r\n', 'PROXY TCP6 1.2.3.4 1.2.3.4 1 2\r\n', 'PROXY TCP6 ::1 1.2.3.4 1 2\r\n'],
  ...['PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n', 'PROXY TCP6 [::1] ::1 1 2\r\n', 'PROXY TCP4 evil.example 1.2.3.4 1 2\r\n'],
  ...[
    'PROXY TCP4 1.2.3.4 1.2.3.4 01 2\r\n',
    'PROXY TCP4 1.2.3.4 1.2.3.4 1 65536\r\n',
    'PROXY TCP4 1.2.3.4 1.2.3.4 -1 2\r\n',
  ],
  ...[
    'PROXY TCP4 1.2.3.4 1.2.3.4 1 +2\r\n',
    'PROXY TCP4 1.2.3.4 1.2.3.4 99999 2\r\n',
    `PROXY UNKNOWN ${'x'.repeat(107)}\r\n`,
  ],
  ...[
    `PROXY ${'x'.repeat(101)}`,
    'GET / HTTP/1.1\r\n',
    'PRI * HTTP/2.0\r\n',
    '\x16\x03\x01',
    '\r\nPROXY TCP4',
    '\r\n\r\n\0\r\nQUIZ',
  ],
]) {
  test(`${JSON.stringify(text)} is refused`, () => {
    assert.throws(() => parseProxyHeader(bytes(text)), ProxyHeaderError);
  });
}

test('version 1 takes at most 107 bytes, and is refused with the last of them', () => {
  const longest = `PROXY UNKNOWN ${'x'.repeat(91)}\r\n`;
  assert.equal(longest.length, 107);
  assert.deepEqual(parseProxyHeader(bytes(longest)), { length: 107, kind: 'unknown' });
  const endless = bytes(`PROXY UNKNOWN ${'x'.repeat(200)}`);
  assert.equal(parseProxyHeader(endless.subarray(0, 106)), undefined);
  assert.throws(() => parseProxyHeader(endless.subarray(0, 107)), { message: 'a PROXY header longer than 107 bytes' });
});

for (const [source, canonical] of [
  ['203.0.113.7', '203.0.113.7'],
  ['2001:db8::1', '2001:db8::1'],
  ['::', '::'],
  ['::ffff:203.0.113.7', '203.0.113.7'],
] as const) {
  test(`version 2: ${source} is ${canonical}`, () => {
    const header = proxyHeader(2, source);
    const expected = { length: header.length, kind: 'named', source: canonical };
    assert.deepEqual(parseProxyHeader(header), expected);
    assert.deepEqual(parseProxyHeader(Buffer.concat([header, bytes('\x16\x03\x01')])), expected);
  });
}

test('version 2: LOCAL is the load balancer itself, whatever family and addresses it has', () => {
  assert.deepEqual(parseProxyHeader(LOCAL), { length: 16, kind: 'local' });
  assert.deepEqual(parseProxyHeader(rawV2(0x20, 0x11, IPV4)), { length: 28, kind: 'local' });
  assert.deepEqual(parseProxyHeader(rawV2(0x20, 0xff, Buffer.from([1, 2, 3]))), { length: 19, kind: 'local' });
});

test('version 2: an unspecified family is a connection of nobody known', () => {
  assert.deepEqual(parseProxyHeader(rawV2(0x21, 0x00, IPV4)), { length: 28, kind: 'unknown' });
});

const REFUSED_V2: [title: string, header: Buffer, message: string][] = [
  ['version 1 in the bytes of version 2', rawV2(0x11, 0x11, IPV4), 'a PROXY header of another version or command'],
  ['another command', rawV2(0x22, 0x11, IPV4), 'a PROXY header of another version or command'],
  ['UDP over IPv4', rawV2(0x21, 0x12, IPV4), 'a PROXY header of no TCP connection'],
  ['UDP over IPv6', rawV2(0x21, 0x22, Buffer.alloc(36)), 'a PROXY header of no TCP connection'],
  ['a UNIX socket', rawV2(0x21, 0x31, Buffer.alloc(216)), 'a PROXY header of no TCP connection'],
  ['a family that nobody knows', rawV2(0x21, 0x41, Buffer.alloc(216)), 'a PROXY header of no TCP connection'],
  ['too few bytes for IPv4', rawV2(0x21, 0x11, IPV4.subarray(1)), 'a malformed PROXY header'],
  ['too few bytes for IPv6', rawV2(0x21, 0x21, Buffer.alloc(35)), 'a malformed PROXY header'],
  ['extras cut short', rawV2(0x21, 0x11, Buffer.concat([IPV4, Buffer.from([4, 0])])), 'a malformed PROXY header'],
  [
    'an extra that is longer than the header',
    rawV2(0x21, 0x11, Buffer.concat([IPV4, Buffer.from([4, 0, 2, 0])])),
    'a malformed PROXY header',
  ],
  ['a checksum of two bytes', proxyHeader(2, '::1', { extras: [[3, Buffer.alloc(2)]] }), 'a malformed PROXY header'],
  [
    'a wrong checksum',
    proxyHeader(2, '::1', { extras: [[3, Buffer.alloc(4)]] }),
    'a PROXY header with a wrong checksum',
  ],
  ['4097 bytes', rawV2(0x21, 0x11, Buffer.alloc(4097)), 'a PROXY header longer than 4112 bytes'],
];
for (const [title, header, message] of REFUSED_V2) {
  test(`version 2: ${title} is refused`, () => {
    assert.throws(() => parseProxyHeader(header), { message });
    assert.throws(() => parseProxyHeader(Buffer.concat([header, bytes('more')])), { message });
  });
}

test('attack: a header that claims to be long is refused by its length, before any of it is kept', () => {
  const begin = Buffer.concat([SIGNATURE, Buffer.from([0x21, 0x11, 0xff, 0xff])]);
  assert.throws(() => parseProxyHeader(begin), { message: 'a PROXY header longer than 4112 bytes' });
});

test('version 2: extras are passed over, up to 4096 bytes with the addresses', () => {
  const extras = [
    [0x04, Buffer.alloc(4096 - 12 - 3 - 4)],
    [0xea, Buffer.from([1])],
  ] as const;
  const header = proxyHeader(2, '203.0.113.7', { extras });
  assert.equal(header.length, 16 + 4096);
  assert.equal(parseProxyHeader(header)?.source, '203.0.113.7');
});

test('version 2: a right checksum is taken, and one changed bit anywhere is not', () => {
  const header = proxyHeader(2, '2001:db8::1', { extras: [[0x02, bytes('id.example.com')]], checksum: true });
  assert.equal(parseProxyHeader(header)?.source, '2001:db8::1');
  for (let at = 16; at < 16 + 36; at += 1) {
    const changed = Buffer.from(header);
    changed[at]! ^= 1;
    assert.throws(() => parseProxyHeader(changed), { message: 'a PROXY header with a wrong checksum' });
  }
});

test('CRC32C is that of RFC 3720 appendix B.4', () => {
  assert.equal(crc32c(bytes('123456789')), 0xe3069283);
  assert.equal(crc32c(Buffer.alloc(32)), 0x8a9136aa);
  assert.equal(crc32c(Buffer.alloc(32, 0xff)), 0x62a8ab43);
});

const address = fc.oneof(
  fc.ipV4(),
  fc.ipV6().filter((text) => !text.includes('.')),
);

for (const version of [1, 2] as const) {
  test(`property: version ${version} names the source in canonical form, however the bytes come`, () => {
    fc.assert(
      fc.property(address, fc.uint8Array({ maxLength: 40 }), (source, behind) => {
        const header = proxyHeader(version, source, { checksum: version === 2 });
        for (let at = 0; at < header.length; at += 1) assert.equal(parseProxyHeader(header.subarray(0, at)), undefined);
        const all = Buffer.concat([header, behind]);
        const expected = canonicalAddress(source)!;
        assert.deepEqual(parseProxyHeader(all), { length: header.length, kind: 'named', source: expected });
        assert.equal(canonicalAddress(expected), expected);
      }),
    );
  });
}

/** Anything at all: noise, noise behind a good beginning, and good headers with a byte changed. */
const anything = fc.oneof(
  fc.uint8Array({ maxLength: 300 }).map((noise) => Buffer.from(noise)),
  fc.string({ maxLength: 120 }).map((text) => bytes(`PROXY ${text}\r\n`)),
  fc.uint8Array({ maxLength: 300 }).map((noise) => Buffer.concat([SIGNATURE, Buffer.from([0x21]), noise])),
  fc.uint8Array({ maxLength: 80 }).map((noise) => rawV2(0x21, 0x11, Buffer.concat([IPV4, noise]))),
  fc.tuple(address, fc.constantFrom(1, 2), fc.nat(), fc.integer({ min: 0, max: 255 })).map(([source, v, at, byte]) => {
    const header = proxyHeader(v as 1 | 2, source, { extras: [[4, tlv(1, Buffer.alloc(3))]], checksum: true });
    header[at % header.length] = byte;
    return header;
  }),
);

test('property: any bytes are a header, no header, or not yet one; a name is an address in canonical form', () => {
  fc.assert(
    fc.property(anything, (given) => {
      let header: ReturnType<typeof parseProxyHeader>;
      try {
        header = parseProxyHeader(given);
      } catch (error) {
        assert.ok(error instanceof ProxyHeaderError, String(error));
        return;
      }
      if (header === undefined) return;
      assert.ok(header.length <= given.length);
      assert.equal(header.source !== undefined, header.kind === 'named');
      if (header.source !== undefined) assert.equal(canonicalAddress(header.source), header.source);
    }),
    { numRuns: 500 },
  );
});

test('property: what is refused stays refused whatever follows, and what is whole stays the same', () => {
  const outcome = (given: Buffer): unknown => {
    try {
      return parseProxyHeader(given);
    } catch {
      return 'refused';
    }
  };
  fc.assert(
    fc.property(anything, fc.uint8Array({ minLength: 1, maxLength: 40 }), (given, behind) => {
      const first = outcome(given);
      if (first !== undefined) assert.deepEqual(outcome(Buffer.concat([given, behind])), first);
    }),
  );
});
