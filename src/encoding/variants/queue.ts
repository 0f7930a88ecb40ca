import type { Clock } from '../../core/clock.ts';
import type { CodingName } from '../coding.ts';
import type { VariantDone, VariantJob, VariantSource } from './variant-job.ts';

/**
 * How long a job may be overtaken by later ones, in milliseconds for each KiB of its body. Small bodies before large
 * ones, since most clients wait for those; brotli before the others, since all browsers take it. The time is an
 * allowance that begins when the job is queued, so a large body cannot be overtaken for ever.
 */
const PATIENCE_MS_PER_KIB: Readonly<Record<CodingName, number>> = { br: 10, zstd: 40, gzip: 80 };

/** The jobs that are neither done nor called off, bounded in number and in bytes; each body is counted once. */
export class VariantQueue {
  readonly #clock: Clock;
  readonly #maxBytes: number;
  readonly #maxJobs: number;
  /** Waiting ones and the one at hand, by what makes two jobs the same. */
  readonly #jobs = new Map<string, VariantJob>();
  readonly #bodies = new Map<string, { readonly source: VariantSource; jobs: number }>();
  #bytes = 0;
  #taken: VariantJob | undefined;

  constructor(clock: Clock, { maxBytes, maxJobs }: { maxBytes: number; maxJobs: number }) {
    this.#clock = clock;
    this.#maxBytes = maxBytes;
    this.#maxJobs = maxJobs;
  }

  get jobs(): number {
    return this.#jobs.size;
  }

  /** Bytes of the bodies of all jobs. */
  get bytes(): number {
    return this.#bytes;
  }

  /** All the codings or none: false where they do not fit. A job that is there already takes one more caller. */
  add(source: VariantSource, codings: readonly CodingName[], done: VariantDone): boolean {
    const known = this.#bodies.get(source.digest);
    const fresh = codings.filter((coding) => !this.#jobs.has(key(source.digest, coding)));
    const bytes = known === undefined && fresh.length > 0 ? source.body.byteLength : 0;
    if (this.#jobs.size + fresh.length > this.#maxJobs || this.#bytes + bytes > this.#maxBytes) return false;
    for (const coding of codings) this.#one(source, coding).callers.add(done);
    return true;
  }

  #one({ digest, body: bytes }: VariantSource, coding: CodingName): VariantJob {
    const there = this.#jobs.get(key(digest, coding));
    if (there !== undefined) return there;
    let body = this.#bodies.get(digest);
    if (body === undefined) {
      body = { source: { digest, body: bytes }, jobs: 0 };
      this.#bodies.set(digest, body);
      this.#bytes += bytes.byteLength;
    }
    body.jobs += 1;
    const patience = (bytes.byteLength / 1024) * PATIENCE_MS_PER_KIB[coding];
    const dueAt = this.#clock.now() + patience;
    const job = { source: body.source, coding, dueAt, callers: new Set<VariantDone>() };
    this.#jobs.set(key(digest, coding), job);
    return job;
  }

  /** The next job, which stays counted until it is `finished`; undefined where none waits or one is taken. */
  take(): VariantJob | undefined {
    if (this.#taken !== undefined) return undefined;
    let next: VariantJob | undefined;
    // A scan of the bounded table, once per job: jobs take milliseconds at least.
    for (const job of this.#jobs.values()) if (next === undefined || job.dueAt < next.dueAt) next = job;
    this.#taken = next;
    return next;
  }

  /** The taken job is over, well or not. */
  finished(job: VariantJob): void {
    this.#taken = undefined;
    this.#drop(job);
  }

  /** One caller wants these no more; what nobody wants is not begun. What is at hand is brought to its end. */
  callOff({ digest }: VariantSource, codings: readonly CodingName[], done: VariantDone): void {
    for (const coding of codings) {
      const job = this.#jobs.get(key(digest, coding));
      if (job?.callers.delete(done) && job.callers.size === 0 && job !== this.#taken) this.#drop(job);
    }
  }

  clear(): void {
    this.#jobs.clear();
    this.#bodies.clear();
    this.#bytes = 0;
    this.#taken = undefined;
  }

  #drop({ source, coding }: VariantJob): void {
    if (!this.#jobs.delete(key(source.digest, coding))) return;
    const body = this.#bodies.get(source.digest)!;
    body.jobs -= 1;
    if (body.jobs > 0) return;
    this.#bodies.delete(source.digest);
    this.#bytes -= source.body.byteLength;
  }
}

function key(digest: string, coding: CodingName): string {
  return `${coding} ${digest}`;
}
