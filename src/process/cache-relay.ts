/** Carries what the store of one worker has kept or thrown away to the stores of the others. */

import type { StoreChange } from '../cache/mirror.ts';
import type { FromWorker } from './messages.ts';
import type { WorkerThread } from './worker-thread.ts';

/** How long a worker may take to tell all it has, in milliseconds, and how often it is asked again. */
const ALL_MS = 5000;
const TRIES = 3;

/**
 * The main thread's part. What is thrown away is counted, and each worker is told the count after it has done the same. An
 * answer that comes with an older count may be one of those: it is carried no further, and the others fetch it anew.
 */
export class CacheRelay {
  readonly #serving: () => readonly WorkerThread[];
  #epoch = 0;

  constructor(serving: () => readonly WorkerThread[]) {
    this.#serving = serving;
  }

  /** A worker has told. */
  take(from: WorkerThread, { epoch, change }: Extract<FromWorker, { kind: 'cache' }>): void {
    if (change.kind === 'kept' && epoch !== this.#epoch) return;
    if (change.kind === 'outdated' || change.kind === 'invalidated') this.#epoch += 1;
    for (const thread of this.#serving()) {
      if (thread !== from) thread.mirror(this.#epoch, change);
      else if (epoch !== this.#epoch) thread.mirror(this.#epoch);
    }
  }

  /** An order to throw something away is on its way to all. */
  purged(): void {
    this.#epoch += 1;
    for (const thread of this.#serving()) thread.mirror(this.#epoch);
  }

  /** Gives a worker that has begun what another one has. Never rejects. */
  async fill(thread: WorkerThread): Promise<void> {
    for (let tries = 0; tries < TRIES; tries += 1) {
      const other = this.#serving().find((one) => one !== thread);
      if (other === undefined) return;
      const epoch = this.#epoch;
      const all: readonly StoreChange[] = await other.ask('cache_all', undefined, ALL_MS).catch(() => []);
      if (epoch !== this.#epoch) continue;
      for (const change of all) thread.mirror(epoch, change);
      return;
    }
  }
}
