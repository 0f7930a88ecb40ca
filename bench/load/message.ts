/** What a generator's thread and its crew say to each other. */

import type { Plan } from './plan.ts';
import type { SentTally } from './tally.ts';

/** To the thread: begin. */
export type Order = { readonly plan: Plan };

/** From the thread. */
export type Report =
  | { readonly kind: 'ready' }
  /** Warm-up is over. */
  | { readonly kind: 'measuring' }
  | { readonly kind: 'progress'; readonly answers: number; readonly errors: number }
  | {
      readonly kind: 'done';
      readonly tally: SentTally;
      readonly opened: number;
      /** CPU time of the thread, in seconds. */
      readonly cpuS: number;
      /** How much of the time the thread was busy, 0 to 1. */
      readonly busy: number;
    };
