/** The peers that a bench runs, each before the same stand-in and on the core that the gateway has. */

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { freePorts, type Running } from '../console/running.ts';
import type { PlannedRequest } from '../load/plan.ts';
import { Probe } from '../load/probe.ts';
import { ONE_TLS, targetOf } from '../load/target.ts';
import { fromProc, type VitalSigns } from '../load/vitals.ts';
import { missing, type Peer, type Setup, startPeer } from '../peers/peer.ts';
import type { Ground } from './ground.ts';

const READY_MS = 20_000;
const PAUSE_MS = 50;
const HEALTH: PlannedRequest = {
  name: 'health',
  weight: 1,
  thinkMs: 0,
  method: 'GET',
  path: '/admin/v1/healthz',
  fields: [],
  body: undefined,
  expectation: { form: 'http', statuses: [200], grpcStatus: '0', messages: undefined, digest: undefined },
};

/** A peer that runs. */
export interface Rival {
  readonly name: string;
  readonly what: string;
  readonly url: string;
  readonly vitals: VitalSigns;
  /** Scenarios that it has no means for, and why. */
  readonly cannot: Readonly<Record<string, string>>;
}

/** Those that run, and why others do not. Disposing ends them all. */
export interface Rivals extends AsyncDisposable {
  readonly running: readonly Rival[];
  readonly absent: readonly { readonly name: string; readonly why: string }[];
}

/** Starts peers. One that is not on this machine, or does not start, is absent with the reason. */
export async function startRivals(
  peers: readonly Peer[],
  ground: Pick<Ground, 'folder' | 'certificate' | 'standInPort' | 'cores'>,
  accessLog: boolean,
): Promise<Rivals> {
  await using stack = new AsyncDisposableStack();
  const running: Rival[] = [];
  const absent: { name: string; why: string }[] = [];
  for (const peer of peers) {
    const { name, what, cannot = {} } = peer;
    const lacking = missing(peer);
    if (lacking !== undefined) {
      absent.push({ name, why: `${lacking} is not on PATH` });
      continue;
    }
    const [port] = (await freePorts(1)) as [number];
    const folder = join(ground.folder, name);
    mkdirSync(folder);
    const setup: Setup = { folder, port, certificate: ground.certificate, upstreamPort: ground.standInPort, accessLog };
    let server: Running | undefined;
    try {
      server = await startPeer(peer, setup, ground.cores?.gateway);
      const url = `https://localhost:${port}`;
      await ready(url, server);
      stack.use(server);
      running.push({ name, what, url, vitals: fromProc(server.pid), cannot });
    } catch (error) {
      await server?.stop();
      absent.push({ name, why: `it does not start: ${(error as Error).message.trim().replaceAll('\n', '; ')}` });
    }
  }
  const held = stack.move();
  return { running, absent, [Symbol.asyncDispose]: () => held.disposeAsync() };
}

/** A server that takes connections may still be reading its routes. Rejects with what is wrong with its last answer. */
async function ready(url: string, server: Running): Promise<void> {
  const target = { ...targetOf(url, { protocol: 'h2', authority: undefined, verify: false }), offer: ONE_TLS };
  const deadline = performance.now() + READY_MS;
  for (;;) {
    using probe = new Probe(target, READY_MS);
    const wrong = await probe.ask(HEALTH).then(
      ({ status }) => (status === 200 ? undefined : `status ${status}`),
      (error: Error) => error.message,
    );
    if (wrong === undefined) return;
    // Throws with what it said where it has ended.
    server.cpuS();
    if (performance.now() > deadline) throw new Error(`${HEALTH.path}: ${wrong}`);
    await wait(PAUSE_MS);
  }
}
