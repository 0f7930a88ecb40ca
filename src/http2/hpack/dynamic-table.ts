/** The dynamic table of HPACK, RFC 7541 sections 2.3.2 and 4. */

/** Bytes that an entry counts beside its name and value, RFC 7541 section 4.1. */
export const ENTRY_OVERHEAD = 32;

/** Bytes of the dynamic table before anybody says otherwise, RFC 9113 section 6.5.2. */
export const DEFAULT_TABLE_BYTES = 4096;

/** Entries the ring has room for at first; it doubles when they are more. */
const FIRST_ROOM = 16;

/** A queue of names and values, bounded in bytes; the oldest leave first. A ring: nothing moves. */
export class DynamicTable {
  #names: string[] = Array(FIRST_ROOM).fill('');
  #values: string[] = Array(FIRST_ROOM).fill('');
  #mask = FIRST_ROOM - 1;
  #inserted = 0;
  #length = 0;
  #bytes = 0;
  #maxBytes = DEFAULT_TABLE_BYTES;

  /** Entries. */
  get length(): number {
    return this.#length;
  }

  /** Bytes as HPACK counts them; never more than maxBytes. */
  get bytes(): number {
    return this.#bytes;
  }

  get maxBytes(): number {
    return this.#maxBytes;
  }

  /** Entries that were ever inserted: the newest has this number, less one. */
  get inserted(): number {
    return this.#inserted;
  }

  /** The name of an entry by its number; it must be in the table. */
  name(number: number): string {
    return this.#names[number & this.#mask]!;
  }

  /** The value of an entry by its number; it must be in the table. */
  value(number: number): string {
    return this.#values[number & this.#mask]!;
  }

  /** A smaller table loses its oldest entries. */
  resize(maxBytes: number): void {
    this.#maxBytes = maxBytes;
    this.#shrink(maxBytes);
  }

  /** Inserts an entry, of latin1 strings. One that is larger than the table empties it and is not in it. */
  add(name: string, value: string): boolean {
    const bytes = name.length + value.length + ENTRY_OVERHEAD;
    this.#shrink(this.#maxBytes - bytes);
    if (bytes > this.#maxBytes) return false;
    if (this.#length > this.#mask) this.#grow();
    const slot = this.#inserted & this.#mask;
    this.#names[slot] = name;
    this.#values[slot] = value;
    this.#inserted += 1;
    this.#length += 1;
    this.#bytes += bytes;
    return true;
  }

  /** Called with an entry that leaves. */
  protected left(_number: number, _name: string): void {}

  #shrink(maxBytes: number): void {
    while (this.#length > 0 && this.#bytes > maxBytes) {
      const number = this.#inserted - this.#length;
      const slot = number & this.#mask;
      const name = this.#names[slot]!;
      this.#bytes -= name.length + this.#values[slot]!.length + ENTRY_OVERHEAD;
      this.#length -= 1;
      // The text may go as well.
      this.#names[slot] = '';
      this.#values[slot] = '';
      this.left(number, name);
    }
  }

  #grow(): void {
    const room = (this.#mask + 1) * 2;
    const names: string[] = Array(room).fill('');
    const values: string[] = Array(room).fill('');
    for (let number = this.#inserted - this.#length; number < this.#inserted; number += 1) {
      names[number & (room - 1)] = this.name(number);
      values[number & (room - 1)] = this.value(number);
    }
    this.#names = names;
    this.#values = values;
    this.#mask = room - 1;
  }
}
