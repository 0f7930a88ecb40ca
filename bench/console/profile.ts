/** Where the time of the gateway goes for a small cached file: a CPU profile, and what is costly in it. */

import { join } from 'node:path';
import { enter, type Ground, loads, OTHER_CORE } from './contest.ts';
import { mainProfile, profileFlags } from './cpu-profile.ts';
import { load } from './load.ts';
import { gatehouse } from './peers/gatehouse.ts';
import type { Peer } from './peers/peer.ts';
import { profileTables } from './profile-table.ts';

/** Runs the case with `--cpu-prof`; gives the file of the profile and the lines of a table. */
export async function profile(ground: Ground, what: 'small' | 'bundle' | 'page', seconds: number) {
  const folder = join(ground.folder, 'gatehouse');
  const peer: Peer = {
    ...gatehouse,
    command: (setup) => {
      const [node, ...rest] = gatehouse.command(setup);
      return [node!, ...profileFlags(folder), ...rest];
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
  const { file, content } = mainProfile(folder);
  return {
    file,
    note,
    measure,
    lines: profileTables(content, { from, to }, measure.answersPerS * seconds),
  };
}
