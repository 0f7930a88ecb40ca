// Who the client is: the socket's other end, or what trusted proxies say of it. RFC 7239, and X-Forwarded-For by practice.
// Harm: every limit, ban and audit event is by this address; a client that chooses it escapes them or blames others.
import assert from 'node:assert/strict';
import { isIP } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { canonicalAddress } from '../../src/core/address.ts';
import type { GatewayError } from '../../src/core/errors.ts';
import { joinedField, listMembers } from '../../src/core/headers.ts';
import { Networks } from '../../src/core/networks.ts';
import type { Connection, Fields } from '../../src/core/raw.ts';
import { type ClientAddressSource, clientAddresses, type UntrustedReason } from '../../src/transport/client-address.ts';

const BAD_FORWARDED = { code: 'BAD_FORWARDED' } as Partial<GatewayError>;

interface Case {
  readonly peer?: string;
  readonly fields?: Fields;
  readonly proxies?: readonly string[];
  readonly listener?: string;
  readonly told?: UntrustedReason[];
  readonly from?: ClientAddressSource['from'];
  readonly unknown?: true;
}

let connections = 0;
function connectionFrom(peerAddress: string, listener = 'public', sourceUnknown?: true): Connection {
  connections += 1;
  return { id: connections, peerAddress, listener, tlsVersion: undefined, serverName: undefined, sourceUnknown };
}

function make({ proxies = ['10.0.0.0/8', 'fd00::/8'], told = [], from = 'x-forwarded-for' }: Case = {}) {
  return clientAddresses({
    trustedProxies: proxies,
    source: { from, ...(from === 'header' && { header: 'cf-connecting-ip' }) },
    listeners: new Map([
      ['public', { internal: false, externalScheme: 'https' }],
      ['inside', { internal: true, externalScheme: 'http' }],
    ]),
    onUntrusted: (_connection, reason) => told.push(reason),
  });
}

function client(given: Case) {
  return make(given)(connectionFrom(given.peer ?? '10.0.0.1', given.listener, given.unknown), given.fields ?? []);
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
  [
    'Forwarded is not looked at unless configured',
    { fields: ['forwarded', 'for=1.2.3.4', 'x-forwarded-for', '5.6.7.8'] },
    '5.6.7.8',
  ],
  ['nor where it comes alone: the proxy itself', { fields: ['forwarded', 'for=1.2.3.4;proto=https'] }, '10.0.0.1'],
  [
    'Forwarded where it is configured',
    { from: 'forwarded', fields: ['forwarded', 'for=1.2.3.4;proto=https'] },
    '1.2.3.4',
  ],
  ['Forwarded that ends with a semicolon', { from: 'forwarded', fields: ['forwarded', 'for=1.2.3.4;'] }, '1.2.3.4'],
  [
    'Forwarded: the rightmost hop that is no proxy',
    { from: 'forwarded', fields: ['forwarded', 'for=6.6.6.6, for=1.2.3.4, for=10.1.1.1'] },
    '1.2.3.4',
  ],
  [
    'Forwarded in several lines',
    { from: 'forwarded', fields: ['forwarded', 'for=1.2.3.4', 'forwarded', 'for=10.1.1.1'] },
    '1.2.3.4',
  ],
  ['Forwarded: an empty one is none', { from: 'forwarded', fields: ['forwarded', ''] }, '10.0.0.1'],
  [
    'Forwarded only where it is configured',
    { from: 'forwarded', fields: ['forwarded', 'for=1.2.3.4', 'x-forwarded-for', '6.6.6.6'] },
    '1.2.3.4',
  ],
  [
    'Forwarded with quotes, case, ports and several elements',
    { from: 'forwarded', fields: ['forwarded', 'For="[2001:db8::1]:4711";by=10.0.0.1, FOR=10.1.1.1'] },
    '2001:db8::1',
  ],
  [
    'a comma in a quoted value of Forwarded ends no element',
    { from: 'forwarded', fields: ['forwarded', 'for=1.2.3.4;host="a, for=6.6.6.6"'] },
    '1.2.3.4',
  ],
  [
    'an unknown hop: nobody left of it can be known',
    { fields: ['x-forwarded-for', '6.6.6.6, unknown, 10.1.1.1'] },
    '10.1.1.1',
  ],
  [
    'an obfuscated hop of RFC 7239 likewise',
    { from: 'forwarded', fields: ['forwarded', 'for=6.6.6.6, for=_hidden'] },
    '10.0.0.1',
  ],
  [
    'attack: a hop without for does not move what the client wrote into its place',
    { from: 'forwarded', fields: ['forwarded', 'for=6.6.6.6, proto=https;by=10.0.0.1'] },
    '10.0.0.1',
  ],
  [
    'attack: X-Forwarded-For where Forwarded is configured',
    { from: 'forwarded', fields: ['x-forwarded-for', '6.6.6.6'] },
    '10.0.0.1',
  ],
  ['the header of a CDN', { from: 'header', fields: ['cf-connecting-ip', '2001:DB8::1'] }, '2001:db8::1'],
  ['the header of a CDN, IPv4-mapped', { from: 'header', fields: ['cf-connecting-ip', '::ffff:1.2.3.4'] }, '1.2.3.4'],
  [
    'the header of a CDN with a port',
    { from: 'header', fields: ['cf-connecting-ip', '[2001:db8::1]:4711'] },
    '2001:db8::1',
  ],
  [
    'the header of a CDN that names a trusted proxy',
    { from: 'header', fields: ['cf-connecting-ip', '10.7.7.7'] },
    '10.7.7.7',
  ],
  ['no header of the CDN: not the client of a CDN, so the peer', { from: 'header', fields: [] }, '10.0.0.1'],
  [
    'attack: X-Forwarded-For and Forwarded where a header is configured',
    { from: 'header', fields: ['x-forwarded-for', '6.6.6.6', 'forwarded', 'for=6.6.6.6'] },
    '10.0.0.1',
  ],
  [
    'attack: a client that goes round the CDN and sends its header itself',
    { from: 'header', peer: '203.0.113.7', fields: ['cf-connecting-ip', '6.6.6.6'] },
    '203.0.113.7',
  ],
  [
    'attack: behind a load balancer that cannot say whose connection it is, nothing is believed',
    { unknown: true, fields: ['x-forwarded-for', '6.6.6.6'] },
    '10.0.0.1',
  ],
  [
    'an internal listener takes X-Forwarded-For, as the gateway wrote it, whatever the CDN does',
    {
      from: 'header',
      listener: 'inside',
      peer: '172.16.0.9',
      fields: ['x-forwarded-for', '1.2.3.4', 'cf-connecting-ip', '6.6.6.6'],
    },
    '1.2.3.4',
  ],
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
  for (const forwarded of [
    'for="1.2.3.4',
    'for',
    'for=1.2.3.4,,',
    'for = 1.2.3.4',
    '=1.2.3.4',
    'for=1.2.3.4;for=6.6.6.6',
  ]) {
    const given = { from: 'forwarded', fields: ['forwarded', forwarded] } as const;
    assert.throws(() => client({ ...given, fields: [...given.fields] }), BAD_FORWARDED, forwarded);
    assert.equal(client({ ...given, fields: [...given.fields], peer: '203.0.113.7' }).address, '203.0.113.7');
  }
});

test('attack: two headers of a CDN, or two addresses in one, are refused: which is true cannot be known', () => {
  for (const fields of [
    ['cf-connecting-ip', '6.6.6.6', 'cf-connecting-ip', '1.2.3.4'],
    ...['6.6.6.6, 1.2.3.4', '6.6.6.6 1.2.3.4', '', 'unknown', '_hidden', '<script>', '1.2.3', 'for=1.2.3.4'].map(
      (value) => ['cf-connecting-ip', value],
    ),
  ]) {
    assert.throws(() => client({ from: 'header', fields }), BAD_FORWARDED, fields.join(' '));
    assert.equal(client({ from: 'header', fields, peer: '203.0.113.7' }).address, '203.0.113.7');
  }
});

test('a load balancer that cannot say whose connection it is makes nobody trusted, and nobody a proxy', () => {
  for (const fields of [[], ['x-forwarded-for', '6.6.6.6', 'x-forwarded-proto', 'http']]) {
    for (const proxies of [['10.0.0.0/8'], []]) {
      assert.deepEqual(client({ unknown: true, fields, proxies }), {
        ...{ address: '10.0.0.1', trustedPeer: false, mayBeProxy: false, internal: false, scheme: 'https' },
      });
    }
  }
});

test('attack: a client cannot switch the limits by its address off with the header of a CDN, once one came directly', () => {
  const address = make({ proxies: [], from: 'header' });
  const forwards = ['cf-connecting-ip', '1.2.3.4'];
  assert.equal(address(connectionFrom('203.0.113.7'), forwards).mayBeProxy, true, 'the only peer so far');
  assert.equal(address(connectionFrom('2001:db8::7'), []).mayBeProxy, false);
  assert.equal(address(connectionFrom('203.0.113.7'), forwards).mayBeProxy, false);
});

test('where proxies are listed, private peers that are not among them may be proxies, and no other ones', () => {
  const proxies = ['10.0.0.0/8'];
  const fields = ['x-forwarded-for', '1.2.3.4'];
  assert.equal(client({ peer: '10.0.0.7', fields, proxies }).mayBeProxy, false);
  assert.equal(client({ peer: '192.168.0.7', fields, proxies }).mayBeProxy, true);
  assert.equal(client({ peer: 'fd00::7', fields, proxies }).mayBeProxy, true);
  assert.equal(client({ peer: '2001:db8::7', fields, proxies }).mayBeProxy, false);
  assert.equal(client({ peer: '192.168.0.7', fields, proxies, listener: 'inside' }).mayBeProxy, false);
});

const SCHEMES: [title: string, fields: Fields, scheme: string, from?: ClientAddressSource['from']][] = [
  ['a trusted proxy says the scheme', ['x-forwarded-proto', 'http'], 'http'],
  ['in any case', ['x-forwarded-proto', 'HTTP'], 'http'],
  ['Forwarded proto is not looked at unless configured', ['forwarded', 'proto=http'], 'https'],
  [
    'Forwarded proto where it is configured',
    ['forwarded', 'proto=http', 'x-forwarded-proto', 'https'],
    'http',
    'forwarded',
  ],
  ['X-Forwarded-Proto is not looked at then', ['x-forwarded-proto', 'http'], 'https', 'forwarded'],
  [
    'Forwarded: the one of the hop that is the client',
    ['forwarded', 'for=6.6.6.6;proto=https, for=1.2.3.4;proto=http, for=10.1.1.1;proto=https'],
    'http',
    'forwarded',
  ],
  [
    'Forwarded: where that hop has none, the nearest to it',
    ['forwarded', 'for=6.6.6.6;proto=https, for=1.2.3.4, for=10.1.1.1;proto=http'],
    'http',
    'forwarded',
  ],
  [
    'attack: Forwarded: never one left of the client',
    ['forwarded', 'for=6.6.6.6;proto=http, for=1.2.3.4'],
    'https',
    'forwarded',
  ],
  [
    'X-Forwarded-Proto with the header of a CDN',
    ['cf-connecting-ip', '1.2.3.4', 'x-forwarded-proto', 'http'],
    'http',
    'header',
  ],
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
for (const [title, fields, scheme, from] of SCHEMES) {
  test(`scheme: ${title}`, () => assert.equal(client({ fields, ...(from && { from }) }).scheme, scheme));
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
const ipv6 = fc.ipV6();
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

for (const from of ['x-forwarded-for', 'forwarded', 'header'] as const) {
  const name = from === 'header' ? 'cf-connecting-ip' : from;
  const text = fc.oneof(
    fc.string({ maxLength: 60 }),
    fc.string({ unit: 'binary', maxLength: 60 }),
    fc
      .array(
        fc.oneof(ipv4, ipv6, fc.constantFrom('for=', 'proto=', '"', '[', ']', ':1', ', ', ';', 'unknown', '::ffff:')),
      )
      .map((all) => all.join('')),
  );
  test(`property: ${from}: whatever comes, a stranger is the client itself, and a proxy names an address or is refused`, () => {
    fc.assert(
      fc.property(fc.array(text, { maxLength: 3 }), (values) => {
        const fields = values.flatMap((value) => [name, value]);
        assert.equal(client({ from, fields, peer: '2001:db8::7' }).address, '2001:db8::7');
        let address: string;
        try {
          address = client({ from, fields }).address;
        } catch (error) {
          assert.equal((error as GatewayError).code, 'BAD_FORWARDED');
          return;
        }
        assert.equal(canonicalAddress(address), address);
        assert.doesNotMatch(address, /^::ffff:\d+\./);
      }),
    );
  });

  test(`property: ${from}: headers that are not configured change nothing`, () => {
    const others = ['x-forwarded-for', 'forwarded', 'cf-connecting-ip', 'x-real-ip'].filter((one) => one !== name);
    fc.assert(
      fc.property(fc.constantFrom(...others), fc.oneof(text, ipv4, ipv6), (other, value) => {
        const said = from === 'forwarded' ? 'for=1.2.3.4' : '1.2.3.4';
        assert.equal(client({ from, fields: [other, value, name, said] }).address, '1.2.3.4');
        assert.equal(client({ from, fields: [other, value] }).address, '10.0.0.1');
      }),
    );
  });
}

/** What is done from the right and as far as need be, done with all members and hops; throws where it is refused. */
function model(fields: Fields): { address: string; scheme: string } {
  const members = (name: string): string[] => listMembers(joinedField(fields, name) ?? '');
  const hops = members('x-forwarded-for').map((text) => {
    const bracketed = /^\[([^\]]+)\](?::\d{1,5})?$/.exec(text)?.[1];
    if (bracketed !== undefined) return isIP(bracketed) === 6 ? canonicalAddress(bracketed) : undefined;
    if (/^(?:unknown|_[\w.-]+)(?::[\w.-]+)?$/i.test(text)) return 'hidden';
    return canonicalAddress(/^([\d.]+):\d{1,5}$/.exec(text)?.[1] ?? text);
  });
  const protos = members('x-forwarded-proto');
  let found = { address: '10.0.0.1', fromRight: 0 };
  for (let i = hops.length - 1; i >= 0; i -= 1) {
    const address = hops[i];
    if (address === undefined) throw new Error(`not an address in hop ${i + 1}`);
    if (address === 'hidden') break;
    found = { address, fromRight: hops.length - 1 - i };
    if (!isTrusted(address)) break;
  }
  const named = protos[Math.max(0, protos.length - 1 - found.fromRight)]?.toLowerCase();
  return { address: found.address, scheme: named === 'http' || named === 'https' ? named : 'https' };
}

test('property: X-Forwarded-For and -Proto mean what they mean where each member is looked at', () => {
  const hop = fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom('10.0.0.2', 'fd00::2', '10.7.7.7:80', '[fd00::2]:443', '::ffff:10.0.0.9') },
    { weight: 2, arbitrary: fc.oneof(ipv4, ipv6) },
    fc.constantFrom(
      '',
      ' ',
      '\t',
      'unknown',
      'Unknown:4',
      '_x.y',
      '_',
      '_x:y:z',
      '[1.2.3.4]',
      '[::1]:',
      'fe80::1%eth0',
    ),
    fc.constantFrom('1.2.3.4:', ':80', '1.2.3.4:123456', '2001:DB8::0001', 'fe80::1%[x]:80', '\u00a01.2.3.4', '1.2.3'),
    fc.string({ maxLength: 8 }),
  );
  const padded = (one: fc.Arbitrary<string>) =>
    fc.tuple(fc.constantFrom('', ' ', '\t '), one, fc.constantFrom('', ' ')).map((parts) => parts.join(''));
  const line = (name: string, member: fc.Arbitrary<string>) =>
    fc.array(padded(member), { maxLength: 6 }).map((members) => [name, members.join(',')]);
  const lines = fc.array(
    fc.oneof(
      line('x-forwarded-for', hop),
      line('x-forwarded-proto', fc.constantFrom('http', 'https', 'HTTP', 'ws', '')),
      fc.constant(['x-other', '1.2.3.4, http']),
    ),
    { maxLength: 5 },
  );
  fc.assert(
    fc.property(lines, (all) => {
      const fields = all.flat();
      let expected: ReturnType<typeof model>;
      try {
        expected = model(fields);
      } catch (error) {
        assert.throws(() => client({ fields }), { ...BAD_FORWARDED, detail: (error as Error).message });
        return;
      }
      const { address, scheme } = client({ fields });
      assert.deepEqual({ address, scheme }, expected);
    }),
    { numRuns: 2000 },
  );
});
