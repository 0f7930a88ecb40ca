/** Whether a stored answer may answer a request, RFC 9111 section 4 and RFC 5861. */

import { type CacheControl, NOTHING_ASKED } from './cache-control.ts';
import { ageS, ttlS } from './freshness.ts';
import type { StoredAnswer } from './stored.ts';

/** What to do with a stored answer. */
export type Reuse =
  /** Answer from it. */
  | 'fresh'
  /** Answer from it, stale as it is: the client allows it (max-stale). */
  | 'stale_allowed'
  /** Answer from it and validate it meanwhile. */
  | 'stale_while_revalidate'
  /** It is stale: ask the origin first, with its validators. */
  | 'revalidate'
  /** It is fresh, but the client wants it asked for (no-cache, max-age, min-fresh). */
  | 'revalidate_for_request'
  /** The client wants no other answer than a stored one, and this one may not be used, or there is none: 504. */
  | 'only_if_cached_fails'
  /** Nothing is stored. */
  | 'miss';

/** Whether the client wants a younger answer than this one, RFC 9111 sections 5.2.1.1, 5.2.1.3 and 5.2.1.4. */
function wantsYounger(stored: StoredAnswer, asked: CacheControl, now: number): boolean {
  if (asked.noCache || asked.noCacheFields.length > 0) return true;
  if (asked.minFresh !== undefined && ttlS(stored, now) < asked.minFresh) return true;
  if (asked.maxAge === undefined) return false;
  // A reload says max-age=0, and means it although the age is counted in whole seconds.
  if (asked.maxAge === 0) return true;
  const allowance = stored.revalidate === 'may_be_stale' ? (asked.maxStale ?? 0) : 0;
  return ageS(stored, now) > asked.maxAge + allowance;
}

/** What to do. `honour`: the request's directives count. */
export function reuse(stored: StoredAnswer | undefined, asked: CacheControl, now: number, honour: boolean): Reuse {
  const found = stored === undefined ? 'miss' : judged(stored, asked, now, honour);
  const asks = found === 'miss' || found === 'revalidate' || found === 'revalidate_for_request';
  return asks && honour && asked.onlyIfCached ? 'only_if_cached_fails' : found;
}

function judged(stored: StoredAnswer, asked: CacheControl, now: number, honour: boolean): Reuse {
  if (stored.revalidate === 'always') return 'revalidate';
  const ttl = ttlS(stored, now);
  if (honour && wantsYounger(stored, asked, now)) return ttl > 0 ? 'revalidate_for_request' : 'revalidate';
  if (ttl > 0) return 'fresh';
  if (-ttl < stored.staleWhileRevalidateS) return 'stale_while_revalidate';
  const allowed = honour && stored.revalidate === 'may_be_stale' ? (asked.maxStale ?? -1) : -1;
  return -ttl <= allowed ? 'stale_allowed' : 'revalidate';
}

/**
 * Whether a stored answer may be used although validating it failed: the connection did, or the status was 500, 502,
 * 503 or 504 (RFC 5861 section 4). Never where the origin forbids stale answers, nor where the client said no-cache; a
 * client's max-age and min-fresh, which a reload in a browser sends, ask for a try and give way to an outage.
 */
export function mayServeOnError(stored: StoredAnswer, asked: CacheControl, now: number, honour: boolean): boolean {
  if (stored.revalidate === 'always') return false;
  if (honour && (asked.noCache || asked.noCacheFields.length > 0)) return false;
  const ttl = ttlS(stored, now);
  if (ttl > 0) return true;
  const byRequest = honour && stored.revalidate === 'may_be_stale' ? (asked.staleIfError ?? 0) : 0;
  return -ttl < Math.max(stored.staleIfErrorS, byRequest);
}

/** Whether a stored answer may be used while the origin fails, for a client that asks for nothing special. */
export function standsIn(stored: StoredAnswer | undefined, now: number): boolean {
  return stored !== undefined && mayServeOnError(stored, NOTHING_ASKED, now, false);
}

/** The statuses that count as failure for stale-if-error. */
export const ERROR_STATUSES: ReadonlySet<number> = new Set([500, 502, 503, 504]);
