import type { CertificateFiles } from '../certificate.ts';

/** What a peer needs to write its config. */
export interface Setup {
  /** A folder of its own. */
  readonly folder: string;
  readonly port: number;
  /** A second port, for what is not the site. */
  readonly adminPort: number;
  readonly certificate: CertificateFiles;
  /** Ports of the origin on 127.0.0.1: uncoded, and with gzip 9 where asked for. */
  readonly originPort: number;
  readonly codedOriginPort: number;
  /** The tree of files on disk. */
  readonly root: string;
}

/** A file of a config. */
export interface ConfigFile {
  readonly name: string;
  readonly text: string;
}

/** A server that takes part: how its config is written and how it is run on one core. */
export interface Peer {
  readonly name: string;
  /** What it does, for the table. */
  readonly what: string;
  /** What must be on the machine: files or programs; it is left out where they are not. */
  readonly needs: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  config(setup: Setup): readonly ConfigFile[];
  command(setup: Setup): readonly string[];
}
