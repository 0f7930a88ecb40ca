/** Why requests go to the origin, as Cache-Status says it. */

import type { CacheStatus } from '../../cache/cache-status.ts';
import type { Reuse } from '../../cache/reuse.ts';
import type { Exchange } from '../../core/exchange.ts';
import { namesInstance } from './question.ts';

/** A GET that is none: with a body, for another instance than the host says, or of somebody whom the upstream is told of. */
export function oddity({ raw, downstream }: Exchange): CacheStatus | undefined {
  if (namesInstance(raw.fields)) return { fwd: 'bypass', detail: 'instance' };
  if (raw.connection.clientCertificate?.fields.length) return { fwd: 'bypass', detail: 'client-certificate' };
  return downstream.ended ? undefined : { fwd: 'bypass', detail: 'body' };
}

/** Why a request goes on that the store could not answer; `others`: answers are stored, but for other requests. */
export function forwardReason(verdict: Reuse, others: boolean): NonNullable<CacheStatus['fwd']> {
  if (verdict === 'miss') return others ? 'vary-miss' : 'uri-miss';
  return verdict === 'revalidate' ? 'stale' : 'request';
}
