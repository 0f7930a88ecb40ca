/** Endpoints by A and AAAA records: every address of a name, on one port. The headless Service of Kubernetes. */

import { Host } from './host-addresses.ts';
import type { Family, NameService } from './name-service.ts';
import type { SearchList } from './search-list.ts';
import { endpointName, type Found, type Source } from './source.ts';

/** What sources that ask for names are made with. */
export interface NameSourceOptions {
  readonly name: string;
  readonly families: readonly Family[];
  /** Who is asked; called for each round. */
  readonly names: () => NameService;
  /** Read for each round: the network of a machine may change. */
  readonly search: () => SearchList;
}

/** Every address of a name. */
export class DnsSource implements Source {
  readonly #options: NameSourceOptions;
  readonly #port: number;
  readonly #host: Host;

  constructor(options: NameSourceOptions, port: number) {
    this.#options = options;
    this.#port = port;
    this.#host = new Host(options.name, options.families);
  }

  async find(signal: AbortSignal): Promise<Found> {
    const names = this.#options.names();
    signal.addEventListener('abort', () => names.cancel(), { once: true });
    const { addresses, ttlS, problem } = await this.#host.addresses(names, this.#options.search());
    return {
      specs: addresses.map((address) => ({ address: endpointName(address, this.#port), weight: 1 })),
      ttlMs: ttlS === undefined ? undefined : ttlS * 1000,
      problem,
    };
  }
}
