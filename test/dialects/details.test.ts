// Error details are encoded by hand. Read here with @bufbuild/protobuf, which knows the wire format from elsewhere.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create, fromBinary, toBinary, toJson } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { GatewayError } from '../../src/core/errors.ts';
import { detailsOf, retryInfo, rpcStatus, unpaddedBase64 } from '../../src/dialects/details.ts';
import { RetryInfoDesc, registry, StatusDesc } from './google-rpc.ts';

test('RetryInfo has the bytes that protobuf makes of it, whatever the delay', () => {
  for (const [ms, json] of [
    [0, '0s'],
    [1, '0.001s'],
    [999, '0.999s'],
    [1000, '1s'],
    [7250, '7.250s'],
    [86_400_000, '86400s'],
    [2 ** 40, '1099511627.776s'],
  ] as const) {
    const bytes = retryInfo(ms);
    const decoded = fromBinary(RetryInfoDesc, bytes);
    assert.deepEqual(toJson(RetryInfoDesc, decoded), { retryDelay: json });
    assert.deepEqual(Buffer.from(toBinary(RetryInfoDesc, decoded)), bytes, 'written again it is the same');
  }
});

test('Status has the bytes that protobuf makes of it, with text beyond ASCII and lengths beyond one byte', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 2 ** 31 - 1 }),
      fc.string({ unit: 'grapheme', maxLength: 400 }),
      fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 3 }),
      (code, message, values) => {
        const details = values.map((value) => ({ type: 'google.rpc.RetryInfo', value: Buffer.from(value) }));
        const expected = create(StatusDesc, {
          code,
          message,
          details: details.map(({ type, value }) => ({
            $typeName: 'google.protobuf.Any',
            typeUrl: `type.googleapis.com/${type}`,
            value,
          })),
        } as never);
        assert.deepEqual(rpcStatus(code, message, details), Buffer.from(toBinary(StatusDesc, expected)));
      },
    ),
    { numRuns: 200 },
  );
});

test('what a rule refused says which quota was exceeded, as protobuf reads it', () => {
  const quotas = [{ rule: 'login-address', quota: 20, windowS: 60, remaining: 0, resetS: 42 }];
  const limited = new GatewayError('TOO_MANY_REQUESTS', { retryAfterS: 3, rule: 'login-address', quotas });
  const status = fromBinary(StatusDesc, rpcStatus(8, limited.message, detailsOf(limited)));
  assert.deepEqual((toJson(StatusDesc, status, { registry }) as { details: unknown[] }).details, [
    { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '3s' },
    {
      '@type': 'type.googleapis.com/google.rpc.QuotaFailure',
      violations: [{ subject: 'login-address', description: '20 in 60 s' }],
    },
  ]);
  const refused = new GatewayError('ADDRESS_REFUSED', { rule: 'ip_rules' });
  assert.deepEqual(detailsOf(refused), [], 'a refused address is no quota');
});

test('an error that says when to come again has a RetryInfo, one that does not has nothing', () => {
  const limited = new GatewayError('TOO_MANY_REQUESTS', { retryAfterS: 7.25 });
  const status = fromBinary(StatusDesc, rpcStatus(8, limited.message, detailsOf(limited)));
  assert.deepEqual(toJson(StatusDesc, status, { registry }), {
    code: 8,
    message: 'Too many requests.',
    details: [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '7.250s' }],
  });
  assert.deepEqual(detailsOf(new GatewayError('TOO_MANY_REQUESTS')), []);
});

test('base64 of details has no padding and decodes to the same bytes', () => {
  for (const length of [0, 1, 2, 3, 4]) {
    const bytes = Buffer.alloc(length, 0xfb);
    const text = unpaddedBase64(bytes);
    assert.match(text, /^[A-Za-z0-9+/]*$/);
    assert.deepEqual(Buffer.from(text, 'base64'), bytes);
  }
});
