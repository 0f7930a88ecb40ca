/** Cache-Control in requests and answers, RFC 9111 section 5.2, and the targeted fields of RFC 9213. */

import { fieldName, getField } from '../core/headers.ts';
import type { Fields } from '../core/raw.ts';
import { deltaSeconds, MAX_SECONDS } from './delta-seconds.ts';
import { fieldLines } from './field-lines.ts';
import { type DictionaryValue, structuredDictionary } from './structured-dictionary.ts';
import { SURROGATE_CONTROL, surrogateControl } from './surrogate-control.ts';

/** What a Cache-Control said. Seconds; a directive that was not there is false or undefined. */
export interface CacheControl {
  /** There was a field with at least one directive. */
  readonly present: boolean;
  readonly noStore: boolean;
  /** no-cache without field names. */
  readonly noCache: boolean;
  /** The lower-case names of a qualified `no-cache="a, b"`. */
  readonly noCacheFields: readonly string[];
  /** private without field names. */
  readonly private: boolean;
  readonly privateFields: readonly string[];
  readonly public: boolean;
  readonly mustRevalidate: boolean;
  readonly proxyRevalidate: boolean;
  readonly mustUnderstand: boolean;
  readonly noTransform: boolean;
  readonly immutable: boolean;
  readonly onlyIfCached: boolean;
  readonly maxAge: number | undefined;
  readonly sMaxage: number | undefined;
  readonly minFresh: number | undefined;
  /** Infinity for max-stale without a number. */
  readonly maxStale: number | undefined;
  readonly staleWhileRevalidate: number | undefined;
  readonly staleIfError: number | undefined;
}

/** A qualified directive that names more fields counts as one that names none: for all of the answer. */
const MAX_NAMED = 64;

/** The same, while it is read. */
type Draft = { -readonly [K in keyof CacheControl]: CacheControl[K] };

function draft(): Draft {
  return {
    present: false,
    noStore: false,
    noCache: false,
    noCacheFields: [],
    private: false,
    privateFields: [],
    public: false,
    mustRevalidate: false,
    proxyRevalidate: false,
    mustUnderstand: false,
    noTransform: false,
    immutable: false,
    onlyIfCached: false,
    maxAge: undefined,
    sMaxage: undefined,
    minFresh: undefined,
    maxStale: undefined,
    staleWhileRevalidate: undefined,
    staleIfError: undefined,
  };
}

const FLAGS = {
  'no-store': 'noStore',
  public: 'public',
  'must-revalidate': 'mustRevalidate',
  'proxy-revalidate': 'proxyRevalidate',
  'must-understand': 'mustUnderstand',
  'no-transform': 'noTransform',
  immutable: 'immutable',
  'only-if-cached': 'onlyIfCached',
} as const;

const SECONDS = {
  'max-age': 'maxAge',
  's-maxage': 'sMaxage',
  'max-stale': 'maxStale',
  'stale-while-revalidate': 'staleWhileRevalidate',
  'stale-if-error': 'staleIfError',
} as const;

const QUALIFIED = {
  'no-cache': ['noCache', 'noCacheFields'],
  private: ['private', 'privateFields'],
} as const;

const has = <T extends object>(table: T, name: string): name is Extract<keyof T, string> => Object.hasOwn(table, name);

/** Adds a directive. Of several of one name the most careful counts: the least of numbers, all of the names. */
function add(into: Draft, name: string, value: string | undefined): void {
  into.present = true;
  if (has(FLAGS, name)) into[FLAGS[name]] = true;
  else if (has(SECONDS, name)) {
    // What is no number makes stale, RFC 9111 section 4.2.1.
    const unbounded = name === 'max-stale' && value === undefined;
    const seconds = unbounded ? Number.POSITIVE_INFINITY : (deltaSeconds(value ?? '') ?? 0);
    into[SECONDS[name]] = Math.min(into[SECONDS[name]] ?? Number.POSITIVE_INFINITY, seconds);
  } else if (name === 'min-fresh') {
    into.minFresh = Math.max(into.minFresh ?? 0, deltaSeconds(value ?? '') ?? MAX_SECONDS);
  } else if (has(QUALIFIED, name)) {
    const [flag, list] = QUALIFIED[name];
    const names = (value ?? '').split(',', MAX_NAMED + 1).map((field) => field.trim().toLowerCase());
    const named = names.filter((field) => field !== '');
    if (named.length === 0 || names.length > MAX_NAMED || !named.every(fieldName)) into[flag] = true;
    else into[list] = [...into[list], ...named].slice(0, MAX_NAMED + 1);
    if (into[list].length > MAX_NAMED) into[flag] = true;
  }
}

const NAME = /[!#$%&'*+.^_`|~0-9A-Za-z-]+/y;
const QUOTED = /"((?:[^"\\]|\\.)*)"/y;
const PLAIN = /[^,]*/y;

function match(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}

/** Reads one line. A quoted string that never ends is none, lest it hide the directives after it. */
function readLine(into: Draft, line: string): void {
  const lastQuote = line.lastIndexOf('"');
  let at = 0;
  while (at < line.length) {
    const name = match(NAME, line, at)?.[0];
    if (name === undefined) {
      // Space, a comma, or a character that no name begins with: garbage up to the next comma is no directive.
      const char = line[at]!;
      at = char === ',' || char === ' ' || char === '\t' ? at + 1 : at + match(PLAIN, line, at)![0].length;
      continue;
    }
    at += name.length;
    const equals = line[at] === '=';
    if (equals) at++;
    const quoted = equals && line[at] === '"' && at < lastQuote ? match(QUOTED, line, at) : null;
    const from = at;
    at += quoted?.[0].length ?? 0;
    // Whatever stands between the directive and the next comma belongs to its value, and makes it no number.
    const rest = match(PLAIN, line, at)![0];
    at += rest.length;
    const clean = rest.trim() === '';
    const plain = equals || !clean ? line.slice(from, at).trimEnd() : undefined;
    const value = quoted !== null && clean ? quoted[1]!.replace(/\\(.)/g, '$1') : plain;
    add(into, name.toLowerCase(), value);
  }
}

/** The directives of one field's text. Never throws: what cannot be understood is taken in the careful sense. */
export function parseCacheControl(text: string | undefined): CacheControl {
  const into = draft();
  if (text !== undefined) readLine(into, text);
  return into;
}

/** Each line by itself: a quote left open in one cannot swallow another. */
function ofLines(lines: readonly string[]): CacheControl {
  const into = draft();
  for (const line of lines) readLine(into, line);
  return into;
}

/** The directives of a request; `Pragma: no-cache` counts where there is no Cache-Control, RFC 9111 section 5.4. */
export function requestDirectives(fields: Fields): CacheControl {
  if (getField(fields, 'cache-control') !== undefined) return ofLines(fieldLines(fields, 'cache-control'));
  if (getField(fields, 'pragma') === undefined) return NOTHING_ASKED;
  return ofLines(fieldLines(fields, 'pragma')).noCache ? { ...NOTHING_ASKED, noCache: true } : NOTHING_ASKED;
}

/** The directives of a request that says nothing. */
export const NOTHING_ASKED: CacheControl = Object.freeze(draft());

/** The directives of an answer, and which field they are from. */
export interface AnswerDirectives extends CacheControl {
  /** The targeted field, lower-case, or `cache-control`. With a targeted field Expires does not count. */
  readonly from: string;
}

/** What a member of a targeted field says as a directive's value; null where the type is wrong. */
function memberValue(name: string, member: DictionaryValue): string | undefined | null {
  if (name in SECONDS) return member.kind === 'integer' && member.value >= 0 ? String(member.value) : null;
  if (member.kind === 'string' && name in QUALIFIED) return member.value;
  return undefined;
}

/** What Surrogate-Control says, in the words of Cache-Control; undefined where it says nothing of storing. */
function surrogate(lines: readonly string[]): CacheControl | undefined {
  const said = surrogateControl(lines);
  if (said === undefined) return undefined;
  const { noStore, maxAge, extension } = said;
  return { ...draft(), present: true, noStore, maxAge, staleWhileRevalidate: extension };
}

/** A targeted field, or undefined where it is not there, empty, no dictionary, or a number in it is none. */
function targeted(fields: Fields, name: string): CacheControl | undefined {
  const lines = fieldLines(fields, name);
  if (name === SURROGATE_CONTROL) return surrogate(lines);
  const members = lines.length === 0 ? undefined : structuredDictionary(lines.join(', '));
  if (members === undefined || members.size === 0) return undefined;
  const into = draft();
  into.present = true;
  for (const [directive, member] of members) {
    if (member.kind === 'boolean' && !member.value) continue;
    const value = memberValue(directive, member);
    if (value === null) return undefined;
    add(into, directive, value);
  }
  return into;
}

/**
 * The directives of an answer: of the first of `targets` (lower-case field names, RFC 9213 section 2.2) that is there
 * and valid, else of Cache-Control. `surrogate-control` is read by its own syntax.
 */
export function answerDirectives(fields: Fields, targets: readonly string[]): AnswerDirectives {
  for (const from of targets) {
    const directives = targeted(fields, from);
    if (directives !== undefined) return { ...directives, from };
  }
  return { ...ofLines(fieldLines(fields, 'cache-control')), from: 'cache-control' };
}
