/** The list of sources, by the key that the config has for them. */

import { readFileSync } from 'node:fs';
import type { EndpointSpec } from '../upstream.ts';
import { type Discovery, type DiscoveryTold, ListedEndpoints } from './discovery.ts';
import { DnsNames } from './dns-names.ts';
import { DnsSource } from './dns-source.ts';
import { EndpointFile } from './endpoint-file.ts';
import { FollowedSource, type FollowOptions } from './followed-source.ts';
import type { Family, NameService } from './name-service.ts';
import { NO_SEARCH, parseSearchList, type SearchList } from './search-list.ts';
import type { Source } from './source.ts';
import { SrvSource } from './srv-source.ts';
import { SystemNames } from './system-names.ts';

const RESOLV_CONF = '/etc/resolv.conf';

const FAMILIES: Record<NameQuestion['addressFamily'], readonly Family[]> = { any: [4, 6], ipv4: [4], ipv6: [6] };

/** A name to ask for. */
export interface NameQuestion {
  /** A name whose addresses are the endpoints, on this port; or a service, which has ports of its own. */
  readonly ask: { readonly dns: { name: string; port: number } } | { readonly srv: { name: string } };
  readonly addressFamily: 'any' | 'ipv4' | 'ipv6';
  readonly lookup: 'dns' | 'system';
  /** `address` or `address:port` of DNS servers; those of resolv.conf where there are none. */
  readonly resolver: readonly string[];
}

/** Makes the source that answers a question. */
export function sourceOf(
  { ask, addressFamily, lookup, resolver }: NameQuestion,
  { timeoutMs, maxEndpoints }: Pick<FollowOptions, 'timeoutMs' | 'maxEndpoints'>,
): Source {
  const system = lookup === 'system' ? new SystemNames() : undefined;
  const options = {
    name: 'dns' in ask ? ask.dns.name : ask.srv.name,
    families: FAMILIES[addressFamily],
    names: (): NameService => system ?? new DnsNames(resolver, timeoutMs),
    // The system searches by itself, and a server of its own knows nothing of this machine's domains.
    search: system !== undefined || resolver.length > 0 ? () => NO_SEARCH : systemSearch,
  };
  return 'dns' in ask ? new DnsSource(options, ask.dns.port) : new SrvSource(options, maxEndpoints);
}

/** Makes a discovery by names. */
export function followedNames(question: NameQuestion, options: FollowOptions): Discovery {
  return new FollowedSource(sourceOf(question, options), options);
}

export { type Discovery, type DiscoveryTold, EndpointFile, type EndpointSpec, ListedEndpoints };

/** Node's resolver reads servers from the file, but searches no domains. */
function systemSearch(): SearchList {
  try {
    return parseSearchList(readFileSync(RESOLV_CONF, 'utf8'));
  } catch {
    return NO_SEARCH;
  }
}
