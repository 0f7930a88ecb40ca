// Nobody can count, and the config says that nobody is then admitted.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UNAVAILABLE } from '../../src/limits/shared/answer.ts';
import type { Charge } from '../../src/limits/tier.ts';
import { refusal } from '../../src/policies/rate-limit/refusal.ts';

test('a limit that cannot be counted is told as 503, not as a limit that was exceeded', () => {
  const charge: Charge = {
    limit: { rule: 'login', bucket: 'login', rate: { requests: 1, periodMs: 1, burst: 1 }, cost: 1, ban: undefined },
    key: 'login\0\0a',
    enforce: true,
  };
  const error = refusal([charge], UNAVAILABLE, {} as never, undefined, { headers: 'draft' } as never);
  assert.equal(error.code, 'LIMITER_UNAVAILABLE');
  assert.equal(error.row.http, 503);
});
