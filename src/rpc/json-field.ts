/** Reads one field of a message in JSON as protojson has it, https://protobuf.dev/programming-guides/json/ */

import type { FieldPath } from './field-path.ts';
import { MALFORMED } from './protobuf-field.ts';

/** The field as text; undefined where it is not set or null. */
export function jsonField(text: string, path: FieldPath): string | undefined | typeof MALFORMED {
  let value: unknown;
  try {
    // Go's protojson refuses a name that comes twice; other readers take the first or the last: nobody can be sure.
    if (repeatsName(text)) return MALFORMED;
    value = JSON.parse(text);
  } catch {
    return MALFORMED;
  }
  return fieldOf(value, path);
}

/** The same of a value that was parsed. */
function fieldOf(value: unknown, path: FieldPath): string | undefined | typeof MALFORMED {
  let at = value;
  for (const { name, jsonName } of path) {
    if (at === undefined || at === null) return undefined;
    if (typeof at !== 'object' || Array.isArray(at)) return MALFORMED;
    const object = at as Record<string, unknown>;
    const names = name === jsonName ? [name] : [name, jsonName];
    const given = names.filter((one) => Object.hasOwn(object, one) && object[one] !== null);
    if (given.length > 1) return MALFORMED; // both spellings: the same field twice
    at = given.length === 0 ? undefined : object[given[0]!];
  }
  if (at === undefined || at === null) return undefined;
  if (typeof at === 'string') return at;
  return typeof at === 'number' ? String(at) : MALFORMED;
}

/** Whether an object in the text has a name twice. The text is scanned, not parsed: parsers forget the first one. */
export function repeatsName(text: string): boolean {
  const open: (Set<string> | undefined)[] = [];
  const token = /"(?:[^"\\]|\\.)*"|[{}[\]]/gs;
  for (let found = token.exec(text); found !== null; found = token.exec(text)) {
    const [what] = found;
    if (what === '{') open.push(new Set());
    else if (what === '[') open.push(undefined);
    else if (what === '}' || what === ']') open.pop();
    else {
      const names = open.at(-1);
      if (names === undefined || !/^\s*:/.test(text.slice(token.lastIndex, token.lastIndex + 64))) continue;
      const name = JSON.parse(what) as string;
      if (names.has(name)) return true;
      names.add(name);
    }
  }
  return false;
}
