/** Cache-Status: what the cache did with a request, RFC 9211. */

import { joinedField, setField } from '../core/headers.ts';
import type { Fields } from '../core/raw.ts';
import { MAX_SECONDS } from './delta-seconds.ts';

/** Why a request was sent on, RFC 9211 section 2.2. */
export type ForwardReason = 'bypass' | 'method' | 'uri-miss' | 'vary-miss' | 'miss' | 'request' | 'stale' | 'partial';

/** What the cache did. `hit` and `fwd` exclude each other. */
export interface CacheStatus {
  readonly hit?: boolean;
  readonly fwd?: ForwardReason | undefined;
  /** The upstream's status, where it is not that of the answer. */
  readonly fwdStatus?: number | undefined;
  /** Seconds of freshness left; negative once stale. */
  readonly ttlS?: number | undefined;
  readonly stored?: boolean | undefined;
  /** Waited for the answer to another request. */
  readonly collapsed?: boolean | undefined;
  /** A token, or a text in ASCII. */
  readonly detail?: string | undefined;
}

const TOKEN = /^[A-Za-z*][A-Za-z0-9:/!#$%&'*+.^_`|~-]*$/;
const MAX_DETAIL = 128;

/** A token as it is, everything else as a string; what a string cannot hold becomes a question mark. */
function detailText(detail: string): string {
  const short = detail.slice(0, MAX_DETAIL);
  if (TOKEN.test(short)) return short;
  return `"${short.replace(/[^\x20-\x7e]/g, '?').replace(/["\\]/g, '\\$&')}"`;
}

/** The member that we add, by the name `gatehouse`. */
export function cacheStatusMember(status: CacheStatus): string {
  const { hit, fwd, fwdStatus, ttlS, stored, collapsed, detail } = status;
  let member = 'gatehouse';
  if (hit) member += '; hit';
  else if (fwd !== undefined) member += `; fwd=${fwd}`;
  if (!hit && fwdStatus !== undefined) member += `; fwd-status=${fwdStatus}`;
  if (ttlS !== undefined && !Number.isNaN(ttlS)) {
    member += `; ttl=${Math.floor(Math.min(MAX_SECONDS, Math.max(-MAX_SECONDS, ttlS)))}`;
  }
  if (!hit && stored) member += '; stored';
  if (!hit && collapsed) member += '; collapsed';
  return detail === undefined ? member : `${member}; detail=${detailText(detail)}`;
}

/** Adds our member after what caches before us said; changes `fields`. */
export function addCacheStatus(fields: Fields, status: CacheStatus): void {
  const before = joinedField(fields, 'cache-status')?.trim();
  const member = cacheStatusMember(status);
  setField(fields, 'cache-status', before ? `${before}, ${member}` : member);
}
