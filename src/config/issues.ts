/** What zod found, in words for the person who wrote the YAML. */

import type { z } from 'zod';
import { expectation, listedValues } from './expectation.ts';
import { nearest } from './nearest.ts';
import type { Finding, Path } from './problem.ts';
import { alternatives, core, keysOf, marks, type Schema, schemaAt } from './shape.ts';

type Issue = z.core.$ZodIssue;

/** The issues of a parse as findings. `value` is what was parsed, `schema` what it was parsed with. */
export function findingsOf(issues: readonly Issue[], value: unknown, schema: Schema, at: Path = []): Finding[] {
  return issues.flatMap((issue) => explain(issue, value, schema, at));
}

function explain(issue: Issue, value: unknown, root: Schema, at: Path): Finding[] {
  const below = issue.path as Path;
  const path = [...at, ...below];
  const found = valueAt(value, below);
  const schema = schemaAt(root, below);
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => unknownKey([...path, key], key, schema));
    case 'invalid_union':
      return explainUnion(issue, value, root, at, schema, found);
    case 'invalid_key':
      return [{ path, message: issue.issues[0]?.message ?? 'not a valid name', atKey: true }];
    case 'custom':
    case 'invalid_format':
      return [{ path, message: issue.message, expected: issue.message.replace(/^expected /, '') }];
    case 'too_small':
    case 'too_big':
      if (issue.origin !== 'number' && issue.origin !== 'int') return [sized(issue, path)];
  }
  if (found === undefined && schema !== undefined) {
    const expected = expectation(schema, lastKey(below));
    return [{ path, message: `is missing: expected ${expected}`, expected }];
  }
  return [unexpected(path, found, schema)];
}

/** Of the alternatives only the one counts that the value was meant for: what is said of a map is of no use beside a name. */
function explainUnion(
  issue: Issue & { code: 'invalid_union' },
  value: unknown,
  root: Schema,
  at: Path,
  schema: Schema | undefined,
  found: unknown,
): Finding[] {
  const kind = Array.isArray(found) ? 'array' : typeof found === 'object' && found !== null ? 'object' : typeof found;
  const index = (schema === undefined ? [] : optionsOf(schema)).findIndex(
    (option) => core(option)._zod.def.type === kind,
  );
  const inner = issue.errors[index];
  if (inner === undefined) return [unexpected([...at, ...(issue.path as Path)], found, schema)];
  return inner.flatMap((one) => explain({ ...one, path: [...issue.path, ...one.path] }, value, root, at));
}

function optionsOf(schema: Schema): readonly Schema[] {
  const { def } = core(schema)._zod;
  return def.type === 'union' ? def.options : alternatives(schema);
}

function unknownKey(path: Path, key: string, schema: Schema | undefined): Finding {
  if (key === '<<') {
    return { path, message: 'merge keys are not supported; an alias can stand for a whole value', atKey: true };
  }
  const keys = schema === undefined ? undefined : keysOf(schema);
  const suggestion = nearest(key, Object.keys(keys ?? {})) ?? deeper(key, keys ?? {});
  const message = suggestion === undefined ? 'unknown key' : `unknown key, did you mean ${suggestion}?`;
  return { path, message, atKey: true, ...(suggestion !== undefined && { suggestion }) };
}

/** The key one level down: `min_version` of a listener is `tls.min_version`. */
function deeper(key: string, keys: Readonly<Record<string, Schema>>): string | undefined {
  for (const [name, schema] of Object.entries(keys))
    if (Object.hasOwn(keysOf(schema) ?? {}, key)) return `${name}.${key}`;
  return undefined;
}

function unexpected(path: Path, found: unknown, schema: Schema | undefined): Finding {
  if (schema === undefined) return { path, message: `unexpected ${describe(found)}` };
  const expected = expectation(schema, lastKey(path));
  const listed = alternatives(schema).flatMap((one) => listedValues(one) ?? []);
  const suggestion = typeof found === 'string' ? nearest(found, listed) : undefined;
  const shown = marks(schema).secret ? 'another value' : describe(found);
  const quotes = typeof found === 'number' && expected === 'text' ? '; put it in quotes' : '';
  const out = found === null ? '; leave the key out for its default' : '';
  const meant = suggestion === undefined ? '' : `, did you mean ${suggestion}?`;
  const message = `expected ${expected}, found ${shown}${quotes}${out}${meant}`;
  return { path, message, expected, ...(suggestion !== undefined && { suggestion }) };
}

function sized(issue: Issue & { code: 'too_small' | 'too_big' }, path: Path): Finding {
  const [bound, limit] = issue.code === 'too_small' ? ['at least', issue.minimum] : ['at most', issue.maximum];
  const things = issue.origin === 'string' ? 'character' : 'entry';
  const many = things === 'entry' ? 'entries' : 'characters';
  const expected = `${bound} ${limit} ${Number(limit) === 1 ? things : many}`;
  return { path, message: `expected ${expected}`, expected };
}

function lastKey(path: Path): string | undefined {
  const last = path.at(-1);
  return typeof last === 'string' ? last : undefined;
}

function valueAt(value: unknown, path: Path): unknown {
  let here = value;
  for (const part of path) {
    if (typeof here !== 'object' || here === null || !Object.hasOwn(here, part)) return undefined;
    here = (here as Record<string | number, unknown>)[part];
  }
  return here;
}

function describe(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a map';
  if (typeof value !== 'string') return `${typeof value === 'number' ? 'the number ' : ''}${value}`;
  return value.length > 60 ? `${JSON.stringify(value.slice(0, 60))}…` : JSON.stringify(value);
}
