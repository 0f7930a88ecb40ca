/** Which stored answer of a URL fits a request, RFC 9111 section 4.1. */

import { fieldName, getField, joinedField } from '../core/headers.ts';
import type { Fields } from '../core/raw.ts';
import type { StoredAnswer } from './stored.ts';

/** An answer whose Vary names more fields is not stored. */
export const MAX_VARY = 16;

/** Codings are made here, and the origin is asked for none. */
const OURS = 'accept-encoding';

/**
 * The lower-case names that Vary names, sorted, each once, without Accept-Encoding; undefined where Vary has `*`, no
 * name where one should be, or more than MAX_VARY names: such an answer fits no other request.
 */
export function varyNames(answer: Fields): readonly string[] | undefined {
  const text = joinedField(answer, 'vary');
  if (text === undefined) return [];
  const names = new Set<string>();
  for (const member of text.toLowerCase().split(',')) {
    const name = member.trim();
    if (name === '' || name === OURS) continue;
    if (name === '*' || !fieldName(name)) return undefined;
    names.add(name);
    if (names.size > MAX_VARY) return undefined;
  }
  return [...names].sort();
}

/** Where every byte may count, and where nobody should be taken for another. */
const EXACT: ReadonlySet<string> = new Set(['authorization', 'cookie', 'origin', 'proxy-authorization']);

/** A longer list of languages is compared as it came. */
const MAX_LANGUAGES = 32;

/** Languages with their weight: lower-case, by weight; undefined where the text is not such a list. */
function languages(text: string): { tag: string; q: number }[] | undefined {
  const members = text.toLowerCase().split(',', MAX_LANGUAGES + 1);
  if (members.length > MAX_LANGUAGES) return undefined;
  const list: { tag: string; q: number }[] = [];
  for (const member of members) {
    if (member.trim() === '') continue;
    const found = /^([a-z0-9*-]+)(?:[ \t]*;[ \t]*q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?))?$/.exec(member.trim());
    if (found === null) return undefined;
    list.push({ tag: found[1]!, q: Number(found[2] ?? 1) });
  }
  return list.sort((a, b) => b.q - a.q || (a.tag < b.tag ? -1 : 1));
}

/** Spaces around commas outside of quoted strings do not matter in a list, RFC 9110 section 5.6.1. */
function withoutListSpace(text: string): string {
  if (!text.includes('"')) {
    return text
      .split(',')
      .map((member) => member.trim())
      .join(',');
  }
  return text.trim();
}

/**
 * A field of a request in the form in which two that mean the same are the same, as far as RFC 9111 section 4.1 allows:
 * lines joined, space around commas gone, languages of one weight in any order (RFC 9110 section 12.5.4).
 */
function normalised(request: Fields, name: string): string {
  const text = joinedField(request, name);
  if (text === undefined) return '';
  // An empty field is not the same as none; no other value begins with a space.
  if (text.trim() === '') return ' ';
  if (EXACT.has(name)) return text;
  if (name === 'accept-language') {
    const list = languages(text);
    if (list !== undefined) return list.map(({ tag, q }) => `${tag};q=${q}`).join(',');
  }
  return withoutListSpace(text);
}

/**
 * The names with the values of the request, for StoredAnswer.vary; undefined as above. `keyedBy`: names that count
 * although Vary does not name them, lower-case.
 */
export function varyOf(
  answer: Fields,
  request: Fields,
  keyedBy: readonly string[] = [],
): StoredAnswer['vary'] | undefined {
  const names = varyNames(answer);
  if (names === undefined) return undefined;
  const all = keyedBy.length === 0 ? names : [...new Set([...names, ...keyedBy])].sort();
  return all.filter((name) => name !== OURS).map((name) => [name, normalised(request, name)] as const);
}

/** What is known of an answer that is chosen. */
export type Variant = Pick<StoredAnswer, 'vary' | 'receivedAt'> & { readonly fields?: Fields };

/** The one language that the request wants most; undefined where there is none, or more than one. */
function favourite(request: Fields): string | undefined {
  const [first, second] = languages(joinedField(request, 'accept-language') ?? '') ?? [];
  if (first === undefined || first.q === 0 || first.tag === '*' || second?.q === first.q) return undefined;
  return first.tag;
}

/**
 * Whether what was stored fits the request. An answer that is in the one language that the request wants most fits
 * whatever else it would take: no origin that has this language would answer in another.
 */
function fits({ vary, fields }: Variant, request: Fields, values: Map<string, string>): boolean {
  return vary.every(([name, value]) => {
    const asked = values.get(name) ?? normalised(request, name);
    values.set(name, asked);
    if (asked === value) return true;
    if (name !== 'accept-language') return false;
    const language = getField(fields ?? [], 'content-language')
      ?.trim()
      .toLowerCase();
    return language !== undefined && language === favourite(request);
  });
}

/** Whether an answer with these values fits the request. */
export function varyFits(vary: StoredAnswer['vary'], request: Fields): boolean {
  return vary.length === 0 || fits({ vary, receivedAt: 0 }, request, new Map());
}

/** The stored answer that fits the request: the latest where several do; undefined where none does. */
export function selectStored<T extends Variant>(variants: readonly T[], request: Fields): T | undefined {
  // What most URLs have: one answer, for everybody.
  if (variants.length === 1 && variants[0]!.vary.length === 0) return variants[0];
  const values = new Map<string, string>();
  let latest: T | undefined;
  for (const stored of variants) {
    if (latest !== undefined && stored.receivedAt <= latest.receivedAt) continue;
    if (fits(stored, request, values)) latest = stored;
  }
  return latest;
}
