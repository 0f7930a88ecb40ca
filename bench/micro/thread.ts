/**
 * The thread that measures one file: what other files have shown the compiler, and have left on the heap, is not in its
 * numbers. It posts each measurement, then ends.
 */

import { parentPort, workerData } from 'node:worker_threads';
import { CASE_FILES } from './files.ts';
import { checkCase, measureCase, warmUp } from './measurement.ts';

/** What a thread is to measure. */
export interface Task {
  readonly file: string;
  /** How long each case, in milliseconds. */
  readonly ms: number;
}

const { file, ms } = workerData as Task;
const { cases } = await CASE_FILES[file]!.load();
// What one case shows the compiler changes the others: so all have run before any is measured, in whatever order.
for (const one of cases) {
  await checkCase(one);
  await warmUp(one);
}
for (const one of cases) parentPort!.postMessage(await measureCase(file, one, ms));
