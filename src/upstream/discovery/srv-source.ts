/** Endpoints by SRV records (RFC 2782): every address of every target, on the target's port. */

import type { EndpointSpec } from '../upstream.ts';
import type { NameSourceOptions } from './dns-source.ts';
import { Host } from './host-addresses.ts';
import { NameError, type NameService, type ServiceRecord } from './name-service.ts';
import { candidates, NO_SEARCH } from './search-list.ts';
import { endpointName, type Found, type Source } from './source.ts';

/** Targets whose addresses are asked for at the same time. */
const AT_ONCE = 8;
/** The largest weight of an endpoint: those of SRV go up to 65535, and are shares all the same. */
const MAX_WEIGHT = 1000;
/** What a target of weight 0 gets beside others, RFC 2782: "a very small chance". */
const SMALL_CHANCE = 100;

/** The targets with the lowest priority that have an address. */
export class SrvSource implements Source {
  readonly #options: NameSourceOptions;
  readonly #maxTargets: number;
  #hosts = new Map<string, Host>();

  /** No more than `maxTargets` are asked for their addresses. */
  constructor(options: NameSourceOptions, maxTargets: number) {
    this.#options = options;
    this.#maxTargets = maxTargets;
  }

  async find(signal: AbortSignal): Promise<Found> {
    const names = this.#options.names();
    signal.addEventListener('abort', () => names.cancel(), { once: true });
    const records = (await this.#records(names)).filter(({ target }) => target !== '' && target !== '.');
    if (records.length === 0) throw new NameError(`SRV ${this.#options.name}: the service is not offered`, true);
    const hosts = new Map<string, Host>();
    const problems: string[] = [];
    const missing: string[] = [];
    try {
      for (const group of byPriority(records)) {
        const ttls: number[] = [];
        const found = await this.#addresses(group.slice(0, this.#maxTargets), names, hosts, problems, missing, ttls);
        // The records themselves have a TTL that Node does not tell (26.10.0): the interval of the config stands for it.
        const ttlMs = ttls.length > 0 ? Math.min(...ttls) * 1000 : undefined;
        if (found.length > 0) return { specs: found, ttlMs, ttlOfPart: true, problem: problems[0] };
      }
    } finally {
      this.#hosts = hosts;
    }
    throw new NameError(`SRV ${this.#options.name}: no target has an address (${problems[0] ?? missing[0]})`, false);
  }

  async #records(names: NameService): Promise<readonly ServiceRecord[]> {
    let last: NameError | undefined;
    for (const candidate of candidates(this.#options.name, this.#options.search())) {
      try {
        return await names.services(candidate);
      } catch (error) {
        last = error as NameError;
        if (!last.negative) throw last;
      }
    }
    throw last!;
  }

  /** The endpoints of targets; one whose name nobody can look up now has the addresses that it had. */
  async #addresses(
    records: readonly ServiceRecord[],
    names: NameService,
    hosts: Map<string, Host>,
    problems: string[],
    missing: string[],
    ttls: number[],
  ): Promise<EndpointSpec[]> {
    const specs = new Map<string, EndpointSpec>();
    const weightOf = shares(records);
    const left = [...records];
    const ask = async (): Promise<void> => {
      for (let record = left.shift(); record !== undefined; record = left.shift()) {
        const { target, port } = record;
        const host = hosts.get(target) ?? this.#hosts.get(target) ?? new Host(target, this.#options.families);
        hosts.set(target, host);
        try {
          // A target is a full name.
          const { addresses, ttlS, problem } = await host.addresses(names, NO_SEARCH);
          if (problem !== undefined) problems.push(problem);
          if (ttlS !== undefined) ttls.push(ttlS);
          for (const one of addresses) {
            const address = endpointName(one, port);
            const weight = (specs.get(address)?.weight ?? 0) + weightOf(record);
            specs.set(address, { address, weight: Math.min(weight, MAX_WEIGHT) });
          }
        } catch (error) {
          const { negative, message } = error as NameError;
          // One target less is what its records say; nothing is wrong with the others.
          (negative ? missing : problems).push(message);
          if (negative) continue;
          for (const one of host.known) {
            const address = endpointName(one, port);
            specs.set(address, { address, weight: weightOf(record) });
          }
        }
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, ask));
    return [...specs.values()];
  }
}

/** Lowest number first, RFC 2782. */
function byPriority(records: readonly ServiceRecord[]): ServiceRecord[][] {
  const groups = Map.groupBy(records, ({ priority }) => priority);
  return [...groups].sort(([a], [b]) => a - b).map(([, group]) => group);
}

/** Weights of endpoints, from 1 to 1000, in the proportion of those of the records. */
function shares(records: readonly ServiceRecord[]): (record: ServiceRecord) => number {
  const weights = records.map(({ weight }) => weight);
  const largest = Math.max(...weights);
  if (largest === 0) return () => 1;
  const wanted = Math.min(...weights) === 0 ? largest * SMALL_CHANCE : largest;
  const scale = Math.min(wanted, MAX_WEIGHT) / largest;
  return ({ weight }) => Math.max(1, Math.round(weight * scale));
}
