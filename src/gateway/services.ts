/** What policies share: made once, and kept over reloads for as long as its part of the config stays the same. */

import { getRandomValues } from 'node:crypto';
import type { Config } from '../config/schema.ts';
import type { Clock } from '../core/clock.ts';
import type { Events } from '../core/events.ts';
import type { PolicyServices } from '../core/policy.ts';
import { LocalTier } from '../limits/local-tier.ts';
import { sharedMarks } from '../limits/marks.ts';
import { SharedPlaces } from '../limits/places.ts';
import { SharedTier } from '../limits/shared/shared-tier.ts';
import { SharedTable } from '../limits/shared-table.ts';
import { ConfiguredNetworks } from '../networks/named-networks.ts';
import { ZITADEL_RPCS } from '../rpc/rpc-table.ts';
import type { Kept } from './kept.ts';

export interface ServicesOptions {
  readonly config: Config;
  readonly kept: Kept;
  /** The generation that names them. */
  readonly id: number;
  readonly clock: Clock;
  readonly events: Events;
}

/** The services of a generation; what they count lives on in the next one. */
export interface Services extends PolicyServices {
  /** What is counted in this process. */
  readonly localTier: LocalTier;
  /** What replicas count together; undefined where each counts alone. */
  readonly sharedTier: SharedTier | undefined;
  /** Lifts a ban by its id, wherever it is known; false where it is not. */
  liftBan(id: string): boolean;
  /** How full the tables are, by name. */
  occupancies(): Record<string, { readonly used: number; readonly capacity: number; readonly overflows: number }>;
}

/** One thread for now: the first. */
const WORKER = 1;

function table(slots: number): SharedTable {
  return new SharedTable(SharedTable.allocate(slots, getRandomValues), WORKER);
}

/** Makes what is not there yet; throws where a list of addresses cannot be read. */
export function makeServices({ config, kept, id, clock, events }: ServicesOptions): Services {
  const { limiter } = config;
  const keep = <T extends object>(what: string, identity: unknown, make: () => T): T =>
    kept.use(id, what, identity, make);
  const localTier = keep('rates', limiter.slots, () => new LocalTier(table(limiter.slots), clock));
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
    () => new SharedPlaces(SharedPlaces.allocate(limiter.places, WORKER, getRandomValues), WORKER),
  );
  const marked = keep('marks', limiter.slots, () => table(limiter.slots));
  const networks = keep(
    'networks',
    config.networks,
    () =>
      new ConfiguredNetworks(config.networks, clock, {
        onReloaded: (list) => events.emit('list_reloaded', list),
        onFailed: (list) => events.emit('list_failed', list),
      }),
  );
  return {
    tier: sharedTier ?? localTier,
    localTier,
    sharedTier,
    liftBan: (ban) => (sharedTier ?? localTier).lift(ban),
    places,
    marks: sharedMarks(marked),
    networks,
    rpcs: ZITADEL_RPCS,
    ipv6PrefixLength: limiter.ipv6_prefix_length,
    untrustedPrivatePeers: limiter.untrusted_private_peers,
    occupancies() {
      const of = ({ used, capacity, overflows }: SharedTable | SharedPlaces) => ({ used, capacity, overflows });
      return { rates: localTier.occupancy, places: of(places), known_devices: of(marked) };
    },
  };
}
