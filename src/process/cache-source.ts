/** The cache as the admin listener is handed it. */

import type { CacheSource } from '../admin/entry.ts';
import type { DiskTier } from '../cache/disk-tier.ts';
import { listingOf, summaryOf } from '../cache/listing.ts';
import type { Store } from '../cache/store.ts';
import type { Clock } from '../core/clock.ts';

/** The store, and the tier on disk where there is one, of the generation that runs when it is asked. */
export function cacheSource(
  current: () => { readonly store: Store; readonly disk?: DiskTier | undefined },
  clock: Clock,
): CacheSource {
  return {
    summary() {
      const { store, disk } = current();
      return { ...summaryOf(store), disk: disk?.figures() ?? null };
    },
    entries: (question) => listingOf(current().store, clock.wall(), question),
    async purge(order) {
      const { store, disk } = current();
      const purged = store.purge(order);
      return { purged, disk: await disk?.settled() };
    },
  };
}
