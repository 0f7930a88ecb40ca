/** Reads header blocks of HPACK, RFC 7541. */

import type { Fields } from '../../core/raw.ts';
import { DEFAULT_TABLE_BYTES, DynamicTable, ENTRY_OVERHEAD } from './dynamic-table.ts';
import { HpackError } from './hpack-error.ts';
import { decodeHuffman } from './huffman.ts';
import { type Cursor, readInteger } from './integers.ts';
import { STATIC_ENTRIES, STATIC_NAMES, STATIC_VALUES } from './static-table.ts';

/** What a peer may send. */
export interface HpackLimits {
  /** Bytes, below 2 MiB; the SETTINGS_HEADER_TABLE_SIZE that is announced. Until its ACK the peer may use 4096. */
  readonly maxTableBytes: number;
  /** Bytes of one list as HPACK counts: name, value and 32 for each field, pseudo-headers too. */
  readonly maxHeaderBytes: number;
  /** Fields of one list, pseudo-headers too. */
  readonly maxFields: number;
}

/** A header block, read. */
export interface HeaderList {
  /** Names and values in the order they came, pseudo-headers too; without what came after a limit was exceeded. */
  readonly fields: Fields;
  /** Bytes of the whole list as HPACK counts, with what was dropped. */
  readonly bytes: number;
  /** Fields of the whole list, with what was dropped. */
  readonly count: number;
  /** The limit that was exceeded, the first one. */
  readonly exceeded: 'maxHeaderBytes' | 'maxFields' | undefined;
}

/**
 * The reader's side of one direction of one connection: blocks must be given to it whole (HEADERS with every
 * CONTINUATION), all of them, in order; also those of streams that are refused.
 *
 * Text is latin1. What fields say is not looked at: upper-case or invalid names, control characters in values, the order
 * and number of pseudo-headers are for whoever reads the message. Whether a field was marked as never to be indexed is
 * not told.
 */
export class HpackDecoder {
  readonly #limits: HpackLimits;
  readonly #table = new DynamicTable();
  readonly #cursor: Cursor = { at: 0 };
  /** Bytes that a size update may say. */
  #maxTableBytes: number;

  constructor(limits: HpackLimits) {
    this.#limits = limits;
    this.#maxTableBytes = Math.max(DEFAULT_TABLE_BYTES, limits.maxTableBytes);
  }

  /** The peer has acknowledged our SETTINGS: where its table is larger, its next block must begin with a smaller size. */
  acknowledged(): void {
    this.#maxTableBytes = this.#limits.maxTableBytes;
  }

  /**
   * Reads a block. Beyond the limits it is read to its end, so that the table stays right, but its fields are dropped;
   * `exceeded` says so. HpackError where it cannot be read: then this decoder and its connection are done for.
   */
  decode(block: Uint8Array): HeaderList {
    const bytes = Buffer.isBuffer(block) ? block : Buffer.from(block.buffer, block.byteOffset, block.byteLength);
    const cursor = this.#cursor;
    const { maxHeaderBytes, maxFields } = this.#limits;
    const fields: Fields = [];
    let size = 0;
    let count = 0;
    let exceeded: HeaderList['exceeded'];
    cursor.at = 0;
    this.#readSizes(bytes);
    while (cursor.at < bytes.length) {
      const octet = bytes[cursor.at]!;
      let name: string;
      let value: string;
      if (octet >= 0x80) {
        const index = readInteger(bytes, cursor, 0x7f);
        if (index <= STATIC_ENTRIES) {
          if (index === 0) throw new HpackError('there is no entry 0');
          name = STATIC_NAMES[index]!;
          value = STATIC_VALUES[index]!;
        } else {
          const number = this.#number(index);
          name = this.#table.name(number);
          value = this.#table.value(number);
        }
      } else {
        if ((octet & 0xe0) === 0x20) throw new HpackError('a table size comes after fields');
        // Literals: 01 to be inserted, 0000 and 0001 (never indexed) not.
        const index = readInteger(bytes, cursor, octet >= 0x40 ? 0x3f : 0x0f);
        name = index === 0 ? this.#text(bytes) : this.#name(index);
        value = this.#text(bytes);
        if (octet >= 0x40) this.#table.add(name, value);
      }
      size += name.length + value.length + ENTRY_OVERHEAD;
      count += 1;
      if (exceeded !== undefined) continue;
      if (size > maxHeaderBytes) exceeded = 'maxHeaderBytes';
      else if (count > maxFields) exceeded = 'maxFields';
      else fields.push(name, value);
    }
    return { fields, bytes: size, count, exceeded };
  }

  /** Dynamic table size updates, RFC 7541 sections 4.2 and 6.3. */
  #readSizes(bytes: Buffer): void {
    const cursor = this.#cursor;
    while (cursor.at < bytes.length && (bytes[cursor.at]! & 0xe0) === 0x20) {
      const size = readInteger(bytes, cursor, 0x1f);
      if (size > this.#maxTableBytes) throw new HpackError('a table size is larger than the setting');
      this.#table.resize(size);
    }
    if (this.#table.maxBytes > this.#maxTableBytes) throw new HpackError('the table was not made smaller');
  }

  #name(index: number): string {
    return index <= STATIC_ENTRIES ? STATIC_NAMES[index]! : this.#table.name(this.#number(index));
  }

  /** The number of a dynamic entry by its index in the block. */
  #number(index: number): number {
    const age = index - STATIC_ENTRIES;
    if (age > this.#table.length) throw new HpackError(`there is no entry ${index}`);
    return this.#table.inserted - age;
  }

  /** A string literal, RFC 7541 section 5.2. */
  #text(bytes: Buffer): string {
    const cursor = this.#cursor;
    const huffman = bytes[cursor.at]! >= 0x80;
    const length = readInteger(bytes, cursor, 0x7f);
    const { at } = cursor;
    const end = at + length;
    if (end > bytes.length) throw new HpackError('the block ends within a string');
    cursor.at = end;
    if (length === 0) return '';
    if (huffman) return decodeHuffman(bytes, at, end);
    return bytes.toString('latin1', at, end);
  }
}
