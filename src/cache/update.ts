/** A stored answer after the origin said that it is still right, RFC 9111 sections 3.2 and 4.3.4. */

import { getField } from '../core/headers.ts';
import type { Fields } from '../core/raw.ts';
import { parseTag, weakMatch } from './etag.ts';
import { fieldLines } from './field-lines.ts';
import { type AnswerHead, type AnswerTimes, freshness } from './freshness.ts';
import { httpDate, modifiedDate } from './http-date.ts';
import type { CacheRules } from './rules.ts';
import { storedFields } from './storable.ts';
import type { StoredAnswer } from './stored.ts';

/** The conditions with which the origin is asked whether a stored answer is still right; empty where it has no validator. */
export function validationFields(stored: StoredAnswer): Fields {
  const out: Fields = [];
  const etag = getField(stored.fields, 'etag');
  if (etag !== undefined && parseTag(etag) !== undefined) out.push('if-none-match', etag);
  const lastModified = getField(stored.fields, 'last-modified');
  if (httpDate(lastModified, stored.receivedAt) !== undefined) out.push('if-modified-since', lastModified!);
  else {
    // A date that ends in UTC is said in the form that a date has: the origin's own reader takes no other.
    const modified = modifiedDate(lastModified, stored.receivedAt);
    if (modified !== undefined) out.push('if-modified-since', new Date(modified).toUTCString());
  }
  return out;
}

/**
 * Whether a 304 speaks of this stored answer, RFC 9111 section 4.3.4: the validator that it names is that of the stored
 * answer; a 304 that names none, or one of a kind that the stored answer has not, speaks of what was asked for.
 */
export function confirms(stored: StoredAnswer, notModified: AnswerHead): boolean {
  const tag = parseTag(getField(notModified.fields, 'etag'));
  const ownTag = parseTag(getField(stored.fields, 'etag'));
  if (tag !== undefined && ownTag !== undefined) return weakMatch(tag, ownTag);
  const date = modifiedDate(getField(notModified.fields, 'last-modified'), stored.receivedAt);
  const ownDate = modifiedDate(getField(stored.fields, 'last-modified'), stored.receivedAt);
  return date === undefined || ownDate === undefined || date === ownDate;
}

/**
 * What a 304 does not change: the validators, what is true of the stored bytes and of no others, and Vary, by which the
 * stored answer is found. Content-Type does change, RFC 9111 section 3.2: nothing stored here has been read by it.
 */
const UNCHANGED: ReadonlySet<string> = new Set(['content-encoding', 'content-md5', 'content-range', 'etag', 'vary']);

/** The stored fields with those of the 304 in place of theirs, RFC 9111 section 3.2. */
function merged(stored: StoredAnswer, head: AnswerHead, receivedAt: number, rules: CacheRules): Fields {
  const news = storedFields(head.fields, rules);
  const replaced = new Set<string>(['date']);
  const out: Fields = [];
  for (let i = 0; i < news.length; i += 2) if (!UNCHANGED.has(news[i]!)) replaced.add(news[i]!);
  for (let i = 0; i < stored.fields.length; i += 2) {
    if (!replaced.has(stored.fields[i]!)) out.push(stored.fields[i]!, stored.fields[i + 1]!);
  }
  for (let i = 0; i < news.length; i += 2) if (replaced.has(news[i]!)) out.push(news[i]!, news[i + 1]!);
  // Without a Date the 304 is as old as its coming, RFC 9110 section 6.6.1; the old Date would make it old.
  if (getField(out, 'date') === undefined) out.push('date', new Date(receivedAt).toUTCString());
  return out;
}

/**
 * The stored answer with the fields and times of the 304: the same body and codings. Whether it may stay stored is to be
 * asked again (`notStored`): the 304 may have brought a no-store.
 */
export function revalidated(
  stored: StoredAnswer,
  notModified: AnswerHead,
  times: AnswerTimes,
  rules: CacheRules,
): StoredAnswer {
  const fields = merged(stored, notModified, times.receivedAt, rules);
  // Age is not stored, and that of the 304 counts.
  const age = fieldLines(notModified.fields, 'age').flatMap((value) => ['age', value]);
  const times304 = freshness({ status: stored.status, fields: [...fields, ...age] }, times, rules);
  return { ...stored, ...times304, fields };
}
