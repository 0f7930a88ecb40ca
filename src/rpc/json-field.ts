/**
 * Reads one field of a message in JSON as protojson has it, https://protobuf.dev/programming-guides/json/ and
 * google.golang.org/protobuf/encoding/protojson: names as in the definition or in camel case, null for what is not set.
 */

import type { FieldPath } from './field-path.ts';
import type { FieldName, MessageField } from './message-type.ts';
import { MALFORMED } from './protobuf-field.ts';
import { writtenNumber } from './whole-number.ts';

type Result = string | undefined | typeof MALFORMED;

// A byte order mark stays, and JSON.parse refuses it as ZITADEL does.
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The field as text; undefined where it is not set, null, empty or zero. */
export function jsonField(bytes: Uint8Array, path: FieldPath): Result {
  let value: unknown;
  try {
    const text = utf8.decode(bytes);
    value = JSON.parse(text);
    // Go's protojson refuses a name that comes twice; other readers take the first or the last: nobody can be sure.
    if (repeatsName(text)) return MALFORMED;
  } catch {
    return MALFORMED;
  }
  return within(value, path);
}

/**
 * The field of a REST body that is for one field of the message. Where that field is the one looked for, the body is
 * its value.
 */
export function jsonFieldBelow(bytes: Uint8Array, path: FieldPath): Result {
  if (path.length > 1) return jsonField(bytes, path.slice(1));
  try {
    return leaf(JSON.parse(utf8.decode(bytes)), path[0]!);
  } catch {
    return MALFORMED;
  }
}

function within(value: unknown, path: FieldPath): Result {
  let at = value;
  for (const field of path) {
    if (at === undefined || at === null) return undefined;
    if (typeof at !== 'object' || Array.isArray(at)) return MALFORMED;
    const object = at as Record<string, unknown>;
    const given = namesIn(object, field);
    // Both spellings are the same field twice.
    if (given.length > 1) return MALFORMED;
    // Two of a oneof are refused by protojson; a reader that takes one of them takes whichever it likes.
    if (field.rivals.some((rival) => namesIn(object, rival).length > 0)) {
      return given.length > 0 ? MALFORMED : undefined;
    }
    at = given.length === 0 ? undefined : object[given[0]!];
  }
  return leaf(at, path.at(-1)!);
}

/** The spellings of a field that an object has, but for null. */
function namesIn(object: Record<string, unknown>, { name, jsonName }: FieldName): string[] {
  const has = (one: string): boolean => Object.hasOwn(object, one) && object[one] !== null;
  return (name === jsonName ? [name] : [name, jsonName]).filter(has);
}

function leaf(value: unknown, field: MessageField): Result {
  if (value === undefined || value === null) return undefined;
  if (field.kind === 'text') {
    // Half of a surrogate pair is no text: protojson refuses it, other readers replace it.
    return typeof value === 'string' && value.isWellFormed() ? value || undefined : MALFORMED;
  }
  if (field.whole === undefined || (typeof value !== 'number' && typeof value !== 'string')) return MALFORMED;
  const text = writtenNumber(value, field.whole);
  return text === '0' ? undefined : (text ?? MALFORMED);
}

const [QUOTE, BACKSLASH, COLON] = [0x22, 0x5c, 0x3a];
const OPENS: ReadonlySet<number> = new Set([0x7b, 0x5b]);
const CLOSES: ReadonlySet<number> = new Set([0x7d, 0x5d]);
const SPACES: ReadonlySet<number> = new Set([0x20, 0x09, 0x0a, 0x0d]);

/**
 * Whether an object in a text has a name twice. The text must be JSON; it is scanned once more because parsers forget
 * the first one.
 */
export function repeatsName(text: string): boolean {
  const open: Set<string>[] = [];
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (OPENS.has(code)) open.push(new Set());
    else if (CLOSES.has(code)) open.pop();
    else if (code === QUOTE) {
      const start = at;
      let escaped = false;
      for (at += 1; text.charCodeAt(at) !== QUOTE; at += 1) {
        if (text.charCodeAt(at) !== BACKSLASH) continue;
        escaped = true;
        at += 1;
      }
      const end = at + 1;
      while (SPACES.has(text.charCodeAt(at + 1))) at += 1;
      // What no colon follows is a value.
      if (text.charCodeAt(at + 1) !== COLON) continue;
      const names = open.at(-1)!;
      const name = escaped ? (JSON.parse(text.slice(start, end)) as string) : text.slice(start + 1, end - 1);
      if (names.has(name)) return true;
      names.add(name);
    }
  }
  return false;
}
