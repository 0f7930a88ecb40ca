/** The results that the suite ships for other shared caches, of the versions that were current when it was published. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Score, score } from './score.ts';
import { groups, load, type Results } from './suite.ts';

interface Entry {
  readonly file: string;
  readonly name: string;
  readonly type: string;
  readonly version: string;
}

/** A cache with its version, and what its results come to. */
export interface Published {
  readonly name: string;
  readonly score: Score;
}

/** Every cache but those of browsers, in the order of the suite. */
export async function published(): Promise<readonly Published[]> {
  const { default: entries } = await load<{ readonly default: readonly Entry[] }>('results/index.mjs');
  const all = await groups();
  return entries
    .filter(({ type }) => type !== 'browser')
    .map(({ file, name, version }) => {
      const path = join(import.meta.dirname, 'node_modules/http-cache-tests/results', file);
      return { name: `${name} ${version}`, score: score(all, JSON.parse(readFileSync(path, 'utf8')) as Results) };
    });
}
