/** Entity tags, RFC 9110 section 8.8.3: the origin's, and ours for each coding. */

/** One entity tag. */
export interface EntityTag {
  readonly weak: boolean;
  /** What stands between the quotes. */
  readonly opaque: string;
}

/** At most so many tags of a list are looked at. */
export const MAX_TAGS = 64;

const QUOTE = 0x22;
const COMMA = 0x2c;
const DELETE = 0x7f;

/** Whether a tag may have it; obs-text may come as latin-1 or decoded, so everything above ASCII is let through. */
function tagChar(code: number): boolean {
  return code > 0x20 && code !== DELETE;
}

/** Where the opaque part of a tag begins that may stand at `at`: after its quote; -1 where none stands there. */
function opaqueAt(text: string, at: number): number {
  const quote = text.startsWith('W/', at) ? at + 2 : at;
  return text.charCodeAt(quote) === QUOTE ? quote + 1 : -1;
}

/** Where an opaque part that begins at `at` ends, before its quote; -1 where it does not. */
function opaqueEnd(text: string, at: number): number {
  for (let i = at; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    if (code === QUOTE) return i;
    if (!tagChar(code)) return -1;
  }
  return -1;
}

/** One tag, or undefined where the text is none. */
export function parseTag(text: string | undefined): EntityTag | undefined {
  const trimmed = text?.trim() ?? '';
  const begin = opaqueAt(trimmed, 0);
  const end = begin === -1 ? -1 : opaqueEnd(trimmed, begin);
  if (end === -1 || end + 1 !== trimmed.length) return undefined;
  return { weak: begin > 1, opaque: trimmed.slice(begin, end) };
}

/** Where the next member begins: after commas, spaces and tabs. */
function memberAt(text: string, at: number): number {
  let next = at;
  for (let code = text.charCodeAt(next); code === COMMA || code === 0x20 || code === 0x09; ) {
    next += 1;
    code = text.charCodeAt(next);
  }
  return next;
}

/** The tags of If-Match or If-None-Match; `*` for any. Members that are no tags are left out. */
export function parseTagList(text: string): '*' | readonly EntityTag[] {
  if (text.trim() === '*') return '*';
  const tags: EntityTag[] = [];
  let at = 0;
  while (tags.length < MAX_TAGS) {
    at = memberAt(text, at);
    if (at >= text.length) break;
    const begin = opaqueAt(text, at);
    const end = begin === -1 ? -1 : opaqueEnd(text, begin);
    const rest = end === -1 ? at : end + 1;
    const comma = text.indexOf(',', rest);
    const next = comma === -1 ? text.length : comma;
    if (end !== -1 && text.slice(rest, next).trim() === '') {
      tags.push({ weak: begin > at + 1, opaque: text.slice(begin, end) });
    }
    at = next;
  }
  return tags;
}

/** The tag as a field has it. */
export function tagText({ weak, opaque }: EntityTag): string {
  return `${weak ? 'W/' : ''}"${opaque}"`;
}

/** Both strong and the same, RFC 9110 section 8.8.3.2. */
export function strongMatch(a: EntityTag, b: EntityTag): boolean {
  return !a.weak && !b.weak && a.opaque === b.opaque;
}

/** The same, weak or not. */
export function weakMatch(a: EntityTag, b: EntityTag): boolean {
  return a.opaque === b.opaque;
}

/** 132 bits of the digest: nobody finds two bodies with the same, and no tag is longer than it need be. */
const DIGEST_CHARS = 22;

/** The tag of the uncoded body: the origin's (`etag`, if it is one), else a strong one of the body's digest (base64url). */
export function bodyTag(etag: string | undefined, digest: string): EntityTag {
  return parseTag(etag) ?? { weak: false, opaque: digest.slice(0, DIGEST_CHARS) };
}

/**
 * The tag of the body in a coding: `"x-br"` for `"x"`. `'weak'` for bodies that are coded while they pass: the bytes are
 * not those of the stored coding, so the tag may not say that they are.
 */
export function codedTag(tag: EntityTag, coding: string, strength: 'strong' | 'weak'): EntityTag {
  return { weak: tag.weak || strength === 'weak', opaque: `${tag.opaque}-${coding}` };
}

/**
 * If-None-Match as the origin would understand it: beside each tag that ends in one of `codings`, the tag without. Only
 * for requests that the cache does not answer; undefined where nothing changes.
 */
export function uncodedList(text: string, codings: readonly string[]): string | undefined {
  const tags = parseTagList(text);
  if (tags === '*') return undefined;
  const out = new Set<string>();
  for (const tag of tags) {
    out.add(tagText(tag));
    const coding = codings.find((name) => tag.opaque.endsWith(`-${name}`));
    // The origin's own tag may end like that, too: both are said, since which one it is only the origin knows.
    if (coding !== undefined) out.add(tagText({ ...tag, opaque: tag.opaque.slice(0, -coding.length - 1) }));
  }
  return out.size > tags.length ? [...out].join(', ') : undefined;
}
