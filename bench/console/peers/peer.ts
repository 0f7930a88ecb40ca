import type { Peer as AnyPeer, Place } from '../../peers/peer.ts';

/** What a peer needs to write its config, where it stands before the Console. */
export interface Setup extends Place {
  /** A second port, for what is not the site. */
  readonly adminPort: number;
  /** Ports of the origin on 127.0.0.1: uncoded, and with gzip 9 where asked for. */
  readonly originPort: number;
  readonly codedOriginPort: number;
  /** The tree of files on disk. */
  readonly root: string;
}

/** A server that takes part. */
export type Peer = AnyPeer<Setup>;
