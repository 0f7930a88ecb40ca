/** Where the time of the gateway goes for a small cached file: a CPU profile, and what is costly in it. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { enter, type Ground, loads, OTHER_CORE } from './contest.ts';
import { load } from './load.ts';
import { gatehouse } from './peers/gatehouse.ts';
import type { Peer } from './peers/peer.ts';
import { type Profile, profileTables } from './profile-table.ts';

/** Runs the case with `--cpu-prof`; gives the file of the profile and the lines of a table. */
export async function profile(ground: Ground, what: 'small' | 'bundle' | 'page', seconds: number) {
  const folder = join(ground.folder, 'gatehouse');
  const peer: Peer = {
    ...gatehouse,
    command: (setup) => {
      const [node, ...rest] = gatehouse.command(setup);
      return [node!, '--cpu-prof', `--cpu-prof-dir=${folder}`, '--cpu-prof-interval=500', ...rest];
    },
  };
  const entrant = await enter(peer, ground);
  if (typeof entrant === 'string') throw new Error(entrant);
  const { server, setup, note } = entrant;
  const options = { port: setup.port, seconds, cores: OTHER_CORE, folder: ground.folder };
  const from = Number(process.hrtime.bigint()) / 1000;
  const measure = await load(server, loads(ground.site)[what], options);
  const to = Number(process.hrtime.bigint()) / 1000;
  await server.stop();
  // Worker threads write profiles of their own; the one of the main thread has the most samples.
  const files = readdirSync(folder).filter((name) => name.endsWith('.cpuprofile'));
  const read = files.map((name) => {
    const file = join(folder, name);
    return { file, content: JSON.parse(readFileSync(file, 'utf8')) as Profile };
  });
  const main = read.toSorted((a, b) => b.content.samples.length - a.content.samples.length)[0];
  if (main === undefined) throw new Error(`no profile in ${folder}`);
  return {
    file: main.file,
    note,
    measure,
    lines: profileTables(main.content, { from, to }, measure.answersPerS * seconds),
  };
}
