import { bare } from './bare.ts';
import { caddy } from './caddy.ts';
import { gatehouse, gatehouseNode } from './gatehouse.ts';
import { haproxy } from './haproxy.ts';
import { nginxBest, nginxQuick, nginxUsual } from './nginx.ts';
import type { Peer } from './peer.ts';

/** All that can take part, in the order of the table. */
export const PEERS: readonly Peer[] = [
  gatehouse,
  gatehouseNode,
  nginxUsual,
  nginxQuick,
  caddy,
  haproxy,
  ...nginxBest,
  bare,
];
