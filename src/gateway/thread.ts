/** The place of a thread among those of the process that count together. */

import type { StoreChange } from '../cache/mirror.ts';
import type { Variants } from '../encoding/variants/variants.ts';
import type { ListedBan } from '../limits/bans.ts';
import type { PlacesMemory } from '../limits/places.ts';
import type { SharedTableMemory } from '../limits/shared-table.ts';

/** What a thread is to the others. */
export interface Thread {
  /** Its number, from 1; the main thread is 1. It stands in locks and columns of shared memory. */
  readonly number: number;
  /** The highest number that there may be. */
  readonly count: number;
  /** How many threads share the memory and the disk of the cache. */
  readonly sharers: number;
  /** Asks the thread that has the maker of variants; a maker of its own where it is not given. */
  readonly variants?: (maxQueuedBytes: number, maxJobs: number) => Variants;
  /** Tells the stores of the other threads what has become of this one's; alone where it is not given. */
  readonly tellStores?: (change: StoreChange) => void;
  /** Whether it fetches what is to be stored at the start; one thread does, and tells the others. True if not given. */
  readonly warms?: boolean;
  /** A ban by a rule began here. */
  readonly onBan?: (ban: ListedBan) => void;
  /** A ban of an address began here. */
  readonly onAddressBan?: (ban: ListedBan) => void;
}

/** A process of one thread. */
export const ALONE: Thread = { number: 1, count: 1, sharers: 1 };

/** The memory that services of all threads count in; allocated by one of them. */
export interface ServicesMemory {
  readonly rates: SharedTableMemory;
  readonly places: PlacesMemory;
  readonly marks: SharedTableMemory;
}

/** The memory that all threads count addresses in. */
export interface AddressMemory {
  readonly rates: SharedTableMemory;
  readonly bans: SharedTableMemory;
  readonly places: PlacesMemory;
}
