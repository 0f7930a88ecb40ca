// The floors: a file imports its own folder and lower floors, never a neighbour on its floor. What is absent is what
// keeps the house habitable: no cycle between folders, no telemetry in the middle, no stand-in in the product.
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, sep } from 'node:path';
import { test } from 'node:test';

const SRC = join(import.meta.dirname, '..', 'src');

/** From the ground up. Folders on one floor do not know each other. */
const FLOORS: readonly (readonly string[])[] = [
  ['core'],
  ['streams', 'http2'],
  ['limits', 'networks', 'rpc', 'cache', 'encoding', 'dialects', 'upstream', 'transport', 'telemetry', 'admin', 'demo'],
  ['policies'],
  ['config'],
  ['gateway'],
  ['process'],
  ['main.ts'],
];
/** Only process/ may load the stand-in, and only process/ wires telemetry and admin. */
const ONLY_FROM_PROCESS = ['demo', 'telemetry', 'admin'];

const floorOf = (folder: string): number => FLOORS.findIndex((folders) => folders.includes(folder));

function importsOf(file: string): string[] {
  const text = readFileSync(file, 'utf8');
  return [...text.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)].map((match) =>
    normalize(join(dirname(file), match[1]!)),
  );
}

const files = globSync('**/*.ts', { cwd: SRC }).map((file) => join(SRC, file));
const folderOf = (file: string): string => file.slice(SRC.length + 1).split(sep)[0]!;

test('every file stands on a floor', () => {
  assert.deepEqual(
    [...new Set(files.map(folderOf))].filter((folder) => floorOf(folder) === -1),
    [],
  );
});

test('imports go down, or stay in their own folder', () => {
  const wrong: string[] = [];
  for (const file of files) {
    for (const imported of importsOf(file)) {
      const [from, to] = [folderOf(file), folderOf(imported)];
      const upOrAcross = from !== to && floorOf(to) >= floorOf(from);
      const reserved = ONLY_FROM_PROCESS.includes(to) && from !== to && from !== 'process';
      if (upOrAcross || reserved) wrong.push(`${file.slice(SRC.length + 1)} imports ${imported.slice(SRC.length + 1)}`);
    }
  }
  assert.deepEqual(wrong, []);
});

test('the middle knows no libraries of the edges', () => {
  /** Which package only these folders may import. */
  const reserved: Record<string, readonly string[]> = {
    fastify: ['gateway', 'admin', 'core', 'policies'],
    zod: ['config', 'policies', 'core'],
    yaml: ['config'],
    pino: ['telemetry'],
    'prom-client': ['telemetry'],
    'http2-wrapper': ['upstream'],
    '@redis/client': ['limits'],
    '@zitadel/proto': ['demo'],
    '@connectrpc/connect': ['demo'],
  };
  const wrong: string[] = [];
  for (const file of files) {
    for (const [, name] of readFileSync(file, 'utf8').matchAll(
      /(?:from|import)\s*\(?\s*'((?:@[^/']+\/)?[^./'][^/']*)/g,
    )) {
      const folders = reserved[name!];
      if (folders !== undefined && !folders.includes(folderOf(file)))
        wrong.push(`${file.slice(SRC.length + 1)} imports ${name}`);
    }
  }
  assert.deepEqual(wrong, []);
});

test('files stay short', () => {
  const long = files
    .map((file) => ({ file: file.slice(SRC.length + 1), lines: readFileSync(file, 'utf8').split('\n').length - 1 }))
    .filter(({ lines }) => lines > 320);
  assert.deepEqual(long, []);
});

test('no file is a drawer for what has no noun', () => {
  assert.deepEqual(
    files.filter((file) => /(?:util|helper|common|manager|misc)s?\.ts$/.test(file)),
    [],
  );
});
