/** How long an answer is fresh, RFC 9111 section 4.2. */

import { getField } from '../core/headers.ts';
import type { Fields } from '../core/raw.ts';
import { type AnswerDirectives, answerDirectives } from './cache-control.ts';
import { deltaSeconds } from './delta-seconds.ts';
import { fieldLines } from './field-lines.ts';
import { httpDate, modifiedDate } from './http-date.ts';
import type { CacheRules } from './rules.ts';
import type { StoredAnswer } from './stored.ts';

/** When an answer was asked for and when its head came: milliseconds since the epoch. */
export interface AnswerTimes {
  readonly requestedAt: number;
  readonly receivedAt: number;
}

/** The part of a stored answer that says how long it may be used. */
export type Freshness = AnswerTimes &
  Pick<StoredAnswer, 'freshForS' | 'initialAgeS' | 'staleWhileRevalidateS' | 'staleIfErrorS' | 'revalidate'>;

/** What is known of an answer before its body. */
export interface AnswerHead {
  readonly status: number;
  readonly fields: Fields;
}

/** The statuses that may be fresh without the origin saying so, RFC 9110 section 15.1; 206 is not stored. */
export const HEURISTICALLY_CACHEABLE: ReadonlySet<number> = new Set([
  200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501,
]);

/** The Age field: its first member counts, what is no number is ignored, RFC 9111 section 5.1. */
function ageField(fields: Fields): number {
  const first = getField(fields, 'age')?.split(',', 1)[0]?.trim();
  return first === undefined ? 0 : (deltaSeconds(first) ?? 0);
}

/** Seconds between Date, or the coming of the answer where there is none, and Expires; 0 for an invalid Expires. */
function expiresS(expires: readonly string[], fields: Fields, receivedAt: number): number {
  // Two lines that differ make no date together.
  const at = httpDate([...new Set(expires)].join(', '), receivedAt);
  const date = httpDate(getField(fields, 'date'), receivedAt) ?? receivedAt;
  return at === undefined ? 0 : Math.max(0, (at - date) / 1000);
}

/** What the origin said of freshness, in seconds; undefined where it said nothing, RFC 9111 section 4.2.1. */
function explicitS(fields: Fields, directives: AnswerDirectives, receivedAt: number): number | undefined {
  const { sMaxage, maxAge, from } = directives;
  if (sMaxage !== undefined || maxAge !== undefined) return sMaxage ?? maxAge;
  const expires = from === 'cache-control' ? fieldLines(fields, 'expires') : [];
  return expires.length > 0 ? expiresS(expires, fields, receivedAt) : undefined;
}

/** What the rules make of an answer that says nothing, in seconds. */
function assumedS(head: AnswerHead, directives: AnswerDirectives, receivedAt: number, rules: CacheRules): number {
  if (!HEURISTICALLY_CACHEABLE.has(head.status) && !directives.public) return 0;
  const modified = rules.heuristic ? modifiedDate(getField(head.fields, 'last-modified'), receivedAt) : undefined;
  if (modified === undefined) return rules.defaultTtlS ?? 0;
  const date = httpDate(getField(head.fields, 'date'), receivedAt) ?? receivedAt;
  return Math.max(0, (date - modified) / 10_000);
}

/** Whether the origin said anything that lets a shared cache store, RFC 9111 section 3, beside the status alone. */
export function saysStorable(fields: Fields, directives: AnswerDirectives): boolean {
  return (
    directives.public ||
    directives.noCache ||
    directives.noCacheFields.length > 0 ||
    directives.mustRevalidate ||
    directives.proxyRevalidate ||
    directives.sMaxage !== undefined ||
    directives.maxAge !== undefined ||
    (directives.from === 'cache-control' && getField(fields, 'expires') !== undefined)
  );
}

function initialAgeS(fields: Fields, { requestedAt, receivedAt }: AnswerTimes): number {
  const date = httpDate(getField(fields, 'date'), receivedAt);
  // Date has whole seconds: what is less than one is not age, or an answer would be old as it is made.
  const apparent = date === undefined ? 0 : Math.max(0, Math.floor((receivedAt - date) / 1000));
  return Math.max(apparent, ageField(fields) + Math.max(0, receivedAt - requestedAt) / 1000);
}

/**
 * How long the answer may be used, all of it decided once, when it comes. What forbids stale answers makes both stale
 * times 0, but for a route that serves stale answers on errors whatever the origin says. s-maxage forbids what a client allows (max-stale), but not what the same answer or the route's rules allow
 * by name: that is how origins write `s-maxage` with `stale-while-revalidate`.
 */
export function freshness(head: AnswerHead, times: AnswerTimes, rules: CacheRules): Freshness {
  const { fields } = head;
  const { requestedAt, receivedAt } = times;
  const directives = answerDirectives(fields, rules.targets);
  const lifetimeS = explicitS(fields, directives, receivedAt) ?? assumedS(head, directives, receivedAt, rules);
  const initial = initialAgeS(fields, times);
  const forbidden = directives.noCache || directives.mustRevalidate || directives.proxyRevalidate;
  const despite = rules.staleIfErrorAlways && !directives.noCache ? rules.staleIfErrorS : 0;
  const whenStale = forbidden || directives.sMaxage !== undefined;
  return {
    requestedAt,
    receivedAt,
    initialAgeS: initial,
    freshForS: Math.min(lifetimeS - initial, rules.maxTtlS ?? Number.POSITIVE_INFINITY),
    staleWhileRevalidateS: forbidden ? 0 : (directives.staleWhileRevalidate ?? rules.staleWhileRevalidateS),
    staleIfErrorS: forbidden ? despite : (directives.staleIfError ?? rules.staleIfErrorS),
    revalidate: directives.noCache ? 'always' : whenStale ? 'when_stale' : 'may_be_stale',
  };
}

/** Seconds since it came. A clock that was set back counts, too: the time that passed is not known then. */
function elapsedS(receivedAt: number, now: number): number {
  return Math.abs(now - receivedAt) / 1000;
}

/** The Age to say: whole seconds, RFC 9111 section 4.2.3. A clock that went back makes it no younger than it came. */
export function ageS(stored: Pick<StoredAnswer, 'initialAgeS' | 'receivedAt'>, now: number): number {
  return Math.floor(stored.initialAgeS + elapsedS(stored.receivedAt, now));
}

/** The seconds of freshness that are left, with their fraction; 0 or negative once stale. */
export function ttlS(stored: Pick<StoredAnswer, 'freshForS' | 'receivedAt'>, now: number): number {
  return stored.freshForS - elapsedS(stored.receivedAt, now);
}
