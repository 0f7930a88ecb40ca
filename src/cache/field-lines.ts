/** The lines of a field, one by one: for rules that count them, or look at each. */

import type { Fields } from '../core/raw.ts';

/** The values of all lines of a field, in their order. */
export function fieldLines(fields: Fields, name: string): string[] {
  const lines: string[] = [];
  for (let i = 0; i < fields.length; i += 2) if (fields[i] === name) lines.push(fields[i + 1]!);
  return lines;
}
