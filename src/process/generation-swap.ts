/** A new generation in several workers: compiled by all, then in force in all or in none. */

import type { GenerationOrder } from './messages.ts';
import type { WorkerThread } from './worker-thread.ts';

/** How long all workers may take to compile a config, in milliseconds. */
export const PREPARE_MS = 30_000;
/** How long a worker may take for what it only has to put in place or look up, in milliseconds. */
export const ANSWER_MS = 5000;

/** What all have compiled; one of the two is to be called. */
export interface PreparedInAll {
  commit(): Promise<void>;
  abandon(): void;
}

/** Rejects with the problem of the first that cannot compile it, and none keeps it. `done`: it is decided. */
export async function prepareInAll(
  threads: readonly WorkerThread[],
  order: GenerationOrder,
  done: () => void,
): Promise<PreparedInAll> {
  const abandon = (): void => {
    for (const thread of threads) void thread.ask('abandon', order.id, ANSWER_MS).catch(() => {});
    done();
  };
  const outcomes = await Promise.allSettled(threads.map((thread) => thread.ask('prepare', order, PREPARE_MS)));
  const failed = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failed !== undefined) {
    abandon();
    throw failed.reason;
  }
  return {
    abandon,
    commit: async () => {
      for (const thread of threads) thread.generation = order.id;
      const committed = threads.map((thread) =>
        // Whoever cannot do as much is not sound: it is replaced, and begins with the new config.
        thread.ask('commit', order.id, ANSWER_MS).catch(() => thread.kill()),
      );
      done();
      await Promise.all(committed);
    },
  };
}
