import { z } from 'zod';

const MIB = 1024 * 1024;

/** How many threads serve requests. */
export const workers = z.union([z.literal('auto'), z.int().min(0).max(64)]).default('auto');

/** How much JavaScript each of them may keep. */
export const workerHeapBytes = z
  .int()
  .min(64 * MIB)
  .max(16_384 * MIB)
  .optional();
