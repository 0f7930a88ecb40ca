// Header hygiene on the wire, over both protocols: what ZITADEL receives of what a client says.
// Harm: one field that slips through lets a stranger choose instance, issuer, link host or audit address of somebody else.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ask, PROTOCOLS, type Protocol } from '../support/ask.ts';
import { startGateway } from '../support/gateway.ts';
import { served } from '../support/served.ts';

const { gateway, zitadel } = await served();

let asked = 0;

/** Asks for metadata with these fields; gives what ZITADEL received, as names with all their values. */
async function received(protocol: Protocol, fields: readonly (readonly [string, string])[], at = gateway) {
  asked += 1;
  // A route that no cache stands before.
  const target = `/saml/v2/metadata?ask=${asked}`;
  const outcome = await ask(at, { protocol, target, fields });
  assert.equal(outcome.status, 200);
  const record = await zitadel.waitFor((one) => one.target === target);
  const seen = new Map<string, string[]>();
  for (let i = 0; i < record.rawHeaders.length; i += 2) {
    const name = record.rawHeaders[i]!.toLowerCase();
    seen.set(name, [...(seen.get(name) ?? []), record.rawHeaders[i + 1]!]);
  }
  return { seen, record, ended: outcome.ended! };
}

/** Table of CVEs and of the rows that keep a client from speaking for others: title, names. */
const DROPPED: [why: string, names: string[]][] = [
  ['CVE-2025-67494 (GHSA-7wfc-4796-gmg5): unauthenticated SSRF in Login v2', ['x-zitadel-forward-host']],
  [
    'CVE-2023-49097 (GHSA-2wmj-46rj-qm2w): password reset links poisoned by the host',
    ['x-forwarded-host', 'forwarded', 'x-forwarded-port', 'x-forwarded-prefix'],
  ],
  ['GHSA-93m4-mfpg-c3xf: account takeover by a poisoned reset link', ['x-forwarded-host', 'forwarded']],
  ['CVE-2025-64101 (GHSA-mwmh-7px9-4c23): reset links from Forwarded', ['forwarded', 'x-forwarded-host']],
  [
    'GHSA-pfrf-9r5f-73f5: the same in Login v2',
    ['x-forwarded-host', 'x-zitadel-public-host', 'x-zitadel-forward-host'],
  ],
  ['CVE-2025-29927: Next.js told that its middleware has run', ['x-middleware-subrequest']],
  ['instance spoofing', ['x-zitadel-instance-host', 'x-zitadel-public-host', 'x-zitadel-forwarded']],
  ['steering the login', ['x-zitadel-login-client', 'x-zitadel-i18n-organization']],
  ['paths for somebody else', ['x-original-url', 'x-rewrite-url']],
  ['addresses for somebody else', ['x-real-ip', 'true-client-ip']],
  [
    'Grpc-Metadata-*, which the REST layer turns into any field',
    ['grpc-metadata-x-zitadel-instance-host', 'grpc-metadata-x-forwarded-for', 'grpc-metadata-authorization'],
  ],
  ['X-HTTP-Method-Override, which grpc-gateway honours', ['x-http-method-override']],
];

for (const protocol of PROTOCOLS) {
  for (const [why, names] of DROPPED) {
    test(`${protocol}: ${why}: ${names.join(', ')} of a client reaches nobody`, async () => {
      const { seen } = await received(
        protocol,
        names.map((name) => [name, 'host=evil.example']),
      );
      for (const name of names) assert.equal(seen.has(name), false, name);
    });
  }

  test(`${protocol}: a Content-Type that is none is the upstream's to judge`, async () => {
    const target = `/v2/users?nonsense-${protocol}`;
    await ask(gateway, { protocol, method: 'POST', target, fields: [['content-type', 'nonsense;;']], body: '{}' });
    const record = await zitadel.waitFor((one) => one.target === target);
    const at = record.rawHeaders.findIndex((name) => name.toLowerCase() === 'content-type');
    assert.equal(record.rawHeaders[at + 1], 'nonsense;;');
  });

  test(`${protocol}: #9106, #9149: X-Forwarded-For is replaced by the one true address, however often it was sent`, async () => {
    const { seen } = await received(protocol, [
      ['x-forwarded-for', '1.2.3.4'],
      ['x-forwarded-for', 'host=evil.example'],
    ]);
    assert.deepEqual(seen.get('x-forwarded-for'), ['127.0.0.1']);
  });

  test(`${protocol}: #9975: X-Forwarded-Proto says how the client came, not what it claims`, async () => {
    const { seen } = await received(protocol, [['x-forwarded-proto', 'http']]);
    assert.deepEqual(seen.get('x-forwarded-proto'), ['https']); // external_scheme of the listener
  });

  test(`${protocol}: X-Request-ID of a stranger is made anew, and the answer's record has the same`, async () => {
    const { seen, ended } = await received(protocol, [['x-request-id', 'mine']]);
    assert.deepEqual(seen.get('x-request-id'), [ended.exchange.id]);
    assert.notEqual(ended.exchange.id, 'mine');
  });

  test(`${protocol}: what ZITADEL needs arrives untouched and once`, async () => {
    const kept = [
      ['x-zitadel-orgid', '123'],
      ['authorization', 'Bearer  a.b-c'],
      ['cookie', 'a=1; b="2"'],
      ['origin', 'https://app.example'],
      ['accept-language', 'de-CH, en;q=0.5'],
      ['x-user-agent', 'grpc-web-javascript/0.1'],
      ['grpc-timeout', '10S'],
      ['x-my-bin', 'AAE='],
      ['range', 'bytes=0-9'],
      ['traceparent', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'],
    ] as const;
    const { seen } = await received(protocol, kept);
    for (const [name, value] of kept) assert.deepEqual(seen.get(name), [value], name);
  });

  test(`${protocol}: the authority arrives as it came, port and case included, and only once`, async () => {
    asked += 1;
    // A route that no cache stands before.
    const target = `/saml/v2/metadata?ask=${asked}`;
    await ask(gateway, { protocol, target, authority: 'Id.Example.com:8443' });
    const { rawHeaders } = await zitadel.waitFor((one) => one.target === target);
    const names = rawHeaders.filter((_, i) => i % 2 === 0);
    assert.equal(names.filter((name) => name === ':authority' || name === 'host').length, 1);
    assert.equal(rawHeaders[rawHeaders.indexOf(':authority') + 1], 'Id.Example.com:8443');
  });

  test(`${protocol}: traceparent, tracestate and baggage stay here where trace_context is drop`, async () => {
    await using closed = await startGateway({
      zitadel: `127.0.0.1:${zitadel.port}`,
      config: { trace_context: 'drop' },
    });
    const names = ['traceparent', 'tracestate', 'baggage'];
    const { seen } = await received(
      protocol,
      names.map((name) => [name, 'a=b']),
      closed,
    );
    for (const name of names) assert.equal(seen.has(name), false, name);
  });

  test(`${protocol}: Cookie in several pieces is whole again`, async () => {
    const { seen } = await received(protocol, [
      ['cookie', 'a=1'],
      ['x-between', '1'],
      ['cookie', 'b=2'],
    ]);
    assert.deepEqual(seen.get('cookie'), ['a=1; b=2']);
  });

  for (const name of ['authorization', 'content-type', 'origin', 'x-zitadel-orgid', 'grpc-timeout']) {
    test(`${protocol}: ${name} twice is refused: which of them counts would be up to each reader`, async () => {
      const { ended } = await ask(gateway, {
        protocol,
        target: '/oauth/v2/keys',
        fields: [
          [name, 'a/b'],
          ['x-between', '1'],
          [name, 'c/d'],
        ],
      });
      assert.equal(ended?.record.error?.code, 'BAD_HEADER');
      assert.equal(ended?.record.status, 400);
    });
  }

  test(`${protocol}: lists that Node sends in one line only are joined, RFC 9110 section 5.3`, async () => {
    const { seen } = await received(protocol, [
      ['if-none-match', '"a"'],
      ['x-between', '1'],
      ['if-none-match', '"b"'],
    ]);
    assert.deepEqual(seen.get('if-none-match'), ['"a", "b"']);
  });

  test(`${protocol}: X-Request-ID and the address that a trusted proxy names go on`, async () => {
    await using behind = await startGateway({
      zitadel: `127.0.0.1:${zitadel.port}`,
      config: { trusted_proxies: ['127.0.0.1/32'] },
    });
    const fields = [
      ['x-request-id', 'from-the-proxy'],
      ['x-forwarded-for', '9.9.9.9, 203.0.113.7'],
      ['x-forwarded-proto', 'http'],
      ['x-forwarded-host', 'evil.example'],
      ['forwarded', 'host=evil.example'],
    ] as const;
    const { seen } = await received(protocol, fields, behind);
    assert.deepEqual(seen.get('x-request-id'), ['from-the-proxy']);
    assert.deepEqual(seen.get('x-forwarded-for'), ['203.0.113.7']);
    assert.deepEqual(seen.get('x-forwarded-proto'), ['http']);
    assert.equal(seen.has('x-forwarded-host'), false);
    assert.equal(seen.has('forwarded'), false);
  });
}

test('http/1.1: hop-by-hop fields and what Connection names stay here', async () => {
  const { seen } = await received('http/1.1', [
    ['connection', 'keep-alive, X-Named'],
    ['x-named', '1'],
    ['keep-alive', 'timeout=5'],
    ['proxy-connection', 'keep-alive'],
    ['proxy-authorization', 'Basic eA=='],
    ['te', 'trailers'],
  ]);
  for (const name of ['connection', 'x-named', 'keep-alive', 'proxy-connection', 'proxy-authorization', 'te']) {
    assert.equal(seen.has(name), false, name);
  }
});

for (const protocol of PROTOCOLS) {
  test(`${protocol}: #8341: TE on a REST path stays here, so that the error is answered and does not hang`, async () => {
    const { status } = await ask(gateway, {
      protocol,
      method: 'POST',
      target: '/v2/sessions',
      fields: [
        ['te', 'trailers'],
        ['content-type', 'application/json'],
      ],
      body: '{}',
    });
    assert.equal(status, 401);
  });
}

for (const [type, sent] of [
  ['application/grpc', ['trailers']],
  ['application/grpc+proto', ['trailers']],
  ['application/grpc-web+proto', undefined],
] as const) {
  test(`h2: TE with ${type} is ${sent === undefined ? 'dropped' : 'exactly trailers'}`, async () => {
    const target = '/zitadel.admin.v1.AdminService/Healthz';
    const start = zitadel.requests.length;
    const fields = [
      ['content-type', type],
      ['te', 'trailers'],
    ] as const;
    await ask(gateway, { protocol: 'h2', method: 'POST', target, fields, body: '\0\0\0\0\0' });
    const { rawHeaders } = await zitadel.waitFor(
      (one) => zitadel.requests.indexOf(one) >= start && one.target === target,
    );
    const at = rawHeaders.indexOf('te');
    assert.deepEqual(at === -1 ? undefined : [rawHeaders[at + 1]], sent);
  });
}

for (const name of ['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade']) {
  test(`h2: ${name} makes a request malformed, RFC 9113 section 8.2.2`, async () => {
    const { status, ended } = await ask(gateway, {
      protocol: 'h2',
      target: '/oauth/v2/keys',
      fields: [[name, 'close']],
    });
    assert.equal(status, undefined);
    assert.equal(ended, undefined);
  });
}
