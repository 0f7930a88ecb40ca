/** What policies share: made once, and kept over reloads for as long as its part of the config stays the same. */

import { getRandomValues } from 'node:crypto';
import { LocalFolder } from '../cache/disk-folder.ts';
import { DiskTier } from '../cache/disk-tier.ts';
import { Mirror } from '../cache/mirror.ts';
import { Store } from '../cache/store.ts';
import type { Config } from '../config/schema.ts';
import type { Clock } from '../core/clock.ts';
import type { Events } from '../core/events.ts';
import type { PolicyServices } from '../core/policy.ts';
import { inSharedMemory } from '../core/shared-memory.ts';
import { QuickCodings } from '../encoding/quick-codings.ts';
import { VariantMaker } from '../encoding/variants/variant-maker.ts';
import type { Variants } from '../encoding/variants/variants.ts';
import { LocalTier } from '../limits/local-tier.ts';
import { sharedMarks } from '../limits/marks.ts';
import { SharedPlaces } from '../limits/places.ts';
import { SharedTier } from '../limits/shared/shared-tier.ts';
import { SharedTable } from '../limits/shared-table.ts';
import { ConfiguredNetworks } from '../networks/named-networks.ts';
import { ZITADEL_RPCS } from '../rpc/rpc-table.ts';
import type { Kept } from './kept.ts';
import { ALONE, type ServicesMemory, type Thread } from './thread.ts';

/** What the services of one generation are made from. */
export interface ServicesOptions {
  readonly config: Config;
  readonly kept: Kept;
  /** The generation that names them. */
  readonly id: number;
  readonly clock: Clock;
  readonly events: Events;
  /** This thread among others; alone where it is not given. */
  readonly thread?: Thread;
  /** What another thread has allocated for the same config; its own where it is not given. */
  readonly memory?: ServicesMemory;
}

/** The services of a generation; what they count lives on in the next one. */
export interface Services extends PolicyServices {
  /** What is counted in this process. */
  readonly localTier: LocalTier;
  /** What replicas count together; undefined where each counts alone. */
  readonly sharedTier: SharedTier | undefined;
  /** Where all this is counted, for other threads. */
  readonly memory: ServicesMemory;
  /** A thread is gone: frees what it has locked, and gives back its places. */
  releaseThread(number: number): void;
  /** Lifts a ban by its id, wherever it is known; false where it is not. */
  liftBan(id: string): boolean;
  /** How full the tables are, by name. */
  occupancies(): Record<string, { readonly used: number; readonly capacity: number; readonly overflows: number }>;
}

/** Bodies that wait to be coded, in the size of the largest one that is stored. */
const MAX_QUEUED_ENTRIES = 4;
/** The Console is a hundred files, each in three codings; a few instances may be asked for at once. */
const MAX_QUEUED_JOBS = 2000;
/** One part of so many of the cache's memory comes on top for quick codings: they are gone when the best ones are made. */
const QUICK_PART = 8;

/** The stored answers, in memory and where it is asked for on disk. */
function stored(
  { memory_bytes: maxBytes, max_entry_bytes: maxEntryBytes, disk }: Config['cache'],
  clock: Clock,
  events: Events,
  { number, sharers, tellStores }: Thread,
): { readonly store: Store; readonly disk: DiskTier | undefined; readonly mirror: Mirror | undefined } {
  const share = Math.floor(maxBytes / sharers);
  const limits = { maxBytes: share, maxEntryBytes: Math.min(share, maxEntryBytes) };
  const store = new Store(limits, clock, tellStores && inSharedMemory);
  const mirror = tellStores && new Mirror(store, tellStores);
  if (disk === undefined) return { store, disk, mirror };
  const { directory } = disk;
  // A folder each: what one thread writes no other knows of.
  const folder = new LocalFolder(directory, number === 1 ? undefined : `gatehouse-cache-${number}`);
  return {
    store,
    mirror,
    disk: new DiskTier(store, folder, Math.floor(disk.max_bytes / sharers), clock, {
      onProblem: (problem) => events.emit('cache_disk', { up: false, directory, problem }),
      onRecovered: () => events.emit('cache_disk', { up: true, directory }),
    }),
  };
}

/** Makes what is not there yet; throws where a list of addresses cannot be read. */
export function makeServices({ config, kept, id, clock, events, thread = ALONE, memory }: ServicesOptions): Services {
  const { limiter } = config;
  const { number } = thread;
  const table = (from = SharedTable.allocate(limiter.slots, getRandomValues)) => new SharedTable(from, number);
  const keep = <T extends object>(what: string, identity: unknown, make: () => T): T =>
    kept.use(id, what, identity, make);
  const { localTier, table: rates } = keep('rates', limiter.slots, () => {
    const counted = table(memory?.rates);
    return { table: counted, localTier: new LocalTier(counted, clock, thread.onBan) };
  });
  const { shared } = limiter;
  const sharedTier =
    shared &&
    keep(
      'shared tier',
      [shared, limiter.slots],
      () =>
        new SharedTier(localTier, shared, clock, {
          onDown: (problem) => events.emit('shared_tier', { up: false, problem }),
          onUp: () => events.emit('shared_tier', { up: true }),
        }),
    );
  const places = keep(
    'places',
    limiter.places,
    () =>
      new SharedPlaces(memory?.places ?? SharedPlaces.allocate(limiter.places, thread.count, getRandomValues), number),
  );
  const marked = keep('marks', limiter.slots, () => table(memory?.marks));
  const networks = keep(
    'networks',
    config.networks,
    () =>
      new ConfiguredNetworks(config.networks, clock, {
        onReloaded: (list) => events.emit('list_reloaded', list),
        onFailed: (list) => events.emit('list_failed', list),
      }),
  );
  const { max_entry_bytes: maxEntryBytes } = config.cache;
  const { store, disk, mirror } = keep('cache', [config.cache.memory_bytes, maxEntryBytes, config.cache.disk], () =>
    stored(config.cache, clock, events, thread),
  );
  const maker = keep(
    'variants',
    maxEntryBytes,
    (): Variants =>
      thread.variants?.(MAX_QUEUED_ENTRIES * maxEntryBytes, MAX_QUEUED_JOBS) ??
      new VariantMaker({
        clock,
        maxQueuedBytes: MAX_QUEUED_ENTRIES * maxEntryBytes,
        maxJobs: MAX_QUEUED_JOBS,
        onFailure: (failure) => events.emit('variant_failed', { ...failure }),
      }),
  );
  const quickBytes = Math.floor(config.cache.memory_bytes / QUICK_PART / thread.sharers);
  const quick = keep('quick codings', quickBytes, () => new QuickCodings(quickBytes));
  return {
    tier: sharedTier ?? localTier,
    localTier,
    sharedTier,
    memory: { rates: rates.memory, places: places.memory, marks: marked.memory },
    releaseThread(gone) {
      rates.releaseOwner(gone);
      marked.releaseOwner(gone);
      places.zeroWorker(gone);
    },
    liftBan: (ban) => (sharedTier ?? localTier).lift(ban),
    places,
    marks: sharedMarks(marked),
    networks,
    cache: { store, maker, quick, disk, mirror, warmHosts: thread.warms === false ? [] : config.cache.warm_hosts },
    rpcs: ZITADEL_RPCS,
    ipv6PrefixLength: limiter.ipv6_prefix_length,
    untrustedPrivatePeers: limiter.untrusted_private_peers,
    occupancies() {
      const of = ({ used, capacity, overflows }: SharedTable | SharedPlaces) => ({ used, capacity, overflows });
      return { rates: localTier.occupancy, places: of(places), known_devices: of(marked) };
    },
  };
}
