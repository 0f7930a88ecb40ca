/**
 * Control characters (C0, DEL, C1), line and paragraph separators, and the characters that turn the direction of text.
 * A reader of the log would take them for the end of a line or for commands of a terminal (CWE-117).
 */
const UNPRINTABLE = /[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;
const SUSPECT = /[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/;

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** Text from outside as a log may show it: one line, at most `max` characters and an ellipsis. */
export function printable(text: string, max: number): string {
  const cut = text.length > max ? `${text.slice(0, max)}…` : text;
  return SUSPECT.test(cut) ? cut.replace(UNPRINTABLE, escaped) : cut;
}

/** As `printable`, but lines stay lines: for stacks and lists of problems that are ours. */
export function printableLines(text: string, max: number): string {
  const cut = text.length > max ? `${text.slice(0, max)}…` : text;
  return SUSPECT.test(cut) ? cut.replace(UNPRINTABLE, (c) => (c === '\n' ? c : escaped(c))) : cut;
}
