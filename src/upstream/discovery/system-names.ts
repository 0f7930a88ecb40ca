/** Names as the system knows them (getaddrinfo): the hosts file, mDNS and whatever nsswitch.conf names; no TTLs, no SRV. */

import { promises as dns, type LookupAddress } from 'node:dns';
import { type AddressRecord, type Family, NameError, type NameService } from './name-service.ts';

/**
 * Cannot be called off: what is asked takes a thread until it is answered. So a name that is being asked for is not asked
 * for a second time, and one object serves all rounds.
 */
export class SystemNames implements NameService {
  readonly #asked = new Map<string, Promise<LookupAddress[]>>();

  async addresses(name: string, family: Family): Promise<readonly AddressRecord[]> {
    const key = `${family} ${name}`;
    let asked = this.#asked.get(key);
    if (asked === undefined) {
      asked = dns.lookup(name, { all: true, family });
      this.#asked.set(key, asked);
      const over = (): void => void this.#asked.delete(key);
      asked.then(over, over);
    }
    try {
      return (await asked).map(({ address }) => ({ address, ttlS: undefined }));
    } catch (error) {
      const { code = 'unknown' } = error as NodeJS.ErrnoException;
      // EAI_AGAIN: nobody could say. ENOTFOUND stands for both "no such name" and "no address of this family".
      throw new NameError(`${name}, IPv${family}: the system says ${code}`, code === 'ENOTFOUND' || code === 'ENODATA');
    }
  }

  services(name: string): Promise<never> {
    return Promise.reject(new NameError(`SRV ${name}: the system knows no SRV records`, false));
  }

  cancel(): void {}
}
