import { bareNode } from './bare-node.ts';
import { caddy } from './caddy.ts';
import { envoy } from './envoy.ts';
import { gatehouseFrames } from './gatehouse-frames.ts';
import { haproxy } from './haproxy.ts';
import { nginx } from './nginx.ts';
import type { Peer } from './peer.ts';
import { traefik } from './traefik.ts';

/** All that can be measured beside the gateway, in the order of the table. */
export const PEERS: readonly Peer[] = [nginx, haproxy, caddy, envoy, traefik, gatehouseFrames, bareNode];

/** Those of a list with commas between them; `all`: everyone. Throws where there is no such peer. */
export function peersOf(names: readonly string[]): readonly Peer[] {
  const known = new Map(PEERS.map((peer) => [peer.name, peer]));
  for (const name of names) {
    if (name !== 'all' && !known.has(name)) {
      throw new Error(`--vs: no peer '${name}'; there are all, ${[...known.keys()].join(', ')}`);
    }
  }
  return names.includes('all') ? PEERS : PEERS.filter(({ name }) => names.includes(name));
}
