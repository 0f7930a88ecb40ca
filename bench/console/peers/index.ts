import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { bare } from './bare.ts';
import { caddy } from './caddy.ts';
import { gatehouse, gatehouseFrames } from './gatehouse.ts';
import { haproxy } from './haproxy.ts';
import { nginxBest, nginxQuick, nginxUsual } from './nginx.ts';
import type { Peer } from './peer.ts';

/** All that can take part, in the order of the table. */
export const PEERS: readonly Peer[] = [
  gatehouse,
  gatehouseFrames,
  nginxUsual,
  nginxQuick,
  caddy,
  haproxy,
  ...nginxBest,
  bare,
];

/** The first thing that a peer needs and the machine lacks: a program in PATH or in /usr/sbin, or a file. */
export function missing(peer: Peer): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin'];
  return peer.needs.find((need) =>
    need.startsWith('/') ? !existsSync(need) : !folders.some((folder) => existsSync(join(folder, need))),
  );
}
