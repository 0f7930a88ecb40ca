/** Preloaded into a gateway (`node --import`): SIGUSR2 ends the worker thread that has served longest, as a crash would. */

import process from 'node:process';
import type { Worker } from 'node:worker_threads';

const serving: Worker[] = [];

process.on('worker', (thread: Worker) => {
  // Others make variants of answers.
  if (!thread.threadName?.startsWith('worker ')) return;
  serving.push(thread);
  thread.once('exit', () => serving.splice(serving.indexOf(thread), 1));
});
process.on('SIGUSR2', () => void serving[0]?.terminate());
