// What of a request's header goes on to ZITADEL: RFC 9110 section 7.6.1, and what a client may not say for somebody else.
// Harm: ZITADEL takes instance, issuer, client address and scheme from header fields; whoever can set them can take over
// accounts by poisoned links (CVE-2025-64101), reach inner hosts (CVE-2025-67494) or hide from audit (zitadel/zitadel#9106).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  addVary,
  answerFields,
  droppedBecause,
  fieldName,
  fieldValue,
  requestFields,
  trailerFields,
} from '../../src/core/headers.ts';
import type { Fields } from '../../src/core/raw.ts';

const SENT = {
  clientAddress: '203.0.113.7',
  scheme: 'https',
  requestId: 'id-1',
  grpc: false,
  internal: false,
  traceContext: true,
} as const;
const OURS = ['x-forwarded-for', '203.0.113.7', 'x-forwarded-proto', 'https', 'x-request-id', 'id-1'];

/** Fields that no client may say on a public listener. */
const SPOOFS = [
  'x-zitadel-instance-host',
  'x-zitadel-public-host',
  'x-zitadel-forwarded',
  'x-zitadel-forward-host',
  'x-zitadel-login-client',
  'x-zitadel-i18n-organization',
  'x-zitadel-anything-new',
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-forwarded-port',
  'x-forwarded-prefix',
  'x-real-ip',
  'x-original-url',
  'x-original-host',
  'x-rewrite-url',
  'x-http-method-override',
  'x-http-method',
  'x-method-override',
  'true-client-ip',
  'x-client-ip',
  'x-request-id',
  'grpc-metadata-authorization',
  'grpc-metadata-x-zitadel-instance-host',
  'grpc-metadata-x-forwarded-for',
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authorization',
  'proxy-anything',
  'proxy',
  'te',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
  'expect',
  'host',
  'x-middleware-subrequest',
];

const KEPT = [
  'x-zitadel-orgid',
  'authorization',
  'cookie',
  'origin',
  'referer',
  'accept-language',
  'user-agent',
  'x-user-agent',
  'x-grpc-web',
  'x-requested-with',
  'content-type',
  'grpc-timeout',
  'connect-timeout-ms',
  'connect-protocol-version',
  'grpc-encoding',
  'grpc-accept-encoding',
  'x-anything-bin',
  'accept-encoding',
  'if-none-match',
  'if-modified-since',
  'range',
  'next-action',
  'rsc',
];

for (const name of SPOOFS) {
  test(`${name} of a client does not go on`, () => {
    assert.deepEqual(requestFields({ ...SENT, fields: [name, 'x'] }), OURS);
  });
}

for (const name of KEPT) {
  test(`${name} goes on untouched`, () => {
    assert.deepEqual(requestFields({ ...SENT, fields: [name, ' odd  Value,1'] }), [name, ' odd  Value,1', ...OURS]);
  });
}

test('a name with underscores is read as with hyphens', () => {
  const fields = [
    'x_forwarded_host',
    'evil',
    'x_zitadel_instance_host',
    'evil',
    'grpc_metadata_x',
    'evil',
    'my_own',
    '1',
  ];
  assert.deepEqual(requestFields({ ...SENT, fields }), ['my_own', '1', ...OURS]);
});

test('what Connection names is dropped, in any case and over several lines', () => {
  const fields = [
    'connection',
    'X-One, keep-alive',
    'connection',
    ' x-TWO ',
    'x-one',
    '1',
    'x-two',
    '2',
    'x-three',
    '3',
  ];
  assert.deepEqual(requestFields({ ...SENT, fields }), ['x-three', '3', ...OURS]);
});

test('Connection cannot take away what the gateway sets, nor what framing and dialect were decided by', () => {
  const fields = [
    ...['connection', 'x-forwarded-for, x-forwarded-proto, x-request-id, content-type, content-length, te'],
    ...['content-type', 'application/grpc', 'content-length', '5'],
  ];
  assert.deepEqual(requestFields({ ...SENT, fields, grpc: true }), [
    ...['content-type', 'application/grpc', 'content-length', '5', 'te', 'trailers'],
    ...OURS,
  ]);
});

test('native gRPC gets exactly `te: trailers`, once, whatever the client sent', () => {
  for (const fields of [[], ['te', 'trailers'], ['te', 'gzip, trailers', 'te', 'deflate']]) {
    assert.deepEqual(requestFields({ ...SENT, fields, grpc: true }), ['te', 'trailers', ...OURS]);
  }
});

test('an internal listener keeps x-zitadel-* and X-Forwarded-* of its peers and adds only what is missing', () => {
  const fields = ['x-zitadel-instance-host', 'a', 'x-forwarded-host', 'b', 'x-forwarded-for', '198.51.100.1'];
  assert.deepEqual(requestFields({ ...SENT, fields, internal: true }), [
    ...fields,
    ...['x-forwarded-proto', 'https', 'x-request-id', 'id-1'],
  ]);
});

test('an internal listener keeps nothing else that is dropped elsewhere', () => {
  const keeps = (name: string): boolean => /^x-(?:zitadel|forwarded)-/.test(name);
  for (const name of SPOOFS.filter((one) => !keeps(one))) {
    assert.notEqual(droppedBecause(name, { internal: true, traceContext: true }), undefined, name);
  }
});

test('trace context goes on or is dropped, by config', () => {
  const fields = ['traceparent', '00-1-1-01', 'tracestate', 'a=b', 'baggage', 'c=d'];
  assert.deepEqual(requestFields({ ...SENT, fields }), [...fields, ...OURS]);
  assert.deepEqual(requestFields({ ...SENT, fields, traceContext: false }), OURS);
});

const name = fc.oneof(
  fc.constantFrom(...SPOOFS, ...KEPT, 'x_forwarded_for', 'x_zitadel_instance_host'),
  fc.stringMatching(/^[a-z][a-z0-9_-]{0,12}$/),
  fc.stringMatching(/^(?:x-forwarded|x-zitadel|grpc-metadata|proxy)-[a-z-]{0,8}$/),
);
const fieldsOf = fc
  .array(fc.tuple(name, fc.stringMatching(/^[!-~]{0,10}$/)), { maxLength: 30 })
  .map((pairs) => pairs.flat());
const pairsOf = (fields: Fields): string[] =>
  fields.flatMap((_, i) => (i % 2 === 0 ? [`${fields[i]}: ${fields[i + 1]}`] : []));

test('property: no spoofable name gets through, each field of ours is there once, the rest keeps its order', () => {
  fc.assert(
    fc.property(fieldsOf, fc.boolean(), (fields, grpc) => {
      const out = requestFields({ ...SENT, fields, grpc });
      const ours = out.slice(out.length - OURS.length);
      assert.deepEqual(ours, OURS);
      const end = out.length - OURS.length - (grpc ? 2 : 0);
      const passed = out.slice(0, end);
      for (let i = 0; i < passed.length; i += 2) {
        const spelled = passed[i]!.replaceAll('_', '-');
        assert.ok(!SPOOFS.includes(spelled), spelled);
        assert.ok(!/^(?:x-forwarded|grpc-metadata|proxy)-/.test(spelled), spelled);
        assert.ok(!spelled.startsWith('x-zitadel-') || spelled === 'x-zitadel-orgid', spelled);
      }
      // A subsequence of what came: nothing is made up, nothing changes places.
      const came = pairsOf(fields);
      let at = 0;
      for (const one of pairsOf(passed)) {
        at = came.indexOf(one, at);
        assert.notEqual(at, -1, one);
        at += 1;
      }
    }),
  );
});

test('property: verdicts do not depend on what was asked before, however many names there were', () => {
  fc.assert(
    fc.property(fc.array(fc.stringMatching(/^x-[a-z0-9]{8}$/), { minLength: 50, maxLength: 50 }), (names) => {
      const fields = names.flatMap((one) => [one, '1']);
      assert.deepEqual(requestFields({ ...SENT, fields }), [...fields, ...OURS]);
    }),
  );
});

test('an answer loses pseudo-headers, hop-by-hop fields and what its Connection names, and keeps the rest in order', () => {
  const fields = [
    ...[
      ':status',
      '200',
      'connection',
      'x-hop',
      'x-hop',
      '1',
      'keep-alive',
      'timeout=5',
      'transfer-encoding',
      'chunked',
    ],
    ...[
      'upgrade',
      'h2c',
      'proxy-authenticate',
      'Basic',
      'set-cookie',
      'a=1',
      'x-zitadel-forwarded',
      'kept',
      'set-cookie',
      'b=2',
    ],
  ];
  assert.deepEqual(answerFields(fields), ['set-cookie', 'a=1', 'x-zitadel-forwarded', 'kept', 'set-cookie', 'b=2']);
});

test('trailers lose what has no place there, and none is undefined', () => {
  assert.deepEqual(
    trailerFields(['grpc-status', '0', 'content-length', '3', 'transfer-encoding', 'x', ':status', '1']),
    ['grpc-status', '0'],
  );
  assert.equal(trailerFields(['host', 'a']), undefined);
  const forged = ['client-cert', 'client_cert', 'client-cert-chain', 'x-client-cert-subject', 'x_client_cert-san'];
  assert.equal(trailerFields(forged.flatMap((name) => [name, 'CN=forged'])), undefined);
  assert.deepEqual(trailerFields(['client-certainty', '1']), ['client-certainty', '1']);
  assert.equal(trailerFields([]), undefined);
  assert.equal(trailerFields(undefined), undefined);
});

test('names and values that an operator writes are checked as HTTP/2 wants them', () => {
  assert.ok(fieldName('x-a_b.c'));
  for (const bad of ['', 'X-A', 'a b', 'a:b', ':a', 'a\n', 'ä']) assert.ok(!fieldName(bad), bad);
  assert.ok(fieldValue('a b\tc'));
  for (const bad of [' a', 'a ', 'a\r\nb', 'a\0']) assert.ok(!fieldValue(bad), JSON.stringify(bad));
});

test('Vary gets a name once, whatever its case and however many fields there are, and `*` says it all', () => {
  const varied = (...values: string[]): Fields => {
    const fields = ['etag', '"1"', ...values.flatMap((value) => ['vary', value])];
    addVary(fields, 'accept-encoding');
    return fields.slice(2);
  };
  assert.deepEqual(varied(), ['vary', 'accept-encoding']);
  assert.deepEqual(varied(''), ['vary', 'accept-encoding']);
  assert.deepEqual(varied('Origin'), ['vary', 'Origin, accept-encoding']);
  assert.deepEqual(varied('Origin', 'Cookie'), ['vary', 'Origin, Cookie, accept-encoding']);
  assert.deepEqual(varied('Origin', 'Accept-Encoding'), ['vary', 'Origin', 'vary', 'Accept-Encoding']);
  assert.deepEqual(varied('Cookie,ACCEPT-ENCODING ,x'), ['vary', 'Cookie,ACCEPT-ENCODING ,x']);
  assert.deepEqual(varied('*'), ['vary', '*']);
  assert.deepEqual(varied('x-accept-encoding'), ['vary', 'x-accept-encoding, accept-encoding']);
});
