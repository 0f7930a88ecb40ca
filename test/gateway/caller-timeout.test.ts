// A caller's deadline on its way upstream: gRPC over HTTP/2 "Timeout" (8 digits and a unit), Connect "Timeout-Ms".
// Harm: ZITADEL works for a caller that has given up; or a value too long is refused by it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { grpcTimeout } from '../../src/gateway/caller-timeout.ts';
import { parseGrpcTimeout } from '../../src/policies/deadline.ts';

for (const [ms, said] of [
  [0.0004, '1u'],
  [-5, '1u'],
  [1.5, '1500u'],
  [99_999.999, '99999999u'],
  [100_000, '100000m'],
  [99_999_999, '99999999m'],
  [100_000_000, '100000S'],
  [1e12, '16666666M'],
  [1e18, '99999999H'],
] as const) {
  test(`${ms} ms are ${said}`, () => assert.equal(grpcTimeout(ms), said));
}

test('property: what is said has 8 digits at most, is never longer than what is left, and hardly shorter', () => {
  fc.assert(
    fc.property(fc.double({ min: 0.01, max: 3e14, noNaN: true }), (ms) => {
      const said = grpcTimeout(ms);
      assert.match(said, /^\d{1,8}[umSMH]$/);
      const back = parseGrpcTimeout(said)!;
      assert.ok(back <= ms * (1 + 1e-12), `${said} for ${ms}`);
      assert.ok(back >= ms * 0.899, `${said} for ${ms}`);
    }),
  );
});
