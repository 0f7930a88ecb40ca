import { z } from 'zod';

/** One segment of a path pattern: `text` must begin it; with `parameter` anything but a slash may follow (at least one character). */
export interface Segment {
  readonly text: string;
  readonly parameter: string | undefined;
}

/** What a route says of paths, matched on the path decoded once. */
export interface Pattern {
  readonly segments: readonly Segment[];
  /** The pattern ends in `/*`: the path itself, the path with a slash, and everything below. */
  readonly below: boolean;
}

const SEGMENT = /^([^{}*]*)(?:\{([a-z_][a-z0-9_]*)\})?$/;

/** Reads a path pattern; throws an Error that says what is wrong. */
export function parsePattern(text: string): Pattern {
  if (!text.startsWith('/')) throw new Error('expected a path that begins with /');
  if (/[?#]/.test(text)) throw new Error('expected a path without a query or fragment');
  if (text.includes('%')) throw new Error('expected the decoded path: requests are matched after percent-decoding');
  if (/[\\\x00-\x20\x7f]/.test(text))
    throw new Error('expected a path without backslashes, spaces or control characters');
  const below = text.endsWith('/*');
  const parts = (below ? text.slice(0, -2) : text).split('/').slice(1);
  const names = new Set<string>();
  const segments = parts.map((part, index): Segment => {
    if (part === '.' || part === '..' || (part === '' && index < parts.length - 1)) {
      throw new Error('expected a path without empty and dot segments: such requests are refused');
    }
    const match = SEGMENT.exec(part);
    if (match === null) {
      throw new Error(
        'expected {name} only at the end of a segment (lower-case letters, digits, _), and * only as /* at the end',
      );
    }
    const [, literal, parameter] = match;
    if (parameter !== undefined && names.has(parameter)) throw new Error(`expected {${parameter}} once`);
    if (parameter !== undefined) names.add(parameter);
    return { text: literal!, parameter };
  });
  if (below && segments.at(-1)?.text === '' && segments.at(-1)?.parameter === undefined) {
    throw new Error('expected a path without empty and dot segments: such requests are refused');
  }
  return { segments, below };
}

/** The pattern with its parameters' names taken away: two patterns with the same form match the same paths. */
export function patternForm(text: string): string {
  return text.replace(/\{[^}]*\}/g, '{}');
}

/** A path pattern in the schema. */
export const pattern = z.string().superRefine((text, context) => {
  try {
    parsePattern(text);
  } catch (error) {
    context.addIssue({ code: 'custom', message: (error as Error).message });
  }
});
