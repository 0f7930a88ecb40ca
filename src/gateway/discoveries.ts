/** Where the endpoints of upstreams come from; kept over reloads as long as nothing about that changes. */

import { endpointEntry, parseEndpointFile } from '../config/endpoints.ts';
import type { DiscoveryConfig } from '../config/schema/discovery.ts';
import type { UpstreamConfig } from '../config/schema.ts';
import type { Clock } from '../core/clock.ts';
import type { Events } from '../core/events.ts';
import type { NameQuestion } from '../upstream/discovery/index.ts';
import {
  type Discovery,
  type DiscoveryTold,
  EndpointFile,
  followedNames,
  ListedEndpoints,
} from '../upstream/discovery/index.ts';

/** What a discovery is made with. */
export interface DiscoveryContext {
  readonly clock: Clock;
  readonly events: Events;
  /** From 0 to 1. */
  readonly random: () => number;
}

/** The question that a config asks of DNS or of the system; undefined for a file. */
export function questionOf(config: DiscoveryConfig): NameQuestion | undefined {
  const { dns, srv } = config;
  if (dns === undefined && srv === undefined) return undefined;
  return {
    ask: dns === undefined ? { srv: srv! } : { dns },
    addressFamily: config.address_family,
    lookup: config.lookup,
    resolver: config.resolver,
  };
}

/** Makes the discovery of an upstream; it begins when it is started. Throws where a file of endpoints cannot be used. */
export function makeDiscovery(
  upstream: string,
  { endpoints = [], discovery }: Pick<UpstreamConfig, 'endpoints' | 'discovery'>,
  { clock, events, random }: DiscoveryContext,
): Discovery {
  if (discovery === undefined) return new ListedEndpoints(endpoints.map(endpointEntry));
  const question = questionOf(discovery);
  const source = question === undefined ? 'file' : 'dns' in question.ask ? 'dns' : 'srv';
  const told: DiscoveryTold = {
    onChanged: (change) => events.emit('endpoints_changed', { upstream, source, ...change }),
    onFailed: (problem, kept) => events.emit('discovery_failed', { upstream, source, problem, kept }),
    onRecovered: (found) => events.emit('discovery_recovered', { upstream, source, endpoints: found }),
  };
  if (question !== undefined) {
    return followedNames(question, {
      minTtlMs: discovery.min_ttl_ms,
      maxTtlMs: discovery.max_ttl_ms,
      intervalMs: discovery.interval_ms,
      retryMaxMs: discovery.retry_max_ms,
      timeoutMs: discovery.timeout_ms,
      maxEndpoints: discovery.max_endpoints,
      clock,
      random,
      told,
    });
  }
  try {
    return new EndpointFile({
      file: discovery.file!,
      parse: (text, file) => parseEndpointFile(text, file, discovery.max_endpoints),
      clock,
      told,
    });
  } catch (error) {
    throw new Error(`upstreams.${upstream}.discovery.file: ${(error as Error).message}`, { cause: error });
  }
}

/** Connections that do not come about say that a name may have other addresses by now. */
const UNREACHABLE = new Set(['CONNECT_FAILED', 'CONNECT_TIMEOUT']);

/** Looks for endpoints sooner where connections to those that are known fail. Listens as long as the process has a gateway. */
export class EarlyLooks {
  #discoveries: ReadonlyMap<string, Discovery> = new Map();

  constructor(events: Events) {
    events.on('attempt_failed', ({ upstream, code }) => {
      if (UNREACHABLE.has(code)) this.#discoveries.get(upstream)?.refresh();
    });
  }

  /** Those in force, by upstream. */
  use(discoveries: ReadonlyMap<string, Discovery>): void {
    this.#discoveries = discoveries;
  }
}
