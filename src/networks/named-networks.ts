/** The lists of addresses that a config names. */

import type { Clock } from '../core/clock.ts';
import { ListFile, type ListTold } from './list-file.ts';
import { prefixOf } from './network.ts';
import { PrefixTable } from './prefix-table.ts';

/** How rules write the name of a list: `@` and the name, as keys of the config are. */
export const LIST_NAME = /^@[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;

/** A set of networks that can be asked by address. */
export interface NetworkSet {
  /** Bits of the longest prefix that has the address, which is in canonical form; -1 where none has it. */
  longest(address: string): number;
  readonly size: number;
}

/** The lists of addresses that a config names. */
export interface NamedNetworks {
  /** The list of this name; it stays the same object when its file is read again. Throws where there is none. */
  get(name: string): NetworkSet;
  /** Changes whenever a list was read again: verdicts kept by address are void then. */
  readonly version: number;
}

/** A list as the config writes it. */
export interface NamedList {
  readonly addresses: readonly string[];
  readonly file?: string | undefined;
}

/** Tells of a list by its name. */
export interface NamedTold {
  onReloaded(list: { name: string; file: string; size: number }): void;
  onFailed(list: { name: string; file: string; problem: string }): void;
}

/** The lists of one config; those with files follow them until they are disposed. */
export class ConfiguredNetworks implements NamedNetworks, Disposable {
  version = 0;
  readonly #lists = new Map<string, NetworkSet>();
  readonly #files: ListFile[] = [];

  /** Reads the files; throws where one cannot be used, with the name of the list. */
  constructor(lists: Readonly<Record<string, NamedList>>, clock: Clock, told: NamedTold) {
    for (const [name, { addresses, file }] of Object.entries(lists)) {
      const inline = new PrefixTable(addresses.map(prefixOf));
      this.#lists.set(name, file === undefined ? inline : this.#following(name, inline, file, clock, told));
    }
  }

  get(name: string): NetworkSet {
    const found = this.#lists.get(name);
    if (found === undefined) throw new Error(`no list @${name}: expected one of networks`);
    return found;
  }

  [Symbol.dispose](): void {
    for (const file of this.#files) file[Symbol.dispose]();
  }

  #following(name: string, inline: PrefixTable, file: string, clock: Clock, told: NamedTold): NetworkSet {
    const listTold: ListTold = {
      onReloaded: (size) => {
        this.version += 1;
        told.onReloaded({ name, file, size });
      },
      onFailed: (problem) => told.onFailed({ name, file, problem }),
    };
    let list: ListFile;
    try {
      list = new ListFile(file, clock, listTold);
    } catch (error) {
      this[Symbol.dispose]();
      throw new Error(`networks.${name}.file: ${(error as Error).message}`, { cause: error });
    }
    this.#files.push(list);
    return {
      longest: (address) => Math.max(inline.longest(address), list.table.longest(address)),
      get size() {
        return inline.size + list.table.size;
      },
    };
  }
}
