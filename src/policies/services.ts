/** What policies share: declared here once, made where the gateway is wired. */

import type { DiskTier } from '../cache/disk-tier.ts';
import type { Mirror } from '../cache/mirror.ts';
import type { Store } from '../cache/store.ts';
import type { QuickCodings } from '../encoding/quick-codings.ts';
import type { Variants } from '../encoding/variants/variants.ts';
import type { Marks } from '../limits/marks.ts';
import type { Places } from '../limits/places.ts';
import type { Tier } from '../limits/tier.ts';
import type { NamedNetworks } from '../networks/named-networks.ts';
import type { RpcTable } from '../rpc/rpc-table.ts';

declare module '../core/policy.ts' {
  interface PolicyServices {
    /** Counts of rate limits and bans. */
    readonly tier: Tier;
    /** What is in flight, by key. */
    readonly places: Places;
    /** Pairs of account and device that succeeded lately. */
    readonly marks: Marks;
    /** The lists of addresses of the config, by name. */
    readonly networks: NamedNetworks;
    /** The RPCs of ZITADEL with their REST twins. */
    readonly rpcs: RpcTable;
    /** Stored answers, and what makes their codings. */
    readonly cache: {
      readonly store: Store;
      readonly maker: Variants;
      /** What is in use until it has. */
      readonly quick: QuickCodings;
      /** The stores of other threads; undefined where there is none. */
      readonly mirror: Mirror | undefined;
      /** Undefined where stored answers end with the process. */
      readonly disk: DiskTier | undefined;
      /** Hosts whose pages are fetched at the start. */
      readonly warmHosts: readonly string[];
    };
    /** How much of an IPv6 address counts as one client, in bits. */
    readonly ipv6PrefixLength: number;
    /** Whether limits by an address that may be a proxy's are enforced. */
    readonly untrustedPrivatePeers: 'shadow' | 'enforce';
  }
}
