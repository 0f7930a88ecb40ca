/** Range requests on a stored body, RFC 9110 section 14. */

/** A part of a body: both ends belong to it. */
export interface ByteRange {
  readonly first: number;
  readonly last: number;
}

/** At most so many parts are sent in one answer; who asks for more gets the whole. */
export const MAX_PARTS = 8;

/** What a Range field asks of a body. */
export type RangeAsked =
  /** No Range, an unknown unit, bad syntax, or one that only costs work: the whole body, 200. */
  | { readonly kind: 'whole' }
  | { readonly kind: 'one'; readonly range: ByteRange }
  | { readonly kind: 'several'; readonly ranges: readonly ByteRange[] }
  /** 416 with this Content-Range. */
  | { readonly kind: 'unsatisfiable'; readonly contentRange: string };

/** A longer field is not read. Eight parts of a body of terabytes fit. */
const MAX_CHARS = 1024;

/** What a part costs beside its bytes: boundary, Content-Type and Content-Range, about. */
const PART_OVERHEAD = 128;

/** Larger positions are beyond every body, and would not be exact. */
function position(digits: string): number {
  return Math.min(Number(digits), Number.MAX_SAFE_INTEGER);
}

/** One range-spec: undefined for bad syntax, null for one that the body does not have. */
function resolveSpec(spec: string, length: number): ByteRange | null | undefined {
  const found = /^(\d*)-(\d*)$/.exec(spec);
  if (found === null) return undefined;
  const [, from, to] = found as unknown as [string, string, string];
  if (from === '') {
    if (to === '') return undefined;
    const suffix = position(to);
    if (suffix === 0 || length === 0) return null;
    return { first: Math.max(0, length - suffix), last: length - 1 };
  }
  const first = position(from);
  const last = to === '' ? Number.MAX_SAFE_INTEGER : position(to);
  if (last < first) return undefined;
  return first >= length ? null : { first, last: Math.min(last, length - 1) };
}

const WHOLE: RangeAsked = { kind: 'whole' };

/** Two parts share a byte, or together they cost as much as the whole. */
function wasteful(ranges: readonly ByteRange[], length: number): boolean {
  const sorted = ranges.toSorted((a, b) => a.first - b.first);
  const overlap = sorted.some(({ first }, i) => i > 0 && first <= sorted[i - 1]!.last);
  const cost = ranges.reduce((sum, { first, last }) => sum + last - first + 1 + PART_OVERHEAD, 0);
  return overlap || cost >= length;
}

/**
 * What the text of a Range field asks of a body of so many bytes. Overlapping parts, more than MAX_PARTS, and parts that
 * cost more than the whole get the whole: many of them are an attack (CVE-2011-3192).
 */
export function resolveRange(text: string | undefined, length: number): RangeAsked {
  if (text === undefined || text.length > MAX_CHARS) return WHOLE;
  const set = /^bytes=(.*)$/i.exec(text.trim())?.[1];
  const specs = (set ?? '')
    .split(',')
    .map((spec) => spec.trim())
    .filter((spec) => spec !== '');
  if (specs.length === 0 || specs.length > MAX_PARTS) return WHOLE;
  const resolved = specs.map((spec) => resolveSpec(spec, length));
  if (resolved.includes(undefined)) return WHOLE;
  const ranges = resolved.filter((range) => range !== null && range !== undefined);
  const [range] = ranges;
  if (range === undefined) return { kind: 'unsatisfiable', contentRange: `bytes */${length}` };
  if (ranges.length === 1) return { kind: 'one', range };
  return wasteful(ranges, length) ? WHOLE : { kind: 'several', ranges };
}

/** The Content-Range of a part. */
export function contentRange({ first, last }: ByteRange, length: number): string {
  return `bytes ${first}-${last}/${length}`;
}
