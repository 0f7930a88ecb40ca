/** The addresses of one name in both families, with what is known from before where one family cannot be asked for. */

import type { AddressRecord, Family, NameError, NameService } from './name-service.ts';
import { candidates, type SearchList } from './search-list.ts';

/** The addresses of a name. */
export interface HostAddresses {
  readonly addresses: readonly string[];
  readonly ttlS: number | undefined;
  readonly problem: string | undefined;
}

/** Looks up one name again and again. */
export class Host {
  readonly #name: string;
  readonly #families: readonly Family[];
  readonly #known = new Map<Family, readonly AddressRecord[]>();

  constructor(name: string, families: readonly Family[]) {
    this.#name = name;
    this.#families = families;
  }

  /** What was found the last time that there was anything. */
  get known(): readonly string[] {
    return [...this.#known.values()].flat().map(({ address }) => address);
  }

  /** Rejects with a NameError where no family has an answer to go by. */
  async addresses(names: NameService, search: SearchList): Promise<HostAddresses> {
    let last: NameError | undefined;
    for (const candidate of candidates(this.#name, search)) {
      try {
        return await this.#both(candidate, names);
      } catch (error) {
        last = error as NameError;
        // Nobody could say: another name would be a guess.
        if (!last.negative) throw last;
      }
    }
    throw last!;
  }

  async #both(name: string, names: NameService): Promise<HostAddresses> {
    const answers = await Promise.all(
      this.#families.map((family) =>
        names.addresses(name, family).then(
          (records) => ({ family, records, error: undefined }),
          (error: NameError) => ({ family, records: [], error }),
        ),
      ),
    );
    const failed = answers.filter(({ error }) => error?.negative === false);
    if (!answers.some(({ error }) => error === undefined)) throw (failed[0] ?? answers[0])!.error!;
    for (const { family, records, error } of answers) {
      if (error === undefined) this.#known.set(family, records);
      else if (error.negative) this.#known.delete(family);
    }
    const records = [...this.#known.values()].flat();
    const ttls = answers.flatMap((answer) => answer.records.map(({ ttlS }) => ttlS ?? Number.NaN));
    const ttlS = Math.min(...ttls);
    return {
      addresses: [...new Set(records.map(({ address }) => address))],
      ttlS: Number.isNaN(ttlS) ? undefined : ttlS,
      problem: failed[0]?.error?.message,
    };
  }
}
