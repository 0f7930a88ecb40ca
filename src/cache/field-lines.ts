/** The lines of a field, as rules that join or count them need them. */

import type { Fields } from '../core/raw.ts';

/** The values of all lines of a field, in their order. */
export function fieldLines(fields: Fields, name: string): string[] {
  const lines: string[] = [];
  for (let i = 0; i < fields.length; i += 2) if (fields[i] === name) lines.push(fields[i + 1]!);
  return lines;
}

/** The lines of a field as one value, RFC 9110 section 5.3; undefined where there is none. */
export function joinedLines(fields: Fields, name: string): string | undefined {
  let joined: string | undefined;
  for (let i = 0; i < fields.length; i += 2) {
    if (fields[i] === name) joined = joined === undefined ? fields[i + 1]! : `${joined}, ${fields[i + 1]!}`;
  }
  return joined;
}
