/** `gatehouse check --resolve`: where the names of upstreams lead just now. */

import { parseEndpoint } from '../config/address.ts';
import { endpointEntry, parseEndpointFile } from '../config/endpoints.ts';
import type { Config, UpstreamConfig } from '../config/schema.ts';
import { systemClock } from '../core/clock.ts';
import { questionOf } from '../gateway/discoveries.ts';
import { EndpointFile, type NameQuestion, sourceOf } from '../upstream/discovery/index.ts';

/** How long one name may take, in milliseconds, where the config does not say. */
const TIMEOUT_MS = 2000;
/** Addresses beyond this number are counted, not shown. */
const MAX_SHOWN = 16;

/** What was found of one upstream. */
export interface Resolved {
  readonly upstream: string;
  readonly found: boolean;
  /** Addresses, or why there are none. */
  readonly text: string;
}

/** Asks for the endpoints of every upstream once. Never rejects. */
export function resolveUpstreams({ upstreams }: Config): Promise<Resolved[]> {
  return Promise.all(
    Object.entries(upstreams).map(async ([upstream, config]) => {
      try {
        return { upstream, found: true, text: shown(await addressesOf(config)) };
      } catch (error) {
        return { upstream, found: false, text: (error as Error).message };
      }
    }),
  );
}

function shown(addresses: readonly string[]): string {
  const more = addresses.length - MAX_SHOWN;
  return [...addresses.slice(0, MAX_SHOWN), ...(more > 0 ? [`${more} more`] : [])].join(', ');
}

async function addressesOf({ endpoints = [], discovery }: UpstreamConfig): Promise<string[]> {
  if (discovery === undefined) {
    const found = await Promise.all(endpoints.map((listed) => addressesOfOne(endpointEntry(listed).address)));
    return found.flat();
  }
  const question = questionOf(discovery);
  if (question !== undefined) return ask(question, discovery.timeout_ms, discovery.max_endpoints);
  const told = { onChanged() {}, onFailed() {}, onRecovered() {} };
  const parse = (text: string, file: string) => parseEndpointFile(text, file, discovery.max_endpoints);
  using file = new EndpointFile({ file: discovery.file!, parse, clock: systemClock, told });
  return file.specs.map(({ address }) => address);
}

/** A name of a list is looked up by the system, as it is for each connection. */
function addressesOfOne(address: string): Promise<string[]> {
  const { host: name, port } = parseEndpoint(address)!;
  return ask({ ask: { dns: { name, port } }, addressFamily: 'any', lookup: 'system', resolver: [] }, TIMEOUT_MS, 1);
}

async function ask(question: NameQuestion, timeoutMs: number, maxEndpoints: number): Promise<string[]> {
  const source = sourceOf(question, { timeoutMs, maxEndpoints });
  const { specs } = await source.find(AbortSignal.timeout(timeoutMs));
  return specs.map(({ address }) => address).sort();
}
