/** Finds threads whose event loop stands still: an endless loop, or a call that never comes back. */

import type { Clock } from '../core/clock.ts';

/** How often threads are asked for a sign of life, in milliseconds. */
export const KNOCK_MS = 1000;
/** Knocks that a thread leaves unanswered before others get what is new. */
const LATE_KNOCKS = 3;
/** Loading and compiling takes a new thread longer than anything later, and much longer where all begin at once. */
const STARTING_TIMES = 4;

/** A thread that can be asked whether it lives. */
export interface Watched {
  readonly status: 'starting' | 'serving' | 'leaving' | 'ended';
  /** How many knocks it has not answered. */
  readonly unanswered: number;
  /** Asks for a sign of life. */
  knock(): void;
}

/** Which threads are watched, and who hears of one that hangs. */
export interface LifeWatchOptions<T extends Watched> {
  readonly clock: Clock;
  /** How long a thread may stand still, in milliseconds; 0 for ever. Asked each time. */
  limitMs(): number;
  threads(): Iterable<T>;
  /** It has stood still for so many milliseconds; told once, and again each second where it is still there. */
  onHung(thread: T, silentMs: number): void;
}

/**
 * Knocks at every thread once a second and counts what is not answered. It goes by its own knocks, not by the time
 * between them: while the machine is suspended, the process frozen, or its cores taken away, nobody knocks.
 */
export class LifeWatch<T extends Watched> implements Disposable {
  readonly #options: LifeWatchOptions<T>;
  #cancel: () => void;

  constructor(options: LifeWatchOptions<T>) {
    this.#options = options;
    this.#cancel = options.clock.after(KNOCK_MS, () => this.#knock());
  }

  [Symbol.dispose](): void {
    this.#cancel();
  }

  #knock(): void {
    const { clock, threads, limitMs, onHung } = this.#options;
    this.#cancel = clock.after(KNOCK_MS, () => this.#knock());
    const limit = limitMs();
    for (const thread of [...threads()]) {
      if (thread.status === 'ended') continue;
      const silentMs = thread.unanswered * KNOCK_MS;
      const most = thread.status === 'starting' ? limit * STARTING_TIMES : limit;
      if (limit > 0 && silentMs >= most) onHung(thread, silentMs);
      thread.knock();
    }
  }
}

/** Those of them that have answered lately; all where none has. */
export function prompt<T extends Watched>(threads: readonly T[]): readonly T[] {
  const found = threads.filter(({ unanswered }) => unanswered < LATE_KNOCKS);
  return found.length > 0 ? found : threads;
}
