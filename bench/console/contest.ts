/** Starts the servers side by side, warms them, and measures each case in interleaved rounds. */

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { missing, startPeer } from '../peers/peer.ts';
import { type CertificateFiles, makeCertificate } from './certificate.ts';
import { type Load, load, type Measure, middle } from './load.ts';
import type { Peer, Setup } from './peers/peer.ts';
import { Probe, warm, wrong } from './probe.ts';
import { freePorts, type Running, run } from './running.ts';
import { type Site, site, writeSite } from './site.ts';

/** The core of the server under test, and that of everything else: origin and h2load. */
export const SERVER_CORE = '0';
export const OTHER_CORE = '1';
const WARM_MS = 120_000;

/** What is measured. */
export const CASES = ['bundle', 'small', 'page'] as const;
export type Case = (typeof CASES)[number];

/** The folder of a run with its certificate, files and origin. */
export interface Ground extends AsyncDisposable {
  readonly folder: string;
  readonly site: Site;
  setup(name: string): Promise<Setup>;
}

/** Makes certificate and files in a folder and starts the origin. */
export async function prepare(folder: string): Promise<Ground> {
  const root = join(folder, 'root');
  const certificate: CertificateFiles = makeCertificate(folder);
  const files = site();
  await writeSite(root, files);
  const [originPort, codedOriginPort] = (await freePorts(2)) as [number, number];
  const origin = await run({
    command: [
      process.execPath,
      join(import.meta.dirname, 'origin.ts'),
      root,
      ...[originPort, codedOriginPort].map(String),
    ],
    cores: OTHER_CORE,
    port: codedOriginPort,
  });
  return {
    folder,
    site: files,
    async setup(name) {
      const [port, adminPort] = (await freePorts(2)) as [number, number];
      const own = join(folder, name);
      await mkdir(own, { recursive: true });
      return { folder: own, port, adminPort, certificate, originPort, codedOriginPort, root };
    },
    [Symbol.asyncDispose]: () => origin.stop(),
  };
}

/** A server that takes part. */
export interface Entrant extends AsyncDisposable {
  readonly peer: Peer;
  readonly setup: Setup;
  readonly server: Running;
  /** Why its numbers are not what they should be. */
  readonly note: string | undefined;
  /** Bytes of the body on the wire and its coding, by case. */
  readonly bytes: Readonly<Record<Case, number>>;
  readonly coding: string;
  /** The names of the fields of the small file's answer. */
  readonly fields: readonly string[];
}

/** Starts and warms a peer; gives the reason when it cannot take part. */
export async function enter(peer: Peer, ground: Ground): Promise<Entrant | string> {
  const lacking = missing(peer);
  if (lacking !== undefined) return `${lacking} is not installed`;
  const setup = await ground.setup(peer.name);
  let server: Running | undefined;
  try {
    const own = peer.name.startsWith('gatehouse');
    // The gateway makes its variants while it is warmed: on both cores that takes a third of the time.
    server = await startPeer(peer, setup, own ? `${SERVER_CORE},${OTHER_CORE}` : SERVER_CORE);
    const note = await warm(
      setup.port,
      ground.site,
      ({ cacheStatus, coding, sized }) =>
        !own || (/\bhit\b/.test(cacheStatus) && sized && coding !== 'zstd' && coding !== 'gzip'),
      own ? WARM_MS : 0,
    );
    if (own) server.pin(SERVER_CORE);
    const weight = await weigh(setup.port, ground.site);
    return { peer, setup, server, note, ...weight, [Symbol.asyncDispose]: () => server!.stop() };
  } catch (error) {
    await server?.stop();
    return (error as Error).message;
  }
}

async function weigh(port: number, { files, bundle, small }: Site) {
  await using probe = new Probe(port);
  const sizes = new Map<string, number>();
  let coding = '';
  let fields: readonly string[] = [];
  for (const file of files) {
    const answer = await probe.ask(file.path);
    const problem = wrong(file, answer);
    if (problem !== undefined) throw new Error(problem);
    sizes.set(file.path, answer.body.length);
    if (file === bundle) coding = answer.coding;
    if (file === small) fields = answer.fields;
  }
  const page = [...sizes.values()].reduce((sum, size) => sum + size, 0);
  return { coding, fields, bytes: { bundle: sizes.get(bundle.path)!, small: sizes.get(small.path)!, page } };
}

/** What is asked for in each case. A page is every file once. */
export function loads({ files, bundle, small }: Site): Readonly<Record<Case, Load>> {
  return {
    bundle: { paths: [bundle.path], clients: 8, streams: 2 },
    small: { paths: [small.path], clients: 8, streams: 8 },
    page: { paths: files.map(({ path }) => path), clients: 8, streams: 8 },
  };
}

/** Measures a case for all entrants: A B C, A B C. The first round is not counted. */
export async function contest(
  entrants: readonly Entrant[],
  ground: Ground,
  what: Case,
  { rounds, seconds }: { readonly rounds: number; readonly seconds: number },
): Promise<ReadonlyMap<string, Measure>> {
  const all = new Map<string, Measure[]>(entrants.map(({ peer }) => [peer.name, []]));
  for (let round = 0; round <= rounds; round += 1) {
    for (const { peer, setup, server } of entrants) {
      const measure = await load(server, loads(ground.site)[what], {
        port: setup.port,
        seconds: round === 0 ? 1 : seconds,
        cores: OTHER_CORE,
        folder: ground.folder,
      });
      if (round > 0) all.get(peer.name)!.push(measure);
    }
  }
  return new Map([...all].map(([name, measures]) => [name, middle(measures)]));
}
