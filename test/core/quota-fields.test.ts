// draft-ietf-httpapi-ratelimit-headers-10: Lists of Items that are Strings with parameters, RFC 8941.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Quota } from '../../src/core/errors.ts';
import { legacyQuotaFields, quotaFields } from '../../src/core/quota-fields.ts';

const BURST: Quota = { rule: 'burst', quota: 100, windowS: 60, remaining: 50, resetS: 30 };
const DAILY: Quota = { rule: 'daily', quota: 1000, windowS: 86_400, remaining: 7, resetS: 80_000 };

test('every limit that was met stands in both fields, in their order', () => {
  assert.deepEqual(quotaFields([BURST, DAILY]), {
    'ratelimit-policy': '"burst";q=100;w=60, "daily";q=1000;w=86400',
    ratelimit: '"burst";r=50;t=30, "daily";r=7;t=80000',
  });
});

test('without limits there are no fields', () => {
  assert.deepEqual(quotaFields([]), {});
  assert.deepEqual(legacyQuotaFields([]), {});
});

test('the older fields tell of the limit of which least is left', () => {
  assert.deepEqual(legacyQuotaFields([BURST, DAILY]), {
    'x-ratelimit-limit': '1000',
    'x-ratelimit-remaining': '7',
    'x-ratelimit-reset': '80000',
  });
});

test('a name cannot end its String or the field: quotes, backslashes and line ends are left out', () => {
  assert.deepEqual(quotaFields([{ ...BURST, rule: 'a"b\\c\r\nd' }]), {
    'ratelimit-policy': '"abcd";q=100;w=60',
    ratelimit: '"abcd";r=50;t=30',
  });
});
