/** The dynamic table of a writer, which is searched. */

import { DEFAULT_TABLE_BYTES, DynamicTable, ENTRY_OVERHEAD } from './dynamic-table.ts';

/** Entries of one name that are compared, newest first; more are not worth the time. */
const MOST_COMPARED = 8;

/** A power of two, not below the entries that a table can have: an encoder never uses a larger one than the default. */
const RING = DEFAULT_TABLE_BYTES / ENTRY_OVERHEAD;

/** A dynamic table that finds entries by name and value. */
export class SearchTable extends DynamicTable {
  /** By name: the number of its newest entry. */
  readonly #newest = new Map<string, number>();
  /** By the low bits of an entry's number: the number of the next older entry of the same name; -1 is none. */
  readonly #older = new Int32Array(RING).fill(-1);

  /** The number of the newest entry of a name; -1 is none. */
  newest(name: string): number {
    return this.#newest.get(name) ?? -1;
  }

  /** The number of the entry with this value, among those of its name, beginning with the newest; -1 is none. */
  find(newest: number, value: string): number {
    const oldest = this.inserted - this.length;
    let number = newest;
    for (let compared = 0; number >= oldest && compared < MOST_COMPARED; compared += 1) {
      if (this.value(number) === value) return number;
      number = this.#older[number & (RING - 1)]!;
    }
    return -1;
  }

  override add(name: string, value: string): boolean {
    const newest = this.newest(name);
    if (!super.add(name, value)) return false;
    const number = this.inserted - 1;
    this.#older[number & (RING - 1)] = newest;
    this.#newest.set(name, number);
    return true;
  }

  protected override left(number: number, name: string): void {
    if (this.#newest.get(name) === number) this.#newest.delete(name);
  }
}
