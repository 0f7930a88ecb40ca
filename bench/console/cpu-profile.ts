/** CPU profiles of a Node program: the flags that make it write them, and the one that counts. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Profile } from './profile-table.ts';

/** Flags for Node: every thread writes a profile into the folder when it ends. */
export function profileFlags(folder: string): readonly string[] {
  return ['--cpu-prof', `--cpu-prof-dir=${folder}`, '--cpu-prof-interval=500'];
}

/** The profile of the main thread: worker threads write their own, and it has the most samples. Throws where none is. */
export function mainProfile(folder: string): { readonly file: string; readonly content: Profile } {
  const read = readdirSync(folder)
    .filter((name) => name.endsWith('.cpuprofile'))
    .map((name) => {
      const file = join(folder, name);
      return { file, content: JSON.parse(readFileSync(file, 'utf8')) as Profile };
    });
  const main = read.toSorted((a, b) => b.content.samples.length - a.content.samples.length)[0];
  if (main === undefined) throw new Error(`no profile in ${folder}`);
  return main;
}
