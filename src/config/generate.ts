/**
 * Writes the files that follow from the schema: `node src/config/generate.ts`.
 * With `--check` it writes nothing, names every file that is not what it should be, and exits with 1.
 */

import { readFile, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { generated } from './generated.ts';

const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } });
const root = new URL('../../', import.meta.url);

for (const { path, text } of generated()) {
  const file = new URL(path, root);
  const there = await readFile(file, 'utf8').catch(() => undefined);
  if (there === text) continue;
  if (values.check) {
    console.error(`${path} is stale: run node src/config/generate.ts`);
    process.exitCode = 1;
  } else {
    await writeFile(file, text);
    console.log(`wrote ${path}`);
  }
}
