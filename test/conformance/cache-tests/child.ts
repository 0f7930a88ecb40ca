/** A process of the suite that says one thing over its channel, and ends with its parent. */

import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';

/** What the process said, and the process, which runs on where it is a server. */
export interface Child<T> extends AsyncDisposable {
  readonly said: T;
}

/** Starts a module of this folder. Rejects when it ends without a word. */
export async function startChild<T>(module: string, args: readonly string[], loud = false): Promise<Child<T>> {
  const child: ChildProcess = fork(join(import.meta.dirname, module), args, {
    execArgv: ['--no-warnings'],
    stdio: ['ignore', loud ? 'inherit' : 'ignore', 'inherit', 'ipc'],
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  child.once('message', (message) => resolve(message as T));
  child.once('error', reject);
  child.once('exit', (code, signal) => reject(new Error(`${module} ended with ${code ?? signal} and said nothing`)));
  return {
    said: await promise,
    async [Symbol.asyncDispose]() {
      child.kill();
      await ended;
    },
  };
}
