import { z } from 'zod';

const MIB = 1024 * 1024;

/** How many threads serve requests. */
export const workers = z.union([z.literal('auto'), z.int().min(0).max(64)]).default('auto');

/** How long the event loop of one may stand still. */
export const workerHangMs = z
  .int()
  .min(0)
  .max(3_600_000)
  .refine((ms) => ms === 0 || ms >= 1000, { error: 'expected 0 for never, or at least 1000' })
  .default(30_000);

/** How much JavaScript each of them may keep. */
export const workerHeapBytes = z
  .int()
  .min(64 * MIB)
  .max(16_384 * MIB)
  .optional();
