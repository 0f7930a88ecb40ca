/** Conditional requests, RFC 9110 section 13. */

import { getField, joinedField } from '../core/headers.ts';
import type { Fields } from '../core/raw.ts';
import { type EntityTag, parseTag, parseTagList, strongMatch, weakMatch } from './etag.ts';
import { httpDate, modifiedDate } from './http-date.ts';

/** What a representation is compared by. */
export interface Validators {
  /** The tag of what would be sent first; then those of the same body in other codings, which a client may have too. */
  readonly tags: readonly EntityTag[];
  /** The text of Last-Modified. */
  readonly lastModified: string | undefined;
  /**
   * The text of Date, which says whether Last-Modified is strong enough for a range, and stands for Last-Modified where
   * there is none (RFC 9111 section 4.3.2).
   */
  readonly date: string | undefined;
}

/** What the conditions of a request say. */
export type Condition =
  | { readonly outcome: 'proceed' }
  /** `tag` is the one that the client has, for the ETag of the 304; undefined where a date decided. */
  | { readonly outcome: 'not_modified'; readonly tag: EntityTag | undefined }
  | { readonly outcome: 'precondition_failed' };

const PROCEED: Condition = { outcome: 'proceed' };
const FAILED: Condition = { outcome: 'precondition_failed' };

/** If-Match, else If-Unmodified-Since: false where it does not hold. */
function holds(request: Fields, { tags, lastModified }: Validators, now: number): boolean {
  const ifMatch = joinedField(request, 'if-match');
  if (ifMatch !== undefined) {
    const wanted = parseTagList(ifMatch);
    return wanted === '*' || wanted.some((tag) => tags.some((own) => strongMatch(tag, own)));
  }
  const since = httpDate(joinedField(request, 'if-unmodified-since'), now);
  // Hardly anybody asks so: the other date is not read for nothing.
  if (since === undefined) return true;
  const modified = modifiedDate(lastModified, now);
  return modified === undefined || modified <= since;
}

/** The first of our tags that a client has, in the same strength where there is such a one. */
function heldTag(tags: readonly EntityTag[], had: readonly EntityTag[]): EntityTag | undefined {
  let same: EntityTag | undefined;
  for (const own of tags) {
    for (const other of had) {
      if (!weakMatch(own, other)) continue;
      if (own.weak === other.weak) return own;
      same ??= own;
    }
  }
  return same;
}

/**
 * Evaluates If-Match, If-Unmodified-Since, If-None-Match and If-Modified-Since in the order of RFC 9110 section 13.2.2,
 * for a GET or HEAD whose answer would be a 200. `now` in ms. If-Range is apart. The first two, which RFC 9111 leaves to
 * the origin, are decided here since the tags are the gateway's: an origin could not understand them.
 */
export function evaluate(request: Fields, validators: Validators, now: number): Condition {
  if (!holds(request, validators, now)) return FAILED;
  const ifNoneMatch = joinedField(request, 'if-none-match');
  if (ifNoneMatch !== undefined) {
    const had = parseTagList(ifNoneMatch);
    if (had === '*') return { outcome: 'not_modified', tag: validators.tags[0] };
    // In the order of our own: what would be sent first. Who has it under a weak tag would not find it under the strong
    // one of the same name, RFC 9111 section 4.3.4.
    const tag = heldTag(validators.tags, had);
    return tag === undefined ? PROCEED : { outcome: 'not_modified', tag };
  }
  const since = httpDate(joinedField(request, 'if-modified-since'), now);
  if (since === undefined) return PROCEED;
  const { lastModified, date } = validators;
  const modified = lastModified === undefined ? httpDate(date, now) : modifiedDate(lastModified, now);
  return modified !== undefined && modified <= since ? { outcome: 'not_modified', tag: undefined } : PROCEED;
}

/** Whether Range counts: there is no If-Range, or it names, strongly, what would be sent. Else the whole is sent. */
export function rangeHolds(request: Fields, validators: Validators, now: number): boolean {
  const ifRange = joinedField(request, 'if-range');
  if (ifRange === undefined) return true;
  const tag = parseTag(ifRange);
  const [own] = validators.tags;
  if (tag !== undefined) return own !== undefined && strongMatch(tag, own);
  const asked = httpDate(ifRange, now);
  const modified = modifiedDate(validators.lastModified, now);
  const date = httpDate(validators.date, now);
  // Two bodies may have been made in the second of Last-Modified: it is strong only for who looked later.
  return asked !== undefined && asked === modified && date !== undefined && date - modified >= 1000;
}

/** Fields that begin with `content-` and do not describe the body. */
const NOT_OF_THE_BODY: ReadonlySet<string> = new Set([
  'content-location',
  'content-security-policy',
  'content-security-policy-report-only',
]);

const OF_THE_BODY: ReadonlySet<string> = new Set(['accept-ranges', 'digest', 'repr-digest']);

/**
 * The fields of a 304 made from those of the 200, RFC 9110 section 15.4.5: nothing that describes the body. ETag stays;
 * Last-Modified only where there is no ETag.
 */
export function notModifiedFields(fields: Fields): Fields {
  const tagged = getField(fields, 'etag') !== undefined;
  const out: Fields = [];
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i]!;
    const dropped =
      name === 'last-modified'
        ? tagged
        : OF_THE_BODY.has(name) || (name.startsWith('content-') && !NOT_OF_THE_BODY.has(name));
    if (!dropped) out.push(name, fields[i + 1]!);
  }
  return out;
}
