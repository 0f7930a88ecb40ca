// Who the client is: the socket's other end, or what trusted proxies say of it. RFC 7239, and X-Forwarded-For by practice.
// Harm: every limit, ban and audit event is by this address; a client that chooses it escapes them or blames others.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import ipaddr from 'ipaddr.js';
import type { GatewayError } from '../../src/core/errors.ts';
import type { Connection, Fields } from '../../src/core/raw.ts';
import {
  canonicalAddress,
  clientAddresses,
  Networks,
  type UntrustedReason,
} from '../../src/transport/client-address.ts';

interface Case {
  readonly peer?: string;
  readonly fields?: Fields;
  readonly proxies?: readonly string[];
  readonly listener?: string;
  readonly told?: UntrustedReason[];
}

let connections = 0;
function connectionFrom(peerAddress: string, listener = 'public'): Connection {
  connections += 1;
  return { id: connections, peerAddress, listener, tlsVersion: undefined, serverName: undefined };
}

function make({ proxies = ['10.0.0.0/8', 'fd00::/8'], told = [] }: Case = {}) {
  return clientAddresses({
    trustedProxies: proxies,
    listeners: new Map([
      ['public', { internal: false, externalScheme: 'https' }],
      ['inside', { internal: true, externalScheme: 'http' }],
    ]),
    onUntrusted: (_connection, reason) => told.push(reason),
  });
}

function client(given: Case) {
  return make(given)(connectionFrom(given.peer ?? '10.0.0.1', given.listener), given.fields ?? []);
}

test('without trusted proxies the client is the socket, whatever headers say', () => {
  const fields = ['x-forwarded-for', '1.2.3.4', 'forwarded', 'for=1.2.3.4;proto=http', 'x-forwarded-proto', 'http'];
  assert.deepEqual(client({ peer: '203.0.113.7', fields, proxies: [] }), {
    address: '203.0.113.7',
    trustedPeer: false,
    mayBeProxy: true, // it may be a load balancer that nobody listed
    internal: false,
    scheme: 'https',
  });
});

test('an unlisted private peer may be a proxy, whatever it sends; a public one that forwards nothing is none', () => {
  for (const [peer, may] of [
    ['10.0.0.7', true],
    ['100.64.0.7', true],
    ['fd00::7', true],
    ['203.0.113.7', false],
    ['2001:db8::7', false],
    ['127.0.0.1', false],
  ] as const)
    assert.equal(client({ peer, fields: [], proxies: [] }).mayBeProxy, may, peer);
});

test('attack: a client that says of itself that it is a proxy is none where proxies are listed', () => {
  const fields = ['x-forwarded-for', '1.2.3.4'];
  assert.equal(client({ peer: '203.0.113.7', fields, proxies: ['198.51.100.1'] }).mayBeProxy, false);
});

test('attack: once a client has come to a listener directly, no public peer there is a proxy any more', () => {
  const address = make({ proxies: [] });
  const forwards = ['x-forwarded-for', '1.2.3.4'];
  assert.equal(address(connectionFrom('203.0.113.7'), forwards).mayBeProxy, true, 'the only peer so far');
  assert.equal(address(connectionFrom('198.51.100.1'), []).mayBeProxy, false);
  assert.equal(address(connectionFrom('203.0.113.7'), forwards).mayBeProxy, false);
  assert.equal(address(connectionFrom('10.0.0.7'), forwards).mayBeProxy, true, 'a private peer still may be');
});

const WALKS: [title: string, given: Case, address: string][] = [
  ['the one hop of a trusted proxy', { fields: ['x-forwarded-for', '1.2.3.4'] }, '1.2.3.4'],
  [
    'the rightmost hop that is no proxy, not the leftmost',
    { fields: ['x-forwarded-for', '6.6.6.6, 1.2.3.4'] },
    '1.2.3.4',
  ],
  [
    'trusted proxies to the right are passed over',
    { fields: ['x-forwarded-for', '1.2.3.4, 10.1.1.1, 10.2.2.2'] },
    '1.2.3.4',
  ],
  ['where all hops are trusted, the leftmost', { fields: ['x-forwarded-for', '10.3.3.3,10.1.1.1'] }, '10.3.3.3'],
  [
    'several lines are one list',
    { fields: ['x-forwarded-for', '1.2.3.4', 'x-a', 'b', 'x-forwarded-for', '10.1.1.1'] },
    '1.2.3.4',
  ],
  ['no header: the proxy itself', { fields: [] }, '10.0.0.1'],
  ['an empty header: the proxy itself', { fields: ['x-forwarded-for', ' , '] }, '10.0.0.1'],
  ['IPv4 with a port', { fields: ['x-forwarded-for', '1.2.3.4:5678'] }, '1.2.3.4'],
  ['IPv6', { fields: ['x-forwarded-for', '2001:DB8::0001'] }, '2001:db8::1'],
  ['IPv6 in brackets', { fields: ['x-forwarded-for', '[2001:db8::1]'] }, '2001:db8::1'],
  ['IPv6 in brackets with a port', { fields: ['x-forwarded-for', '[2001:db8::1]:443'] }, '2001:db8::1'],
  ['IPv4-mapped IPv6 is IPv4', { fields: ['x-forwarded-for', '::ffff:1.2.3.4'] }, '1.2.3.4'],
  ['IPv4-mapped IPv6 in hex is IPv4', { fields: ['x-forwarded-for', '::FFFF:102:304'] }, '1.2.3.4'],
  ['a zone is no part of the address', { fields: ['x-forwarded-for', 'fe80::1%eth0'] }, 'fe80::1'],
  ['a proxy by IPv6', { peer: 'fd00::5', fields: ['x-forwarded-for', '2001:db8::9, fd00::6'] }, '2001:db8::9'],
  ['Forwarded where there is no X-Forwarded-For', { fields: ['forwarded', 'for=1.2.3.4;proto=https'] }, '1.2.3.4'],
  [
    'X-Forwarded-For before Forwarded',
    { fields: ['forwarded', 'for=6.6.6.6', 'x-forwarded-for', '1.2.3.4'] },
    '1.2.3.4',
  ],
  [
    'Forwarded with quotes, case, ports and several elements',
    { fields: ['forwarded', 'For="[2001:db8::1]:4711";by=10.0.0.1, FOR=10.1.1.1'] },
    '2001:db8::1',
  ],
  [
    'a comma in a quoted value of Forwarded ends no element',
    { fields: ['forwarded', 'for=1.2.3.4;host="a, for=6.6.6.6"'] },
    '1.2.3.4',
  ],
  [
    'an unknown hop: nobody left of it can be known',
    { fields: ['x-forwarded-for', '6.6.6.6, unknown, 10.1.1.1'] },
    '10.1.1.1',
  ],
  ['an obfuscated hop of RFC 7239 likewise', { fields: ['forwarded', 'for=6.6.6.6, for=_hidden'] }, '10.0.0.1'],
];
for (const [title, given, address] of WALKS) {
  test(title, () => assert.equal(client(given).address, address));
}

for (const garbage of [
  ...['evil', 'host=evil.example', '1.2.3', '1.2.3.4.5', '256.1.1.1', '01.2.3.4', '1.2.3.4:999999', '1.2.3.4%eth0'],
  ...['[1.2.3.4]', '[2001:db8::1', '2001:db8::1]', '::g', '"1.2.3.4"', '1.2.3.4;x', '<script>'],
]) {
  test(`${garbage} as the nearest hop of a trusted proxy is refused`, () => {
    assert.throws(() => client({ fields: ['x-forwarded-for', `1.2.3.4, ${garbage}`] }), {
      code: 'BAD_FORWARDED',
    } as Partial<GatewayError>);
  });
  test(`${garbage} from a stranger is ignored`, () => {
    assert.equal(client({ peer: '203.0.113.7', fields: ['x-forwarded-for', garbage] }).address, '203.0.113.7');
  });
}

test('garbage left of the client is of no interest', () => {
  assert.equal(client({ fields: ['x-forwarded-for', 'evil, 1.2.3.4'] }).address, '1.2.3.4');
});

test('Forwarded that does not parse is refused, from a trusted proxy only', () => {
  for (const forwarded of ['for="1.2.3.4', 'for', 'for=1.2.3.4,,', 'for = 1.2.3.4', '=1.2.3.4']) {
    assert.throws(() => client({ fields: ['forwarded', forwarded] }), {
      code: 'BAD_FORWARDED',
    } as Partial<GatewayError>);
    assert.equal(client({ peer: '203.0.113.7', fields: ['forwarded', forwarded] }).address, '203.0.113.7');
  }
});

const SCHEMES: [title: string, fields: Fields, scheme: string][] = [
  ['a trusted proxy says the scheme', ['x-forwarded-proto', 'http'], 'http'],
  ['in any case', ['x-forwarded-proto', 'HTTP'], 'http'],
  ['Forwarded proto where there is no X-Forwarded-Proto', ['forwarded', 'proto=http'], 'http'],
  ['X-Forwarded-For with Forwarded proto', ['x-forwarded-for', '1.2.3.4', 'forwarded', 'proto=http'], 'http'],
  ['other schemes are no answer: the listener says it', ['x-forwarded-proto', 'gopher'], 'https'],
  ['nothing: the listener says it', [], 'https'],
  [
    'of several, the one of the hop that is the client',
    ['x-forwarded-for', '1.2.3.4, 10.1.1.1', 'x-forwarded-proto', 'http, https'],
    'http',
  ],
  [
    'a client cannot put one before it',
    ['x-forwarded-for', '6.6.6.6, 1.2.3.4', 'x-forwarded-proto', 'https, http'],
    'http',
  ],
];
for (const [title, fields, scheme] of SCHEMES) {
  test(`scheme: ${title}`, () => assert.equal(client({ fields }).scheme, scheme));
}

test('the scheme of a stranger is that of the listener', () => {
  assert.equal(client({ peer: '203.0.113.7', fields: ['x-forwarded-proto', 'http'] }).scheme, 'https');
});

test('peers of an internal listener are believed', () => {
  const fields = ['x-forwarded-for', '1.2.3.4', 'x-forwarded-proto', 'https'];
  assert.deepEqual(client({ peer: '172.16.0.9', listener: 'inside', fields, proxies: [] }), {
    address: '1.2.3.4',
    trustedPeer: true,
    mayBeProxy: false,
    internal: false,
    scheme: 'https',
  });
});

test('a peer that looks like an unlisted proxy is told once for each reason and listener', () => {
  const told: UntrustedReason[] = [];
  const find = make({ proxies: [], told });
  for (const peer of ['192.168.1.1', '100.64.0.9', 'fd12::1', '192.168.1.2']) find(connectionFrom(peer), []);
  assert.deepEqual(told, ['private_peer']);
  for (const name of ['x-forwarded-for', 'forwarded', 'x-forwarded-for'])
    find(connectionFrom('203.0.113.7'), [name, 'x']);
  assert.deepEqual(told, ['private_peer', 'forwarding_headers']);
});

test('a listed proxy, an internal peer and a public client without such headers are not told of', () => {
  const told: UntrustedReason[] = [];
  const find = make({ told });
  find(connectionFrom('10.0.0.1'), ['x-forwarded-for', '1.2.3.4']);
  find(connectionFrom('192.168.0.1', 'inside'), ['x-forwarded-for', '1.2.3.4']);
  find(connectionFrom('203.0.113.7'), []);
  assert.deepEqual(told, []);
});

const ipv4 = fc.ipV4();
/** Without the form `::1.2.3.4`, which ipaddr.js 2.5.0 reads as IPv4-mapped. */
const ipv6 = fc.ipV6().filter((text) => !text.includes('.'));
const isTrusted = (address: string): boolean => new Networks(['10.0.0.0/8', 'fd00::/8']).has(address);

for (const [family, arbitrary] of [
  ['IPv4', ipv4],
  ['IPv6', ipv6],
] as const) {
  test(`property: ${family}: the client is never left of a hop that is no trusted proxy`, () => {
    const trusted = family === 'IPv4' ? ['10.0.0.2', '10.9.9.9'] : ['fd00::2', 'fd12:3::4'];
    const hop = fc.oneof(arbitrary, fc.constantFrom(...trusted));
    fc.assert(
      fc.property(fc.array(hop, { minLength: 1, maxLength: 6 }), (hops) => {
        const { address } = client({ fields: ['x-forwarded-for', hops.join(', ')] });
        const canonical = hops.map((one) => canonicalAddress(one)!);
        const expected = canonical.findLast((one) => !isTrusted(one)) ?? canonical[0];
        assert.equal(address, expected);
      }),
    );
  });

  test(`property: ${family}: what stands left of the client changes nothing`, () => {
    fc.assert(
      fc.property(fc.string(), arbitrary, (left, address) => {
        const real = canonicalAddress(address)!;
        if (isTrusted(real)) return;
        const found = client({ fields: ['x-forwarded-for', `${left}, ${address}`] });
        assert.equal(found.address, real);
      }),
    );
  });
}

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
