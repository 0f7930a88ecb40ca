/** A program that runs for the time of a bench, pinned to cores, known by its pid. */

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import net from 'node:net';

const START_MS = 20_000;
const STOP_MS = 5000;
/** Clock ticks a second in /proc (USER_HZ, the same on every Linux). */
const TICKS = 100;

/** What runs now. However the bench ends, nothing of it stays behind. */
const children = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of children) child.kill('SIGTERM');
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));

/** What to run. `cores` is a list as taskset takes it; undefined: wherever the system likes. */
export interface Program {
  readonly command: readonly string[];
  readonly cores: string | undefined;
  readonly environment?: Readonly<Record<string, string>>;
  /** It is there when this port of 127.0.0.1 takes connections. */
  readonly port: number;
}

/** A running program. */
export interface Running extends AsyncDisposable {
  readonly pid: number;
  /** Time of processors it and its children have had so far, in seconds. Throws with what it said when it has ended. */
  cpuS(): number;
  /** Moves all its threads to these cores; its children stay where they are. */
  pin(cores: string): void;
  stop(): Promise<void>;
}

/** Runs it and waits until its port takes connections. Throws with what it said when it does not. */
export async function run({ command, cores, environment, port }: Program): Promise<Running> {
  const [program, ...args] = cores === undefined ? command : ['taskset', '-c', cores, ...command];
  const child = spawn(program!, args, {
    // Debian keeps servers where only root looks.
    env: { ...process.env, PATH: `${process.env.PATH ?? ''}:/usr/sbin`, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.add(child);
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-4000);
    });
  }
  let ended: string | undefined;
  child.once('error', (error) => {
    ended = error.message;
  });
  child.once('exit', (code, signal) => {
    children.delete(child);
    ended = `ended with ${code ?? signal}`;
  });
  const deadline = performance.now() + START_MS;
  while (!(await takesConnections(port))) {
    if (ended === undefined && performance.now() < deadline) continue;
    child.kill('SIGKILL');
    throw new Error(`${command[0]}: ${ended ?? `took no connection in ${START_MS} ms`}\n${said}`);
  }
  const stop = () => stopped(child);
  const cpuS = (): number => {
    if (ended !== undefined) throw new Error(`${command.join(' ')}: ${ended}\n${said}`);
    return cpuOf(child.pid!);
  };
  const pin = (to: string): void =>
    void execFileSync('taskset', ['-a', '-c', '-p', to, String(child.pid)], { stdio: 'ignore' });
  return { pid: child.pid!, cpuS, pin, stop, [Symbol.asyncDispose]: stop };
}

/** Whether a port takes a connection; a refusal comes a little later, so that asking again is no busy loop. */
async function takesConnections(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = net.connect(port, '127.0.0.1', () => resolve(true));
  socket.once('error', () => setTimeout(resolve, 50, false));
  const taken = await promise;
  socket.destroy();
  return taken;
}

async function stopped(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
  await exit;
  clearTimeout(timer);
}

function cpuOf(pid: number): number {
  // The name in parentheses may hold anything; what counts comes after it (proc(5)).
  const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  let seconds = (Number(fields[11]) + Number(fields[12])) / TICKS;
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    const children = readFileSync(`/proc/${pid}/task/${task}/children`, 'latin1').trim();
    if (children !== '') for (const one of children.split(' ')) seconds += cpuOf(Number(one));
  }
  return seconds;
}

/** Ports of loopback that are free at this moment. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => net.createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => (server.address() as net.AddressInfo).port);
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  return ports;
}
