/** Dictionaries of structured fields, RFC 9651 section 3.2, as far as targeted cache fields need them. */

/** The value of one member. Of bytes, dates, display strings and inner lists only the kind is told. */
export type DictionaryValue =
  | { readonly kind: 'boolean'; readonly value: boolean }
  | { readonly kind: 'integer'; readonly value: number }
  | { readonly kind: 'string' | 'token'; readonly value: string }
  | { readonly kind: 'other' };

const KEY = /[a-z*][a-z0-9_.*-]*/y;
const NUMBER = /-?(?:[0-9]{1,15}(?![0-9.])|[0-9]{1,12}\.[0-9]{1,3}(?![0-9]))/y;
const STRING = /"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"/y;
const TOKEN = /[A-Za-z*][A-Za-z0-9:/!#$%&'*+.^_`|~-]*/y;
const BYTES = /:[A-Za-z0-9+/=]*:/y;
const DATE = /@-?[0-9]{1,15}(?![0-9.])/y;
const DISPLAY = /%"(?:[\x20\x21\x23\x24\x26-\x7e]|%[0-9a-f]{2})*"/y;
const BOOLEAN = /\?[01]/y;
const SPACES = / */y;
const OPTIONAL_SPACE = /[ \t]*/y;

/** Goes through the text once; every step moves on or fails. */
class Reader {
  readonly text: string;
  at = 0;

  constructor(text: string) {
    this.text = text;
  }

  take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0];
    if (found !== undefined) this.at += found.length;
    return found;
  }

  skip(char: string): boolean {
    if (this.text[this.at] !== char) return false;
    this.at++;
    return true;
  }

  get ended(): boolean {
    return this.at >= this.text.length;
  }
}

const OTHER: DictionaryValue = { kind: 'other' };
const TRUE: DictionaryValue = { kind: 'boolean', value: true };

function bareItem(reader: Reader): DictionaryValue | undefined {
  const number = reader.take(NUMBER);
  if (number !== undefined) return number.includes('.') ? OTHER : { kind: 'integer', value: Number(number) };
  const string = reader.take(STRING);
  if (string !== undefined) return { kind: 'string', value: string.slice(1, -1).replace(/\\(.)/g, '$1') };
  const token = reader.take(TOKEN);
  if (token !== undefined) return { kind: 'token', value: token };
  const boolean = reader.take(BOOLEAN);
  if (boolean !== undefined) return { kind: 'boolean', value: boolean === '?1' };
  return (reader.take(BYTES) ?? reader.take(DATE) ?? reader.take(DISPLAY)) === undefined ? undefined : OTHER;
}

/** Parameters are read over; false where they are broken. */
function parameters(reader: Reader): boolean {
  while (reader.skip(';')) {
    reader.take(SPACES);
    if (reader.take(KEY) === undefined) return false;
    if (reader.skip('=') && bareItem(reader) === undefined) return false;
  }
  return true;
}

function innerList(reader: Reader): DictionaryValue | undefined {
  for (;;) {
    reader.take(SPACES);
    if (reader.skip(')')) return OTHER;
    if (bareItem(reader) === undefined || !parameters(reader)) return undefined;
    const next = reader.text[reader.at];
    if (next !== ' ' && next !== ')') return undefined;
  }
}

/** The members of a dictionary, of members of one name the last; undefined where the text is no dictionary. */
export function structuredDictionary(text: string): ReadonlyMap<string, DictionaryValue> | undefined {
  const members = new Map<string, DictionaryValue>();
  const reader = new Reader(text.replace(/^ +| +$/g, ''));
  while (!reader.ended) {
    const key = reader.take(KEY);
    if (key === undefined) return undefined;
    const value = !reader.skip('=') ? TRUE : reader.skip('(') ? innerList(reader) : bareItem(reader);
    if (value === undefined || !parameters(reader)) return undefined;
    members.set(key, value);
    reader.take(OPTIONAL_SPACE);
    if (reader.ended) return members;
    if (!reader.skip(',')) return undefined;
    reader.take(OPTIONAL_SPACE);
    if (reader.ended) return undefined;
  }
  return members;
}
