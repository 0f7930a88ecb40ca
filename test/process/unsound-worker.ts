/** The program of a worker that fails where a test wants it: by host names in a config, and by an absurd question. */

import { parentPort, workerData } from 'node:worker_threads';
import type { ToWorker, WorkerStart } from '../../src/process/messages.ts';

/** The second worker does not compile a config with this host. */
export const REFUSED_HOST = 'refused.example';
/** It ends when it should. */
export const DEADLY_HOST = 'deadly.example';
/** Asked for so many hottest keys, a worker throws where nobody catches it. */
export const THROWS = 666;
/** And for so many takes memory without end. */
export const HUNGRY = 667;

/** And for so many it never comes back. */
export const STUCK = 668;

/** True where the program itself is not to hear of it. */
function fails(message: ToWorker): boolean {
  if (message.kind !== 'question') return false;
  if (message.what === 'hottest_keys' && message.argument === THROWS) {
    setImmediate(() => {
      throw new Error('thrown by a test');
    });
  }
  if (message.what === 'hottest_keys' && message.argument === HUNGRY) {
    const kept: object[] = [];
    for (;;) kept.push({ more: [kept.length] });
  }
  if (message.what === 'hottest_keys' && message.argument === STUCK) for (;;);
  if (message.what !== 'prepare' || (workerData as WorkerStart).worker !== 2) return false;
  const { hosts } = message.argument.config;
  if (hosts.includes(DEADLY_HOST)) process.exit(3);
  if (!hosts.includes(REFUSED_HOST)) return false;
  parentPort!.postMessage({ kind: 'no_answer', id: message.id, problem: 'refused by a test', range: false });
  return true;
}

// Tests import the names above, without a thread.
if (parentPort !== null) {
  const port = parentPort;
  const on = port.on.bind(port);
  port.on = ((name: string, listener: (message: ToWorker) => void) =>
    on(
      name,
      name === 'message' ? (message: ToWorker) => void (fails(message) || listener(message)) : listener,
    )) as never;
  await import('../../src/process/worker.ts');
}
