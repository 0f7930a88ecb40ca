/**
 * Preloaded into a gateway (`node --import`): SIGUSR2 ends the worker thread that has served longest. The first time by
 * an exception in it that nothing catches, as a defect would; then by force, as the end of its heap would.
 */

import process from 'node:process';
import type { Worker } from 'node:worker_threads';

const serving: Worker[] = [];

process.on('worker', (thread: Worker) => {
  // Others make variants of answers.
  if (!thread.threadName?.startsWith('worker ')) return;
  serving.push(thread);
  thread.once('exit', () => serving.splice(serving.indexOf(thread), 1));
});
let kills = 0;
process.on('SIGUSR2', () => {
  kills += 1;
  // A worker reads the kind of each message: of this one it cannot.
  if (kills === 1) serving[0]?.postMessage(null);
  else void serving[0]?.terminate();
});
