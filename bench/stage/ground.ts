/** What the bench measures where nobody names a target: this gateway in front of the stand-in for ZITADEL. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeCertificate } from '../../src/transport/development-certificate.ts';
import type { CertificateFiles } from '../console/certificate.ts';
import { freePorts, run } from '../console/running.ts';
import { type Cores, pinSelf, shareCores } from './cores.ts';
import { gatewayConfig } from './gateway-config.ts';

const ROOT = join(import.meta.dirname, '..', '..');

/**
 * Of the stand-in. V8 collects with helper threads, and those of a process that has one core, and shares it, wait for each
 * other: pauses of 100 ms in every latency behind it, where these have 20.
 */
const STEADY = ['--single-threaded-gc', '--max-semi-space-size=2'];

/** Both programs, running. */
export interface Ground extends AsyncDisposable {
  readonly url: string;
  readonly metricsUrl: string;
  readonly standInUrl: string;
  readonly standInPort: number;
  readonly gatewayPid: number;
  /** Ends the gateway alone: what it writes at its end is in the folder then. */
  stopGateway(): Promise<void>;
  /** Where files of the run lie; it goes with it. */
  readonly folder: string;
  readonly certificate: CertificateFiles;
  /** Undefined: all share all cores. */
  readonly cores: Cores | undefined;
}

/** How they are started. */
export interface GroundOptions {
  /** Whose gateway: a checkout; this one if not given. */
  readonly root?: string;
  /** Of a ground before, as this process is then no longer allowed on all of them. */
  readonly cores?: Cores | undefined;
  /** A line for every request. */
  readonly accessLog?: boolean;
  /** Of the gateway's Node; the folder is that of the ground. */
  readonly flags?: (folder: string) => readonly string[];
}

/** Starts both, each in a process on a core of its own, and moves this process off them. */
export async function startGround(options: GroundOptions = {}): Promise<Ground> {
  const { root = ROOT, cores = shareCores(), accessLog = true, flags = () => [] } = options;
  await using stack = new AsyncDisposableStack();
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-bench-'));
  stack.defer(() => rmSync(folder, { recursive: true, force: true }));
  const [port, adminPort, standInPort] = (await freePorts(3)) as [number, number, number];
  const pair = await makeCertificate(['localhost', '127.0.0.1'], Date.now());
  const file = (name: string, text: string): string => {
    const path = join(folder, name);
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  };
  const certificate: CertificateFiles = {
    certificate: file('tls.crt', pair.certificate),
    key: file('tls.key', pair.key),
    both: file('tls.pem', pair.certificate + pair.key),
  };
  const config = file('gateway.yaml', gatewayConfig({ port, adminPort, standInPort, ...certificate, accessLog }));
  if (cores !== undefined) pinSelf(cores.load);
  const node = process.execPath;
  // The stand-in is always this checkout's: two revisions of the gateway are measured before the same one.
  const steady = cores === undefined ? [] : STEADY;
  const standIn = [node, ...steady, join(ROOT, 'src', 'demo', 'main.ts'), '--port', String(standInPort)];
  stack.use(await run({ command: standIn, cores: cores?.upstream, port: standInPort }));
  const gateway = [node, ...flags(folder), join(root, 'src', 'main.ts'), 'serve', '--config', config];
  const running = stack.use(await run({ command: gateway, cores: cores?.gateway, port }));
  const held = stack.move();
  return {
    url: `https://localhost:${port}`,
    metricsUrl: `http://127.0.0.1:${adminPort}/metrics`,
    standInUrl: `http://127.0.0.1:${standInPort}`,
    standInPort,
    gatewayPid: running.pid,
    stopGateway: () => running.stop(),
    folder,
    certificate,
    cores,
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}
