/** Entity tags, RFC 9110 section 8.8.3: the origin's, and ours for each coding. */

/** One entity tag. */
export interface EntityTag {
  readonly weak: boolean;
  /** What stands between the quotes. */
  readonly opaque: string;
}

/** At most so many tags of a list are looked at. */
export const MAX_TAGS = 64;

/** obs-text may come as latin-1 or decoded, so everything above ASCII is let through. */
const TAG = /(W\/)?"([\x21\x23-\x7e\x80-\uffff]*)"/y;
const BETWEEN = /[ \t,]*/y;
const UNTIL_COMMA = /[^,]*/y;

function match(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}

/** One tag, or undefined where the text is none. */
export function parseTag(text: string | undefined): EntityTag | undefined {
  const trimmed = text?.trim() ?? '';
  const found = match(TAG, trimmed, 0);
  if (found === null || found[0].length !== trimmed.length) return undefined;
  return { weak: found[1] !== undefined, opaque: found[2]! };
}

/** The tags of If-Match or If-None-Match; `*` for any. Members that are no tags are left out. */
export function parseTagList(text: string): '*' | readonly EntityTag[] {
  if (text.trim() === '*') return '*';
  const tags: EntityTag[] = [];
  let at = 0;
  while (tags.length < MAX_TAGS) {
    at += match(BETWEEN, text, at)![0].length;
    if (at >= text.length) break;
    const found = match(TAG, text, at);
    at += found?.[0].length ?? 0;
    const rest = match(UNTIL_COMMA, text, at)![0];
    if (found !== null && rest.trim() === '') tags.push({ weak: found[1] !== undefined, opaque: found[2]! });
    at += rest.length;
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
