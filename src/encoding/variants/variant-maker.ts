import type { Clock } from '../../core/clock.ts';
import type { CodingName } from '../coding.ts';
import { VariantQueue } from './queue.ts';
import { type VariantOutcome, VariantThread } from './thread.ts';
import type { VariantDone, VariantJob, VariantSource } from './variant-job.ts';
import type { VariantStats, Variants } from './variants.ts';

/** What a maker is made of. */
export interface VariantMakerOptions {
  readonly clock: Clock;
  /** Bytes of the bodies that wait, each counted once. */
  readonly maxQueuedBytes: number;
  /** Codings that wait. */
  readonly maxJobs: number;
  /** How long the thread stays when there is nothing to do, in milliseconds. */
  readonly idleMs?: number;
  /** How often within a minute a thread is started after one that died; then the jobs wait. */
  readonly restartsPerMinute?: number;
  /** A coding failed, or the thread died with it; `done` is called all the same. */
  onFailure(failure: VariantFailure): void;
  /** The program of the thread, for tests. */
  readonly script?: URL;
}

/** What went wrong, for the log. */
export interface VariantFailure {
  readonly coding: CodingName;
  readonly digest: string;
  readonly reason: string;
}

const IDLE_MS = 30_000;
const RESTARTS_PER_MINUTE = 6;
const MINUTE_MS = 60_000;

/**
 * The maker of the best codings of whole bodies, in one thread of low priority, one after the other. The thread starts with
 * the first job and ends when there was none for a while; it keeps no process alive. What kills it costs the job at
 * hand only. Equal bodies are coded once, whoever asks.
 */
export class VariantMaker implements Variants {
  readonly #options: VariantMakerOptions;
  readonly #queue: VariantQueue;
  #thread: VariantThread | undefined;
  #callOffIdle: (() => void) | undefined;
  #callOffRest: (() => void) | undefined;
  /** When threads died, within the last minute. */
  #deaths: number[] = [];
  #waiters: (() => void)[] = [];
  #disposed = false;
  readonly #counts = { made: 0, notWorth: 0, failed: 0, refused: 0, starts: 0 };

  constructor(options: VariantMakerOptions) {
    this.#options = options;
    this.#queue = new VariantQueue(options.clock, { maxBytes: options.maxQueuedBytes, maxJobs: options.maxJobs });
  }

  get stats(): VariantStats {
    return { ...this.#counts, queuedJobs: this.#queue.jobs, queuedBytes: this.#queue.bytes };
  }

  /**
   * Queues the codings of a body: all or none. Undefined where the queue is full or the maker is disposed. `done` is
   * called later, once for each coding, and not any more after `cancel`.
   */
  make(source: VariantSource, codings: readonly CodingName[], done: VariantDone): { cancel(): void } | undefined {
    // A function of this call's own: two calls with one `done` are two callers.
    const caller: VariantDone = (coding, coded) => done(coding, coded);
    if (this.#disposed || !this.#queue.add(source, codings, caller)) {
      this.#counts.refused += 1;
      return undefined;
    }
    this.#next();
    return {
      cancel: () => {
        this.#queue.callOff(source, codings, caller);
        this.#wake();
      },
    };
  }

  /** Settles when nothing waits and nothing is being made. The thread keeps the process alive until then. */
  idle(): Promise<void> {
    if (this.#queue.jobs === 0) return Promise.resolve();
    this.#thread?.ref();
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  /** Ends the thread and forgets all jobs; no `done` comes afterwards. */
  [Symbol.dispose](): void {
    this.#disposed = true;
    this.#queue.clear();
    this.#callOffIdle?.();
    this.#callOffRest?.();
    this.#endThread();
    this.#wake();
  }

  #next(): void {
    if (this.#disposed || this.#callOffRest !== undefined) return;
    const job = this.#queue.take();
    if (job === undefined) return;
    this.#callOffIdle?.();
    this.#callOffIdle = undefined;
    const over = (outcome: VariantOutcome) => {
      if (!this.#disposed) this.#over(job, outcome);
    };
    try {
      this.#living().code(job, over);
    } catch (error) {
      // The system has no thread for us.
      setImmediate(over, { kind: 'died', reason: String(error) });
    }
  }

  #living(): VariantThread {
    if (this.#thread?.living) return this.#thread;
    this.#counts.starts += 1;
    this.#thread = new VariantThread(this.#options.script);
    if (this.#waiters.length > 0) this.#thread.ref();
    return this.#thread;
  }

  #over(job: VariantJob, outcome: VariantOutcome): void {
    this.#queue.finished(job);
    if (outcome.kind === 'made') this.#counts[outcome.coded === undefined ? 'notWorth' : 'made'] += 1;
    else this.#counts.failed += 1;
    if (outcome.kind === 'died') this.#died();
    this.#next();
    if (this.#queue.jobs === 0) this.#endLater();
    const { coding, source } = job;
    try {
      if (outcome.kind !== 'made') this.#options.onFailure({ coding, digest: source.digest, reason: outcome.reason });
      const coded = outcome.kind === 'made' ? outcome.coded : undefined;
      for (const done of job.callers) done(coding, coded);
    } finally {
      this.#wake();
    }
  }

  /** After too many deaths in a minute the jobs wait until the minute is over. */
  #died(): void {
    this.#thread = undefined;
    const now = this.#options.clock.now();
    this.#deaths = [...this.#deaths.filter((at) => at > now - MINUTE_MS), now];
    if (this.#deaths.length <= (this.#options.restartsPerMinute ?? RESTARTS_PER_MINUTE)) return;
    this.#callOffRest = this.#options.clock.after(this.#deaths[0]! + MINUTE_MS - now, () => {
      this.#callOffRest = undefined;
      this.#next();
    });
  }

  #endLater(): void {
    this.#callOffIdle = this.#options.clock.after(this.#options.idleMs ?? IDLE_MS, () => this.#endThread());
  }

  #endThread(): void {
    this.#thread?.end();
    this.#thread = undefined;
  }

  #wake(): void {
    if (this.#queue.jobs > 0) return;
    this.#thread?.unref();
    for (const resolve of this.#waiters.splice(0)) resolve();
  }
}
