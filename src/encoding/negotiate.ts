/** Which content coding an answer has, by the request's Accept-Encoding: RFC 9110 section 12.5.3. */

import { CODING_NAMES, type CodingName } from './coding.ts';

/** Longer values are not read, in characters: such a client gets the answer uncoded. No browser sends a tenth of it. */
const MAX_LENGTH = 512;
/** How many values an Acceptance remembers; when it is full it begins anew, so that garbage drives nobody out for good. */
const REMEMBERED = 256;

const NONE: readonly CodingName[] = Object.freeze([]);

/** RFC 9110 section 12.4.2: at most three digits after the point, and nothing above 1. */
const QVALUE = /^(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/;
const MEMBER = /^([!#$%&'*+.^_`|~0-9a-z-]+)[ \t]*(?:;[ \t]*q=([^;]*))?$/;

/** What a field says: a weight by coding, in the field's own words. */
function weights(field: string): Map<string, number> {
  const out = new Map<string, number>();
  for (const text of field.toLowerCase().split(',')) {
    const member = MEMBER.exec(text.trim());
    // What cannot be read says nothing: the coding counts as not named, and the answer comes without it.
    if (member === null || (member[2] !== undefined && !QVALUE.test(member[2]))) continue;
    const name = member[1] === 'x-gzip' ? 'gzip' : member[1]!;
    const weight = member[2] === undefined ? 1 : Number(member[2]);
    // Named twice: the client's refusal must stand, so the lower weight does.
    out.set(name, Math.min(weight, out.get(name) ?? 1));
  }
  return out;
}

/** The codings that the field accepts, of those offered; the one to take first. */
function ranked(field: string, offered: readonly CodingName[]): readonly CodingName[] {
  const said = weights(field);
  if (said.size === 0) return NONE;
  const any = said.get('*') ?? 0;
  // Where identity is said to be better than a coding, the client would rather not decode.
  const least = said.get('identity') ?? 0;
  const candidates = offered
    .map((name, place) => {
      const named = said.get(name);
      // A client that says only `*` has not said that it knows the younger codings: the oldest, last in the list, first.
      return { name, weight: named ?? any, named: named !== undefined, place: named === undefined ? -place : place };
    })
    .filter(({ weight }) => weight > 0 && weight >= least)
    .sort((a, b) => b.weight - a.weight || Number(b.named) - Number(a.named) || a.place - b.place);
  return candidates.length === 0 ? NONE : Object.freeze(candidates.map(({ name }) => name));
}

/**
 * What clients accept of a list of codings. The highest weight of the client wins; among equals what the list prefers.
 * Remembers what it has read: few different values come again and again.
 */
export class Acceptance {
  readonly #offered: readonly CodingName[];
  readonly #known = new Map<string, readonly CodingName[]>();

  /** `offered`: preferred first. */
  constructor(offered: readonly CodingName[] = CODING_NAMES) {
    this.#offered = offered;
  }

  /**
   * The codings that may be used, best first; empty where the answer goes out as it is: no field, an empty one, one that
   * only accepts others, or one too long to be read. Also where identity is refused and nothing else is left, since RFC
   * 9110 section 12.5.3 lets the origin answer uncoded then.
   */
  codings(field: string | readonly string[] | undefined): readonly CodingName[] {
    if (field === undefined) return NONE;
    const text = typeof field === 'string' ? field : field.join(',');
    if (text.length > MAX_LENGTH) return NONE;
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    const codings = ranked(text, this.#offered);
    if (this.#known.size >= REMEMBERED) this.#known.clear();
    this.#known.set(text, codings);
    return codings;
  }

  /** The coding to use; undefined for identity. */
  coding(field: string | readonly string[] | undefined): CodingName | undefined {
    return this.codings(field)[0];
  }
}

const EVERY = new Acceptance();

/** The coding to use of all that the gateway speaks; undefined for identity. */
export function negotiate(field: string | readonly string[] | undefined): CodingName | undefined {
  return EVERY.coding(field);
}
