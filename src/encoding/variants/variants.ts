import type { CodingName } from '../coding.ts';
import type { VariantDone, VariantSource } from './variant-job.ts';

/** Counts since the start, and what is there now. */
export interface VariantStats {
  readonly made: number;
  /** Coded, but hardly smaller than the body. */
  readonly notWorth: number;
  readonly failed: number;
  /** Calls of `make` that found the queue full. */
  readonly refused: number;
  /** Threads that were started. */
  readonly starts: number;
  readonly queuedJobs: number;
  readonly queuedBytes: number;
}

/** What makes the best codings of whole bodies: in this thread's reach, or in that of another. */
export interface Variants extends Disposable {
  readonly stats: VariantStats;
  /**
   * Queues the codings of a body: all or none. Undefined where the queue is full or all is over. `done` is called later,
   * once for each coding, and not any more after `cancel`.
   */
  make(source: VariantSource, codings: readonly CodingName[], done: VariantDone): { cancel(): void } | undefined;
  /** Settles when nothing waits and nothing is being made. */
  idle(): Promise<void>;
}
