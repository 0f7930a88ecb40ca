import { once } from 'node:events';
import type { AddressInfo, Server } from 'node:net';
import type { Lookout } from './lookout.ts';

/** A server by hand on loopback, with the connections that were made to it. */
export interface PeerServer<Peer> extends AsyncDisposable {
  readonly address: string;
  readonly peers: readonly Peer[];
  /** The nth connection, now or later. */
  peer(index: number): Promise<Peer>;
}

/** Listens on a free port; `lookout` looks whenever there is another peer. */
export async function servePeers<Peer extends { close(): void }>(
  server: Server,
  peers: readonly Peer[],
  lookout: Lookout,
): Promise<PeerServer<Peer>> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    peers,
    peer: (index) => lookout.for(() => peers[index]),
    async [Symbol.asyncDispose]() {
      for (const peer of peers) peer.close();
      server.close();
    },
  };
}
