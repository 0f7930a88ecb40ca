import type { RefusalContext } from '../core/exchange.ts';
import { quotaFields } from '../core/quota-fields.ts';
import { retryAfter } from './retry.ts';

/**
 * The fields of every refusal, whatever the dialect: its type, the request id, that no cache may keep it, and what goes
 * with some: the limits that were met, `Retry-After`, `Allow` of a 405 and the challenge of a 401 (RFC 9110 sections 10.2.3, 15.5.6, 15.5.2).
 */
export function refusalHeaders(context: RefusalContext, status: number, contentType: string): Record<string, string> {
  const { error, requestId } = context;
  const headers: Record<string, string> = {
    'content-type': contentType,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'x-request-id': requestId,
    ...quotaFields(error.quotas),
    ...error.fields,
  };
  const wait = retryAfter(error);
  if (wait !== undefined) headers['retry-after'] = wait;
  if (status === 405 && error.allow !== undefined) headers.allow = error.allow.join(', ');
  if (status === 401) headers['www-authenticate'] = 'Bearer';
  return headers;
}
