/** What names and values of fields may be in HTTP/2, RFC 9113 section 8.2, both ways. */

import { fieldName } from '../core/headers.ts';

/** Fields of a connection, which HTTP/2 does not have: section 8.2.2. */
const FORBIDDEN = ['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade'];

/**
 * Fields of which one value is read, the first, as Node does for both protocols: what was said twice is no list. The first
 * two would decide about a body, were they read in trailers.
 */
const SINGLE_NAMES = [
  'content-length',
  'content-type',
  'access-control-request-method',
  'authorization',
  'content-encoding',
  'content-language',
  'content-location',
  'content-md5',
  'content-range',
  'date',
  'dnt',
  'etag',
  'expires',
  'from',
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-range',
  'if-unmodified-since',
  'last-modified',
  'max-forwards',
  'proxy-authorization',
  'range',
  'referer',
  'upgrade-insecure-requests',
  'user-agent',
];

/** The same names, to be looked up. */
export const SINGLE: ReadonlySet<string> = new Set(SINGLE_NAMES);

/**
 * What may not be there twice in a list of fields, a bit for each name: in the head of an answer whatever the origin says
 * twice goes on as it is, like over HTTP/1.1.
 */
export const Once = { ANSWER: 0, TRAILERS: 0b11, REQUEST: 2 ** SINGLE_NAMES.length - 1 } as const;

/** How a name is dealt with: a good name without rules is `PLAIN`, and one of `SINGLE_NAMES` has a bit of its own. */
const PLAIN = 0;
const BAD = -1;

/** Names that were looked at before. Bounded, as peers choose them; never emptied, as there are few good ones. */
const names = new Map<string, number>([
  ...FORBIDDEN.map((name): [string, number] => [name, BAD]),
  ...SINGLE_NAMES.map((name, index): [string, number] => [name, 1 << index]),
]);
const MOST_NAMES = 1000;
const LONGEST_KEPT = 64;

function kindOf(name: string): number {
  const kind = names.get(name);
  if (kind !== undefined) return kind;
  // Pseudo-headers are read apart; here the colon is no part of a name.
  if (!fieldName(name)) return BAD;
  if (names.size < MOST_NAMES && name.length <= LONGEST_KEPT) names.set(name, PLAIN);
  return PLAIN;
}

const BAD_VALUE = /[^\t\x20-\x7e\x80-\xff]/;

/** A value without control characters and without blanks at its ends: section 8.2.1. */
export function goodValue(value: string): boolean {
  const { length } = value;
  if (length === 0) return true;
  const first = value.charCodeAt(0);
  const last = value.charCodeAt(length - 1);
  if (first === 0x20 || first === 0x09 || last === 0x20 || last === 0x09) return false;
  return !BAD_VALUE.test(value);
}

/** A name that a request may have, beside pseudo-headers. */
export function goodName(name: string): boolean {
  return kindOf(name) !== BAD;
}

/** Why a list of fields cannot be sent, or undefined; `once` is one of Once. */
export function unsayable(fields: readonly string[], once: number): string | undefined {
  let seen = 0;
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i]!;
    const kind = kindOf(name);
    if (kind === BAD) return `HTTP/2 has no field ${JSON.stringify(name)}`;
    if ((kind & once) !== 0) {
      if ((seen & kind) !== 0) return `the field ${name} is there twice`;
      seen |= kind;
    }
    if (!goodValue(fields[i + 1]!)) return `the value of ${name} has characters that a field cannot have`;
  }
  return undefined;
}
