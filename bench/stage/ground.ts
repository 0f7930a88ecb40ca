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

/** Both programs, running. */
export interface Ground extends AsyncDisposable {
  readonly url: string;
  readonly metricsUrl: string;
  readonly standInUrl: string;
  readonly standInPort: number;
  readonly gatewayPid: number;
  /** Where files of the run lie; it goes with it. */
  readonly folder: string;
  readonly certificate: CertificateFiles;
  /** Undefined: all share all cores. */
  readonly cores: Cores | undefined;
}

/**
 * Starts both, each in a process on a core of its own, and moves this process off them. `root`: whose gateway. `cores`:
 * of a ground before, as this process is then no longer allowed on all of them. `accessLog`: a line for every request.
 */
export async function startGround(root = ROOT, cores = shareCores(), accessLog = true): Promise<Ground> {
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
  const standIn = [node, join(ROOT, 'src', 'demo', 'main.ts'), '--port', String(standInPort)];
  stack.use(await run({ command: standIn, cores: cores?.upstream, port: standInPort }));
  const gateway = [node, join(root, 'src', 'main.ts'), 'serve', '--config', config];
  const { pid } = stack.use(await run({ command: gateway, cores: cores?.gateway, port }));
  const held = stack.move();
  return {
    url: `https://localhost:${port}`,
    metricsUrl: `http://127.0.0.1:${adminPort}/metrics`,
    standInUrl: `http://127.0.0.1:${standInPort}`,
    standInPort,
    gatewayPid: pid,
    folder,
    certificate,
    cores,
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}
