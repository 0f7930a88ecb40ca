/** A server that is measured beside the gateway: how its config is written and how it is run. */

import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import type { CertificateFiles } from '../console/certificate.ts';
import { type Running, run } from '../console/running.ts';

/** Where a peer runs. */
export interface Place {
  /** A folder of its own. */
  readonly folder: string;
  readonly port: number;
  readonly certificate: CertificateFiles;
}

/** What a peer needs to write its config, where it stands before all of ZITADEL. */
export interface Setup extends Place {
  /** Of the stand-in for ZITADEL on 127.0.0.1: h2c and HTTP/1.1 on one port, as ZITADEL has it. */
  readonly upstreamPort: number;
  /** Every request gets a line, as with all others: on stdout, or in a file of the folder where a server takes no pipe. */
  readonly accessLog: boolean;
}

/** A file of a config. */
export interface ConfigFile {
  readonly name: string;
  readonly text: string;
}

/** A server that takes part, on one core. */
export interface Peer<S extends Place = Setup> {
  readonly name: string;
  /** What it does, for the table. */
  readonly what: string;
  /** What must be on the machine: files or programs; it is left out where they are not. */
  readonly needs: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Scenarios that it has no means for, and why. */
  readonly cannot?: Readonly<Record<string, string>>;
  config(setup: S): readonly ConfigFile[];
  command(setup: S): readonly string[];
}

/** The first thing that a peer needs and the machine lacks: a program in PATH or in /usr/sbin, or a file. */
export function missing({ needs }: Pick<Peer, 'needs'>): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin'];
  return needs.find((need) =>
    need.startsWith('/') ? !existsSync(need) : !folders.some((folder) => existsSync(join(folder, need))),
  );
}

/** Writes the config of a peer and starts it. Throws with what it said where it takes no connection. */
export async function startPeer<S extends Place>(
  peer: Peer<S>,
  setup: S,
  cores: string | undefined,
  command = peer.command(setup),
): Promise<Running> {
  for (const { name, text } of peer.config(setup)) await writeFile(join(setup.folder, name), text);
  return await run({ command, cores, port: setup.port, environment: { ...peer.environment } });
}
