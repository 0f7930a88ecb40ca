/** The servers of the cross-check, each alone on the first core: the stand-in, the gateway, and one that does nothing. */

import { join } from 'node:path';
import { freePorts, run } from '../console/running.ts';
import { fromProc } from '../load/vitals.ts';
import { shareCores } from '../stage/cores.ts';
import { startGround } from '../stage/ground.ts';

const ROOT = join(import.meta.dirname, '..', '..');

/** What they are called, in the order in which they are measured. */
export const SERVERS = ['limit', 'stand-in', 'gatehouse'] as const;
export type ServerName = (typeof SERVERS)[number];

/** All that was asked for, running. */
export interface Servers extends AsyncDisposable {
  /** Where one is. `grpc`: asked for gRPC. */
  url(server: ServerName, grpc: boolean): string;
  /** CPU time that one has had so far, in seconds; NaN where nothing tells. */
  cpuS(server: ServerName): Promise<number>;
  readonly pinned: boolean;
}

/** Starts them and moves this process, and so all generators, to the other cores. */
export async function startServers(names: readonly ServerName[]): Promise<Servers> {
  await using stack = new AsyncDisposableStack();
  const cores = shareCores();
  const ground = stack.use(await startGround({ cores }));
  const [limitPort, limitGrpcPort, standInPort] = (await freePorts(3)) as [number, number, number];
  const pids = new Map<ServerName, number>([['gatehouse', ground.gatewayPid]]);
  const start = async (name: ServerName, file: string, port: number, args: readonly string[]): Promise<void> => {
    const command = [process.execPath, join(ROOT, file), ...args];
    pids.set(name, stack.use(await run({ command, cores: cores?.gateway, port })).pid);
  };
  if (names.includes('limit')) {
    await start('limit', 'bench/cross-check/fast-server.ts', limitPort, [String(limitPort), String(limitGrpcPort)]);
  }
  // Not the one behind the gateway, which shares the load's core where there are two only.
  if (names.includes('stand-in'))
    await start('stand-in', 'src/demo/main.ts', standInPort, ['--port', String(standInPort)]);
  const held = stack.move();
  return {
    url(server, grpc) {
      if (server === 'gatehouse') return `https://127.0.0.1:${new URL(ground.url).port}`;
      if (server === 'stand-in') return `http://127.0.0.1:${standInPort}`;
      return `http://127.0.0.1:${grpc ? limitGrpcPort : limitPort}`;
    },
    async cpuS(server) {
      const vitals = await fromProc(pids.get(server)!)().catch(() => undefined);
      return vitals?.cpuS ?? Number.NaN;
    },
    pinned: cores !== undefined,
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}
