/** What a shared cache may store, RFC 9111 section 3. */

import { answerFields, getField } from '../core/headers.ts';
import type { Fields } from '../core/raw.ts';
import { type AnswerDirectives, answerDirectives, requestDirectives } from './cache-control.ts';
import { parseTag } from './etag.ts';
import { type AnswerHead, freshness, HEURISTICALLY_CACHEABLE, saysStorable } from './freshness.ts';
import { modifiedDate } from './http-date.ts';
import type { CacheRules } from './rules.ts';
import { varyNames } from './vary.ts';

/** Why a request has nothing to do with the cache: `fwd` and `detail` of RFC 9211. */
export interface PassBy {
  readonly fwd: 'method' | 'bypass';
  readonly detail: string;
}

/** Why the request passes the cache by, or undefined where it may be answered from it. HEAD may, too. */
export function passBy(method: string, fields: Fields, rules: CacheRules): PassBy | undefined {
  if (method !== 'GET' && method !== 'HEAD') return { fwd: 'method', detail: 'method' };
  if (rules.credentials !== 'bypass') return undefined;
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i];
    if (name === 'authorization' || name === 'cookie') return { fwd: 'bypass', detail: name };
  }
  return undefined;
}

/** Why an answer is not stored: one token each, for `detail` in Cache-Status. */
export type NotStored =
  | 'method'
  | 'status'
  | 'request-no-store'
  | 'no-store'
  | 'private'
  | 'authorization'
  | 'set-cookie'
  | 'vary'
  | 'no-freshness';

/** The statuses whose caching is understood here, for must-understand: those of RFC 9110, without 206 and 304. */
const UNDERSTOOD: ReadonlySet<number> = new Set([
  200, 201, 202, 203, 204, 205, 300, 301, 302, 303, 307, 308, 400, 401, 402, 403, 404, 405, 406, 407, 408, 409, 410,
  411, 412, 413, 414, 415, 416, 417, 421, 422, 426, 500, 501, 502, 503, 504, 505,
]);

/** An upgrade, a part, and the answer to a condition are never an answer for somebody else. */
const NEVER: ReadonlySet<number> = new Set([206, 304]);

function statusForbids(status: number, directives: AnswerDirectives, rules: CacheRules): boolean {
  if (status < 200 || status > 599 || NEVER.has(status)) return true;
  if (rules.statuses !== undefined && !rules.statuses.has(status)) return true;
  return directives.mustUnderstand && !UNDERSTOOD.has(status);
}

/** RFC 9111 section 3.5; with `bypass` such a request should not have come so far. */
function credentialsForbid(request: Fields, directives: AnswerDirectives, rules: CacheRules): boolean {
  const authorized = getField(request, 'authorization') !== undefined;
  if (rules.credentials === 'bypass') return authorized || getField(request, 'cookie') !== undefined;
  const allowed = directives.public || directives.mustRevalidate || directives.sMaxage !== undefined;
  return authorized && !allowed;
}

function setsCookie(fields: Fields, directives: AnswerDirectives): boolean {
  for (const name of ['set-cookie', 'set-cookie2']) {
    const named = directives.noCacheFields.includes(name) || directives.privateFields.includes(name);
    if (!named && getField(fields, name) !== undefined) return true;
  }
  return false;
}

function hasValidator(fields: Fields, now: number): boolean {
  return (
    parseTag(getField(fields, 'etag')) !== undefined ||
    modifiedDate(getField(fields, 'last-modified'), now) !== undefined
  );
}

/** Whether the answer could ever be used: fresh, stale by permission, or after the origin confirmed it. */
function usable(head: AnswerHead, directives: AnswerDirectives, now: number, rules: CacheRules): boolean {
  const { freshForS, staleIfErrorS, staleWhileRevalidateS, revalidate } = freshness(
    head,
    { requestedAt: now, receivedAt: now },
    rules,
  );
  if (!saysStorable(head.fields, directives)) {
    // Nothing but the route's rules lets it be stored, so they must make it fresh.
    return freshForS > 0 && HEURISTICALLY_CACHEABLE.has(head.status);
  }
  if (hasValidator(head.fields, now)) return true;
  return revalidate !== 'always' && (freshForS > 0 || freshForS + Math.max(staleIfErrorS, staleWhileRevalidateS) > 0);
}

/**
 * Why the answer to this request may not be stored, or undefined where it may. `request` are the fields as the cache
 * sent them upstream, `now` is when the head came, in ms; Vary is looked at too. Says nothing of the body: that it is
 * complete, and that no trailers came, is the fill's to know.
 */
export function notStored(
  method: string,
  request: Fields,
  head: AnswerHead,
  now: number,
  rules: CacheRules,
): NotStored | undefined {
  const { fields, status } = head;
  if (method !== 'GET') return 'method';
  if (rules.honourRequest && requestDirectives(request).noStore) return 'request-no-store';
  const directives = answerDirectives(fields, rules.targets);
  if (statusForbids(status, directives, rules)) return 'status';
  // must-understand takes no-store back for who understands the status, RFC 9111 section 5.2.2.3.
  if (directives.noStore && !directives.mustUnderstand) return 'no-store';
  if (directives.private) return 'private';
  if (credentialsForbid(request, directives, rules)) return 'authorization';
  if (!rules.stripSetCookie && setsCookie(fields, directives)) return 'set-cookie';
  if (varyNames(fields) === undefined) return 'vary';
  return usable(head, directives, now, rules) ? undefined : 'no-freshness';
}

/** Of one connection or one exchange, or made anew from the stored body: RFC 9111 section 3.1. */
const NOT_KEPT: ReadonlySet<string> = new Set([
  'age',
  'content-length',
  'proxy-authentication-info',
  'set-cookie',
  'set-cookie2',
  'trailer',
]);

/**
 * The fields that are kept: none of one connection, no Age, Content-Length, Set-Cookie or proxy fields, none that a
 * qualified no-cache or private names. A Content-Range, which means nothing on a whole answer, is kept as it came.
 */
export function storedFields(fields: Fields, rules: CacheRules): Fields {
  const { noCacheFields, privateFields } = answerDirectives(fields, rules.targets);
  const named = new Set([...noCacheFields, ...privateFields]);
  const kept = answerFields(fields);
  const out: Fields = [];
  for (let i = 0; i < kept.length; i += 2) {
    const name = kept[i]!;
    if (!NOT_KEPT.has(name) && !named.has(name)) out.push(name, kept[i + 1]!);
  }
  return out;
}
