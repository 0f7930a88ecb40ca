/** Names by DNS, on Node's resolver (c-ares): TTLs, TCP where an answer is cut, no hosts file. */

import { promises as dns } from 'node:dns';
import { type AddressRecord, type Family, NameError, type NameService, type ServiceRecord } from './name-service.ts';

/** Each server is asked so often in one round. */
const TRIES = 2;

/** Codes of c-ares that say that there is no such record. */
const NEGATIVE = new Set(['ENOTFOUND', 'ENODATA']);
/** What the codes mean, in the words of RFC 1035 and of people. */
const WORDS: Record<string, string> = {
  ENOTFOUND: 'there is no such name (NXDOMAIN)',
  ENODATA: 'the name has no such records',
  ESERVFAIL: 'the server failed (SERVFAIL)',
  EREFUSED: 'the server refused to answer',
  ENOTIMP: 'the server does not know how to answer',
  EFORMERR: 'the server did not understand the question',
  EBADRESP: 'the answer made no sense',
  ETIMEOUT: 'no answer in time',
  ECANCELLED: 'no answer in time',
  ECONNREFUSED: 'no server can be reached',
};

/**
 * Asks the servers of resolv.conf, or those given. A new one for each round: the settings are read anew, and a question
 * never comes from a port that somebody could have learnt.
 */
export class DnsNames implements NameService {
  readonly #resolver: dns.Resolver;

  /** `timeoutMs` for one try of one server. */
  constructor(servers: readonly string[], timeoutMs: number) {
    this.#resolver = new dns.Resolver({ timeout: Math.max(1, Math.floor(timeoutMs / TRIES)), tries: TRIES });
    if (servers.length > 0) this.#resolver.setServers(servers);
  }

  async addresses(name: string, family: Family): Promise<readonly AddressRecord[]> {
    const type = family === 4 ? 'A' : 'AAAA';
    const records = await this.#ask(`${type} ${name}`, () =>
      family === 4 ? this.#resolver.resolve4(name, { ttl: true }) : this.#resolver.resolve6(name, { ttl: true }),
    );
    return records.map(({ address, ttl }) => ({ address, ttlS: ttl }));
  }

  async services(name: string): Promise<readonly ServiceRecord[]> {
    const records = await this.#ask(`SRV ${name}`, () => this.#resolver.resolveSrv(name));
    return records.map(({ name: target, port, priority, weight }) => ({ target, port, priority, weight }));
  }

  cancel(): void {
    this.#resolver.cancel();
  }

  async #ask<T>(what: string, question: () => Promise<T[]>): Promise<T[]> {
    let records: T[];
    try {
      records = await question();
    } catch (error) {
      const { code = 'unknown', message } = error as NodeJS.ErrnoException;
      throw new NameError(`${what}: ${WORDS[code] ?? message}`, NEGATIVE.has(code));
    }
    if (records.length === 0) throw new NameError(`${what}: ${WORDS.ENODATA}`, true);
    return records;
  }
}
