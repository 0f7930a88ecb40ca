/** YAML text as plain values with their positions; references to the environment and to files are resolved on the way. */

import { dirname, resolve } from 'node:path';
import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  type Scalar,
  visit,
} from 'yaml';
import { coreScalar, type Environment, expand } from './environment.ts';
import { type Finding, formatPath, type Path, type Place } from './problem.ts';
import { childOf, marks, type Schema, takesText } from './shape.ts';

/** The largest config file, in bytes. */
export const MAX_FILE_BYTES = 1_048_576;
/** Aliases cost little text and much memory: YAML 1.2.2 section 3.2.2.2, "billion laughs". */
const MAX_ALIASES = 100;
const MAX_VALUES = 100_000;
const MAX_DEPTH = 64;

/** What reading needs: the text, whose name relative files are relative to, and the two things outside it. */
export interface SourceInput {
  readonly text: string;
  readonly file: string;
  readonly env: Environment;
  /** The content of a file; throws where it cannot be read. */
  readonly readFile: (path: string) => string;
  /** Says which keys are secrets, which name files and which take text. */
  readonly schema: Schema;
}

/** What was read. `value` is undefined where the text is not YAML. */
export interface Source {
  readonly value: unknown;
  readonly findings: readonly Finding[];
  /** Where a value or its key stands; the nearest place above it where it stands nowhere. */
  place(path: Path, atKey?: boolean): Place;
}

const ABSENT = Symbol('absent');

/** Reads a YAML text. Never throws: what is wrong is in `findings`. */
export function readSource(input: SourceInput): Source {
  const lines = new LineCounter();
  const document = parseDocument(input.text, {
    lineCounter: lines,
    prettyErrors: false,
    // Told by the walk below, with the path and the line of the first one.
    uniqueKeys: false,
    schema: 'core',
    merge: false,
    logLevel: 'error',
  });
  const placeOf = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const walk = new Walk(input, document, placeOf);
  const syntax = [...document.errors, ...document.warnings].map(
    ({ message, pos }): Finding => ({ path: [], message: firstLine(message), place: placeOf(pos[0]) }),
  );
  const value =
    syntax.length > 0 || walk.tooManyAliases() ? undefined : walk.value(document.contents, [], input.schema, 0);
  return {
    value: value === ABSENT ? undefined : value,
    findings: [...syntax, ...walk.findings],
    place(path, atKey = false) {
      for (let length = path.length; length > 0; length--) {
        const key = formatPath(path.slice(0, length));
        const offset =
          atKey || length < path.length ? (walk.keys.get(key) ?? walk.values.get(key)) : walk.values.get(key);
        if (offset !== undefined) return placeOf(offset);
      }
      return placeOf(document.contents?.range?.[0] ?? 0);
    },
  };
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0]!;
}

/** One pass over the nodes, in the order of the text. */
class Walk {
  readonly findings: Finding[] = [];
  readonly values = new Map<string, number>();
  readonly keys = new Map<string, number>();
  readonly #input: SourceInput;
  readonly #document: Document;
  readonly #placeOf: (offset: number) => Place;
  #count = 0;

  constructor(input: SourceInput, document: Document, placeOf: (offset: number) => Place) {
    this.#input = input;
    this.#document = document;
    this.#placeOf = placeOf;
  }

  tooManyAliases(): boolean {
    let aliases = 0;
    let last: Node | undefined;
    visit(this.#document, {
      Alias: (_key, node) => {
        aliases += 1;
        last = node;
        return aliases > MAX_ALIASES ? visit.BREAK : undefined;
      },
    });
    if (aliases <= MAX_ALIASES) return false;
    const place = this.#placeOf(last?.range?.[0] ?? 0);
    this.findings.push({ path: [], message: `more than ${MAX_ALIASES} aliases`, place });
    return true;
  }

  value(node: unknown, path: Path, schema: Schema | undefined, depth: number): unknown {
    const offset = (node as Node | null)?.range?.[0];
    if (offset !== undefined && !this.values.has(formatPath(path))) this.values.set(formatPath(path), offset);
    this.#count += 1;
    if (depth > MAX_DEPTH) return this.#refuse(path, `nested more than ${MAX_DEPTH} deep`);
    if (this.#count > MAX_VALUES) {
      if (this.#count === MAX_VALUES + 1)
        this.#refuse([], `more than ${MAX_VALUES} values, aliases counted as what they stand for`);
      return null;
    }
    if (isAlias(node)) {
      const target = node.resolve(this.#document);
      if (target === undefined) return this.#refuse(path, `the alias *${node.source} has no anchor before it`);
      return this.value(target, path, schema, depth + 1);
    }
    if (isMap(node)) return this.#map(node.items, path, schema, depth);
    if (isSeq(node)) {
      const list: unknown[] = [];
      for (const item of node.items) {
        const here = [...path, list.length];
        const read = this.value(item, here, childOf(schema, list.length), depth + 1);
        if (read !== ABSENT) list.push(read);
        else this.values.delete(formatPath(here)); // the next one takes its index
      }
      return list;
    }
    return isScalar(node) ? this.#scalar(node, path, schema) : null;
  }

  #map(
    items: readonly { key: unknown; value: unknown }[],
    path: Path,
    schema: Schema | undefined,
    depth: number,
  ): unknown {
    const map: Record<string, unknown> = {};
    const first = new Map<string, number>();
    for (const { key, value } of items) {
      const offset = (key as Node | null)?.range?.[0] ?? 0;
      const place = this.#placeOf(offset);
      if (!isScalar(key)) {
        this.findings.push({ path, message: 'expected a plain word as a key', place });
        continue;
      }
      const text = String(key.value);
      const here = [...path, text];
      const earlier = first.get(text);
      if (earlier !== undefined) {
        const message = `given twice, first at line ${this.#placeOf(earlier).line}`;
        this.findings.push({ path: here, message, expected: 'every key once', place });
        continue;
      }
      first.set(text, offset);
      if (!this.keys.has(formatPath(here))) this.keys.set(formatPath(here), offset);
      if (text === '__proto__') {
        this.findings.push({ path: here, message: 'unknown key', place });
        continue;
      }
      const read = this.value(value, here, childOf(schema, text), depth + 1);
      if (read !== ABSENT) map[text] = read;
    }
    return map;
  }

  #scalar(node: Scalar, path: Path, schema: Schema | undefined): unknown {
    if (typeof node.value !== 'string') return node.value;
    const { text, whole, absent, problems } = expand(node.value, this.#input.env);
    for (const message of problems) this.#refuse(path, message);
    if (problems.length > 0) return null;
    if (absent) return ABSENT;
    const { secret, file } = schema === undefined ? {} : marks(schema);
    // Only the config itself may name a file: what a variable holds is text.
    if (secret && node.value.startsWith('file:')) return this.#secret(text.slice('file:'.length), path);
    if (file && text !== '') return resolve(dirname(this.#input.file), text);
    return whole && !takesText(schema) ? coreScalar(text) : text;
  }

  #secret(name: string, path: Path): unknown {
    const file = resolve(dirname(this.#input.file), name.trim());
    try {
      return this.#input.readFile(file).replace(/\r?\n$/, '');
    } catch (error) {
      const reason = (error as NodeJS.ErrnoException).code ?? (error as Error).message;
      return this.#refuse(path, `cannot read ${file} (${reason})`);
    }
  }

  /** A value that cannot be read is null, so that the places after it keep their paths; nothing more is said of it. */
  #refuse(path: Path, message: string): null {
    this.findings.push({ path, message });
    return null;
  }
}
