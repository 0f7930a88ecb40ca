/** What is wrong with a config, and where. */

/** Keys and indices that lead to a value. */
export type Path = readonly (string | number)[];

/** Something found in a config before its position is known. */
export interface Finding {
  readonly path: Path;
  /** What is wrong, with what was expected and what was found. */
  readonly message: string;
  /** What would have been right. */
  readonly expected?: string;
  /** The key or value that was probably meant. */
  readonly suggestion?: string;
  /** The key itself is wrong, not its value. */
  readonly atKey?: boolean;
  /** Known where the text did not even parse. */
  readonly place?: Place;
}

/** A position in a file; both count from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** A finding with its position. */
export interface Problem extends Place {
  readonly file: string;
  /** `listeners[0].tls.min_version`; empty for the whole file. */
  readonly path: string;
  readonly message: string;
  readonly expected?: string;
  readonly suggestion?: string;
}

/** A path as people write it; different paths never look the same. */
export function formatPath(path: Path): string {
  let text = '';
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`;
    else if (/^[A-Za-z_][A-Za-z0-9_-]*$/.test(part)) text += text === '' ? part : `.${part}`;
    else text += `[${JSON.stringify(part)}]`;
  }
  return text;
}

/** One line for a problem: `file:line:column: path: message`. */
export function formatProblem({ file, line, column, path, message }: Problem): string {
  return `${file}:${line}:${column}: ${path === '' ? '' : `${path}: `}${message}`;
}

/** A config that cannot be used. Its message has one line for every problem. */
export class ConfigError extends Error {
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super(problems.map(formatProblem).join('\n'));
    this.name = 'ConfigError';
    this.problems = problems;
  }
}
