/** How a request that met too many limits is told so. */

import { GatewayError, type Quota } from '../../core/errors.ts';
import type { Exchange, PeekedBody } from '../../core/exchange.ts';
import { legacyQuotaFields } from '../../core/quota-fields.ts';
import type { Taken } from '../../limits/limiter.ts';
import type { Charge, Outcome } from '../../limits/tier.ts';
import { formField } from '../keys/form-fields.ts';
import type { RateLimitOptions } from './options.ts';

const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code';

/** What a limit has left, as callers are told: the burst, and the time in which all of it comes back. */
export function quotaOf({ limit }: Charge, { remaining, resetMs }: Taken): Quota {
  const { requests, periodMs, burst } = limit.rate;
  return {
    rule: limit.rule,
    quota: burst,
    windowS: Math.ceil((burst * periodMs) / requests / 1000),
    remaining,
    resetS: Math.ceil(resetMs / 1000),
  };
}

/** The error of a request that was refused. */
export function refusal(
  charges: readonly Charge[],
  outcome: Outcome,
  exchange: Exchange,
  body: PeekedBody | undefined,
  { headers, legacy_headers }: RateLimitOptions,
): GatewayError {
  const { refused = 0, banned, taken } = outcome;
  if (outcome.unavailable) return new GatewayError('LIMITER_UNAVAILABLE', { rule: charges[refused]!.limit.rule });
  const { limit } = charges[refused]!;
  const quotas = taken.map((one, index) => quotaOf(charges[index]!, one));
  const { retryAfterMs } = taken[refused]!;
  return new GatewayError(banned ? 'BANNED' : 'TOO_MANY_REQUESTS', {
    rule: limit.rule,
    detail: limit.rule,
    // A cost above the burst never passes: there is no time after which it would.
    ...(Number.isFinite(retryAfterMs) && { retryAfterS: Math.max(retryAfterMs / 1000, 0.001) }),
    ...(headers !== 'none' && { quotas }),
    ...(headers !== 'none' && legacy_headers && { fields: legacyQuotaFields(quotas) }),
    // RFC 8628 section 3.5: whoever polls for a device grant waits longer after this word.
    ...(body !== undefined && formField(exchange, body, 'grant_type') === DEVICE_GRANT && { oauth: 'slow_down' }),
  });
}
