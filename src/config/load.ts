/** A config file, read, expanded and checked. */

import { readFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Findings } from './checks/check.ts';
import { CHECKS } from './checks/index.ts';
import { viewOf } from './checks/view.ts';
import type { Environment } from './environment.ts';
import { findingsOf } from './issues.ts';
import { ConfigError, type Finding, formatPath, type Problem } from './problem.ts';
import { expand, type RouteConfig } from './routes.ts';
import { type Config, configSchema } from './schema.ts';
import { MAX_FILE_BYTES, readSource, type Source } from './source.ts';

/** A config that can be used. */
export interface Loaded {
  /** The file it came from, as problems name it. */
  readonly file: string;
  readonly config: Config;
  /** The route table, made once while it was checked. */
  readonly routes: readonly RouteConfig[];
  /** What is probably not meant, with positions; nothing of it keeps the gateway from serving. */
  readonly warnings: readonly Problem[];
}

/** What `parseConfig` needs beside the text. */
export interface ParseOptions {
  /** Name for messages; relative file names are relative to its folder. */
  readonly file?: string;
  readonly env?: Environment;
  /** The content of a file that a `file:` reference names; throws where it cannot be read. */
  readonly readFile?: (path: string) => string;
}

/** The config of a file. Throws a ConfigError with every problem, also where the file cannot be read. */
export async function loadConfig(
  file: string,
  env: Environment = process.env,
  options: Pick<ParseOptions, 'readFile'> = {},
): Promise<Loaded> {
  return parseConfig(await readText(file), { ...options, file, env });
}

/** The config of a YAML text. Throws a ConfigError with every problem. Reads no file but those of `file:` references. */
export function parseConfig(text: string, options: ParseOptions = {}): Loaded {
  const { file = 'config.yaml', env = {}, readFile = (path) => readFileSync(path, 'utf8') } = options;
  if (Buffer.byteLength(text) > MAX_FILE_BYTES) throw whole(file, `larger than ${MAX_FILE_BYTES} bytes`);
  const source = readSource({ text, file: resolve(file), env, readFile, schema: configSchema });
  if (source.value === null) throw whole(file, 'the file is empty: expected at least listeners and upstreams');
  const { config, routes, problems, warnings } = check(source.value);
  const all = located(file, source, [...source.findings, ...problems]);
  if (config === undefined || all.length > 0) throw new ConfigError(all);
  return { file, config, routes, warnings: located(file, source, warnings) };
}

interface Checked {
  readonly config: Config | undefined;
  readonly routes: readonly RouteConfig[];
  readonly problems: readonly Finding[];
  readonly warnings: readonly Finding[];
}

/** All that can be said of a value: what the schema says, what making the route table says, what the checks say. */
function check(value: unknown): Checked {
  if (value === undefined) return { config: undefined, routes: [], problems: [], warnings: [] };
  const parsed = configSchema.safeParse(value);
  const config = parsed.data;
  const problems = parsed.success ? [] : findingsOf(parsed.error.issues, value, configSchema);
  if (typeof value !== 'object' || Array.isArray(value)) return { config, routes: [], problems, warnings: [] };
  const expanded = config === undefined ? undefined : expand(config);
  const found = new Findings();
  const view = viewOf(value, config, expanded?.routes);
  for (const one of CHECKS) one(view, found);
  return {
    config,
    routes: expanded?.routes ?? [],
    problems: [...problems, ...(expanded?.findings ?? []), ...found.problems],
    warnings: found.warnings,
  };
}

/** Findings with their positions, in the order of the text. One finding a place is enough: the first knows most. */
function located(file: string, source: Source, findings: readonly Finding[]): Problem[] {
  const seen = new Set<string>();
  const problems: Problem[] = [];
  for (const { path, message, atKey, place, expected, suggestion } of findings) {
    const { line, column } = place ?? source.place(path, atKey);
    const shown = formatPath(path);
    const key = shown === '' ? `${line}:${column} ${message}` : shown;
    if (seen.has(key)) continue;
    seen.add(key);
    problems.push({
      file,
      line,
      column,
      path: shown,
      message,
      ...(expected !== undefined && { expected }),
      ...(suggestion !== undefined && { suggestion }),
    });
  }
  return problems.sort((a, b) => a.line - b.line || a.column - b.column);
}

function whole(file: string, message: string): ConfigError {
  return new ConfigError([{ file, line: 1, column: 1, path: '', message }]);
}

/** The text of a file, of which no more is read than may be used. */
async function readText(file: string): Promise<string> {
  try {
    await using handle = await open(file);
    const buffer = Buffer.alloc(MAX_FILE_BYTES + 1);
    let length = 0;
    for (;;) {
      const { bytesRead } = await handle.read(buffer, length, buffer.length - length, null);
      length += bytesRead;
      if (bytesRead === 0 || length === buffer.length) break;
    }
    if (length > MAX_FILE_BYTES) throw whole(file, `larger than ${MAX_FILE_BYTES} bytes`);
    return new TextDecoder('utf-8', { fatal: true }).decode(buffer.subarray(0, length));
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    throw whole(
      file,
      code === 'ERR_ENCODING_INVALID_ENCODED_DATA' ? 'not UTF-8' : `cannot be read (${code ?? message})`,
    );
  }
}
