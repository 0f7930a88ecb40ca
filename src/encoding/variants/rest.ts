import { availableParallelism } from 'node:os';

/** How much longer than its work a thread rests that shares its only core with the requests. */
const REST_PER_WORK = 3;

/**
 * Milliseconds of rest after some milliseconds of work, 0 where there are two cores or more. A container with a quota
 * of one core is halted as a whole when its threads have used that up together: a low priority does not help there.
 */
export function restMs(workMs: number, cores: number = availableParallelism()): number {
  return cores > 1 ? 0 : workMs * REST_PER_WORK;
}

/** Blocks this thread for its rest. The thread can be ended meanwhile. */
export function rest(workMs: number): void {
  const ms = restMs(workMs);
  if (ms > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
