/** How many workers a config means on this machine, and how much memory each may have. */

import { availableParallelism } from 'node:os';
import type { ResourceLimits } from 'node:worker_threads';
import type { Config } from '../config/schema.ts';

/** What the machine has, for the process. */
export interface Machine {
  /** Cores that the process may use, by affinity and by the quota of its cgroup. */
  readonly cores: number;
  /** Memory that the process may use, in bytes. */
  readonly memoryBytes: number;
}

const MIB = 1024 * 1024;
const MAX_WORKERS = 64;
/** For short-lived objects of requests: with V8's 16 MiB many of them are moved to where only a full collection frees them. */
const YOUNG_MIB = 64;
/** The share of memory that heaps may take; the rest is for buffers, stacks and the main thread. */
const HEAP_SHARE = 0.6;
const LEAST_HEAP = 128 * MIB;
const MOST_HEAP = 4096 * MIB;

/** This machine. */
export function thisMachine(): Machine {
  // What is free now may be cached files: it is the limit of the cgroup that counts, else the whole machine.
  const constrained = process.constrainedMemory();
  const bounded = constrained > 0 && constrained < Number.MAX_SAFE_INTEGER;
  return {
    cores: availableParallelism(),
    memoryBytes: bounded ? constrained : process.availableMemory(),
  };
}

/** How many workers; 0 where everything runs in the main thread. */
export function workerCount({ workers }: Pick<Config, 'workers'>, { cores }: Machine): number {
  if (workers !== 'auto') return workers;
  return cores < 2 ? 0 : Math.min(MAX_WORKERS, cores);
}

/** What the heap of each of `count` workers may take. */
export function heapLimits(
  config: Pick<Config, 'worker_heap_bytes' | 'cache'>,
  count: number,
  machine: Machine,
): ResourceLimits {
  const share = ((machine.memoryBytes - config.cache.memory_bytes) * HEAP_SHARE) / count;
  const bytes = config.worker_heap_bytes ?? Math.min(MOST_HEAP, Math.max(LEAST_HEAP, share));
  return { maxOldGenerationSizeMb: Math.floor(bytes / MIB), maxYoungGenerationSizeMb: YOUNG_MIB };
}
