/** How long a case takes and what it allocates, by mitata. */

import { getHeapStatistics } from 'node:v8';
import { do_not_optimize, measure as sample } from 'mitata';
import type { Case } from './case.ts';

/** What came of a case; times are nanoseconds of one operation, each sample being the mean of a batch. */
export interface Measurement {
  readonly file: string;
  readonly name: string;
  readonly min: number;
  readonly p50: number;
  readonly p99: number;
  readonly mean: number;
  /** Bytes that one operation allocates, those of buffers included; the median, since a collection falls into some samples. */
  readonly bytes: number;
  readonly samples: number;
  /** Operations in a sample. */
  readonly batch: number;
}

/** How long it runs before, twice, in milliseconds: of the first time the compiler has its part. */
const WARM_UP_MS = 50;
/** Long enough for the clock, and short enough that most batches are not interrupted by what else runs on the machine. */
const BATCH_NS = 100_000;
const MAX_BATCH = 4096;
/** A case that is slow has so many samples at least. */
const MIN_SAMPLES = 10;
/** As mitata writes its loop. */
const UNROLLED = 4;

/** Bytes in use. */
function bytesInUse(): number {
  const { used_heap_size, external_memory } = getHeapStatistics();
  return used_heap_size + external_memory;
}

/** Runs a case once and looks at what it gives; throws with its name where that is wrong. */
export async function checkCase({ name, run, check }: Case): Promise<void> {
  try {
    await check(await run());
  } catch (error) {
    throw new Error(`${name}: the result is wrong`, { cause: error });
  }
}

/**
 * Measures a case for so many milliseconds. Throws where it does not do what it says, before or afterwards.
 * Without `--expose-gc` it begins with what others have left on the heap.
 */
export async function measureCase(file: string, one: Case, ms: number): Promise<Measurement> {
  await checkCase(one);
  await warmUp(one);
  const batch = batchOf(await warmUp(one));
  const readings: number[] = [];
  const { gc } = globalThis;
  const stats = await sample(
    () => {
      const result = one.run();
      do_not_optimize(result);
      // mitata waits for a promise, and for nothing else.
      return result instanceof Promise ? result : undefined;
    },
    {
      // Without it mitata allocates 1 GiB to the same end.
      gc: gc === undefined ? false : () => void gc(),
      heap() {
        const bytes = bytesInUse();
        readings.push(bytes);
        return bytes;
      },
      batch_samples: batch,
      batch_unroll: Math.min(batch, UNROLLED),
      // It would guess by one call whether to make batches, and be wrong where that one was interrupted.
      warmup_threshold: Number.POSITIVE_INFINITY,
      batch_threshold: Number.POSITIVE_INFINITY,
      min_samples: MIN_SAMPLES,
      min_cpu_time: ms * 1e6,
    },
  );
  await checkCase(one);
  const { name, operations } = one;
  return {
    file,
    name,
    min: stats.min / operations,
    p50: stats.p50 / operations,
    p99: stats.p99 / operations,
    mean: stats.avg / operations,
    bytes: Math.max(0, medianGrowth(readings) - READING_BYTES) / (batch * operations),
    samples: stats.samples.length,
    batch: batch * operations,
  };
}

/** Runs a case for so many milliseconds; gives the nanoseconds of one run. */
export async function warmUp(one: Case, ms: number = WARM_UP_MS): Promise<number> {
  const begun = performance.now();
  let runs = 0;
  do {
    for (let i = 0; i < UNROLLED; i += 1) {
      const result = one.run();
      do_not_optimize(result instanceof Promise ? await result : result);
    }
    runs += UNROLLED;
  } while (performance.now() - begun < ms);
  return ((performance.now() - begun) * 1e6) / runs;
}

/** How many runs make a batch. */
function batchOf(runNs: number): number {
  const fitting = Math.min(BATCH_NS / runNs, MAX_BATCH);
  return fitting < UNROLLED ? 1 : Math.floor(fitting / UNROLLED) * UNROLLED;
}

/** The readings come in pairs, before and after a sample. */
function medianGrowth(readings: readonly number[]): number {
  const growths: number[] = [];
  for (let i = 1; i < readings.length; i += 2) growths.push(readings[i]! - readings[i - 1]!);
  return growths.sort((a, b) => a - b)[growths.length >> 1] ?? 0;
}

/** What looking at the heap and the clock allocates itself. */
const READING_BYTES = medianGrowth(
  Array.from({ length: 10_000 }, () => {
    const before = bytesInUse();
    do_not_optimize(performance.now() + performance.now());
    return [before, bytesInUse()];
  }).flat(),
);
