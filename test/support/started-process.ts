/** A child process that tells its lines as they come, and its end. */

import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { Lookout } from './lookout.ts';

/** A line of the log of the gateway. */
export interface LogLine {
  readonly level: string;
  readonly event: string;
  readonly msg?: string;
  readonly [field: string]: unknown;
}

/** How a process ended, and all it said. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A running child; what is left of it is killed when the test is over. */
export interface StartedProcess extends AsyncDisposable {
  readonly child: ChildProcess;
  /** The first line of the log that fits, now or later; rejects with all it said when the process ends before. */
  line(fits: (line: LogLine) => boolean): Promise<LogLine>;
  readonly ended: Promise<Ended>;
  signal(name: NodeJS.Signals): void;
}

export interface ProcessOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
}

/** Starts a program without a shell. */
export function startProcess(file: string, args: readonly string[], { cwd, env }: ProcessOptions = {}): StartedProcess {
  const child = spawn(file, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const texts = { stdout: '', stderr: '' };
  const lines: LogLine[] = [];
  const lookout = new Lookout();
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    texts.stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    texts.stderr += text;
  });
  createInterface({ input: child.stdout }).on('line', (text) => {
    if (!text.startsWith('{"level"')) return;
    lines.push(JSON.parse(text) as LogLine);
    lookout.look();
  });
  const { promise: ended, resolve } = Promise.withResolvers<Ended>();
  child.once('error', (error) => resolve({ code: null, signal: null, stdout: '', stderr: error.message }));
  child.once('close', (code, signal) => resolve({ code, signal, ...texts }));

  return {
    child,
    ended,
    line: (fits) =>
      Promise.race([
        lookout.for(() => lines.find(fits)),
        ended.then((end) => {
          throw new Error(`ended before the line came: ${JSON.stringify(end, null, 1)}`);
        }),
      ]),
    signal: (name) => void child.kill(name),
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** Runs a program to its end. */
export async function runProcess(file: string, args: readonly string[], options?: ProcessOptions): Promise<Ended> {
  await using started = startProcess(file, args, options);
  return await started.ended;
}
