/** Who is told of everything that comes into the store and leaves it. */

import type { KeptAnswer } from './kept-answer.ts';
import type { CacheKey } from './stored.ts';

/**
 * Why an answer is no longer in the store: pushed out by others; replaced by a newer one, of which `onKept` tells next;
 * or thrown away, by an order or since it is out of date.
 */
export type GoneReason = 'evicted' | 'replaced' | 'purged';

/** Follows what is in the store: the disk tier does. Called at once, in order; must not throw. */
export interface StoreFollower {
  onKept(key: CacheKey, answer: KeptAnswer): void;
  /** Codings were added to a body. */
  onGrew(digest: string): void;
  onGone(key: CacheKey, answer: KeptAnswer, reason: GoneReason): void;
}
