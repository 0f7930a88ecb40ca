/**
 * What callers are told of the limits they met: `RateLimit-Policy` and `RateLimit` as structured fields
 * (draft-ietf-httpapi-ratelimit-headers-10), and the older `x-ratelimit-*` that many clients still read.
 */

import type { Quota } from './errors.ts';

/** A String of RFC 8941 section 3.3.3; rules have names that need no escapes, whatever else comes is left out. */
function text(rule: string): string {
  return `"${rule.replace(/[^\x20-\x7e]|["\\]/g, '')}"`;
}

/** The two fields by name; none where there are no quotas. */
export function quotaFields(quotas: readonly Quota[]): Record<string, string> {
  if (quotas.length === 0) return {};
  return {
    'ratelimit-policy': quotas.map(({ rule, quota, windowS }) => `${text(rule)};q=${quota};w=${windowS}`).join(', '),
    ratelimit: quotas.map(({ rule, remaining, resetS }) => `${text(rule)};r=${remaining};t=${resetS}`).join(', '),
  };
}

/** The older fields, of the quota of which least is left. */
export function legacyQuotaFields(quotas: readonly Quota[]): Record<string, string> {
  const tightest = quotas.reduce<Quota | undefined>(
    (least, one) => (least === undefined || one.remaining < least.remaining ? one : least),
    undefined,
  );
  if (tightest === undefined) return {};
  return {
    'x-ratelimit-limit': String(tightest.quota),
    'x-ratelimit-remaining': String(tightest.remaining),
    'x-ratelimit-reset': String(tightest.resetS),
  };
}
