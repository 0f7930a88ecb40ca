/** Writes header blocks of HPACK, RFC 7541. */

import type { Fields } from '../../core/raw.ts';
import { DEFAULT_TABLE_BYTES, ENTRY_OVERHEAD } from './dynamic-table.ts';
import { huffmanBytes, writeHuffman } from './huffman.ts';
import { INDEXING } from './indexing.ts';
import { INTEGER_BYTES, writeInteger } from './integers.ts';
import { SearchTable } from './search-table.ts';
import { STATIC_ENTRIES, STATIC_NAME_INDEX, STATIC_NAMES, STATIC_VALUES } from './static-table.ts';

/** Blocks are written here and copied out once; one is written at a time. A larger one is dropped again. */
const SCRATCH_BYTES = 64 * 1024;
let scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES);

/** Names whose last value is remembered, at most. */
const MOST_SEEN = 64;

/** The statuses of the static table, by number. */
const STATUS_INDEX = new Map(
  STATIC_VALUES.map((value, index): [number, number] => [Number(value), index]).filter(
    ([, index]) => STATIC_NAMES[index] === ':status',
  ),
);

/** Patterns of RFC 7541 section 6 with the ones of their prefixes. */
const INDEXED = { pattern: 0x80, mask: 0x7f };
const INSERTED = { pattern: 0x40, mask: 0x3f };
const NOT_INSERTED = { pattern: 0x00, mask: 0x0f };
const NEVER_INDEXED = { pattern: 0x10, mask: 0x0f };
const TABLE_SIZE = { pattern: 0x20, mask: 0x1f };

/**
 * The writer's side of one direction of one connection. Every block that was made must be sent, in that order:
 * one that is left out, with a stream that was reset, leaves the peer with another table.
 *
 * What is in the table is shorter, and that shows: who can have values of his written next to a secret, and sees sizes,
 * can guess it (CRIME, RFC 7541 section 7.1). To clients a table belongs to a connection, which belongs to one client: it
 * would have to be the client's own page that guesses. To upstreams all clients share one, and nobody of them sees sizes
 * there. Whole values must match, not beginnings, so a guess costs one request
 * each; and what is a secret is not inserted at all (indexing.ts).
 */
export class HpackEncoder {
  readonly #table = new SearchTable();
  /** By name: a hash of the value that was last written in full. */
  readonly #seen = new Map<string, number>();
  /** Bytes the table may have. */
  #maxTableBytes = DEFAULT_TABLE_BYTES;
  /** The smallest that maxTableBytes was since the last block. */
  #smallest = DEFAULT_TABLE_BYTES;

  /** The peer's SETTINGS_HEADER_TABLE_SIZE, bytes, each time it says one. More than the default is not used. */
  setMaxTableBytes(bytes: number): void {
    this.#maxTableBytes = Math.min(bytes, DEFAULT_TABLE_BYTES);
    this.#smallest = Math.min(this.#smallest, this.#maxTableBytes);
  }

  /**
   * A block with `:status`, where there is one (undefined: trailers), and the fields. Names are lower-case already, text
   * is latin1; both are the caller's to check. A character above U+00FF is written as "?". `room`: bytes left free at the
   * front, for the frame's head. The bytes are the caller's own.
   */
  encode(status: number | undefined, fields: Readonly<Fields>, room = 0): Buffer {
    reserve(room, 0);
    let at = this.#writeSizes(room);
    if (status !== undefined) {
      const index = STATUS_INDEX.get(status);
      if (index === undefined) at = this.#field(at, ':status', String(status));
      else at = writeInteger(scratch, at, INDEXED.pattern, INDEXED.mask, index);
    }
    for (let i = 0; i < fields.length; i += 2) at = this.#field(at, fields[i]!, fields[i + 1]!);
    const block = Buffer.allocUnsafe(at);
    scratch.copy(block, room, room, at);
    if (scratch.length > SCRATCH_BYTES) scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES);
    return block;
  }

  /** Size updates, RFC 7541 section 4.2: the smallest in between, then the last. */
  #writeSizes(at: number): number {
    const next = this.#writeSize(at, this.#smallest);
    this.#smallest = this.#maxTableBytes;
    return this.#writeSize(next, this.#maxTableBytes);
  }

  #writeSize(at: number, size: number): number {
    if (size === this.#table.maxBytes) return at;
    this.#table.resize(size);
    return writeInteger(scratch, at, TABLE_SIZE.pattern, TABLE_SIZE.mask, size);
  }

  #field(at: number, name: string, value: string): number {
    reserve(at, name.length + value.length);
    const table = this.#table;
    const newest = table.newest(name);
    if (newest !== -1) {
      const found = table.find(newest, value);
      if (found !== -1) {
        return writeInteger(scratch, at, INDEXED.pattern, INDEXED.mask, STATIC_ENTRIES + table.inserted - found);
      }
    }
    let index = STATIC_NAME_INDEX.get(name) ?? 0;
    // Entries of one name are neighbours. Those without a value are found too: an empty value is a match.
    for (let same = index; index !== 0 && STATIC_NAMES[same] === name; same += 1) {
      if (STATIC_VALUES[same] === value) return writeInteger(scratch, at, INDEXED.pattern, INDEXED.mask, same);
    }
    if (index === 0 && newest !== -1) index = STATIC_ENTRIES + table.inserted - newest;
    const { pattern, mask } = this.#form(name, value, index !== 0);
    const next = writeInteger(scratch, at, pattern, mask, index);
    if (pattern === INSERTED.pattern) table.add(name, value);
    return writeText(index === 0 ? writeText(next, name) : next, value);
  }

  /** How a field is written that no table has. */
  #form(name: string, value: string, named: boolean): { pattern: number; mask: number } {
    const indexing = INDEXING.get(name) ?? 'again';
    if (indexing === 'never') return NEVER_INDEXED;
    // It would push most of the others out.
    if (name.length + value.length + ENTRY_OVERHEAD > this.#table.maxBytes >> 1) return NOT_INSERTED;
    if (indexing === 'first' || !named) return INSERTED;
    if (indexing === 'plain') return NOT_INSERTED;
    const hash = hashOf(value);
    if (this.#seen.get(name) === hash) return INSERTED;
    if (this.#seen.size >= MOST_SEEN) this.#seen.clear();
    this.#seen.set(name, hash);
    return NOT_INSERTED;
  }
}

/** Makes room for a field of so much text: an octet that does not fit would be lost without a word. */
function reserve(at: number, characters: number): void {
  const needed = at + characters + 3 * INTEGER_BYTES;
  if (needed <= scratch.length) return;
  const larger = Buffer.allocUnsafeSlow(needed * 2);
  scratch.copy(larger, 0, 0, at);
  scratch = larger;
}

/** A string literal, in Huffman code where that is shorter. Gives the place behind it. */
function writeText(at: number, text: string): number {
  const { length } = text;
  const short = huffmanBytes(text);
  // Its low octets alone could be a line break.
  if (short < 0) return writeText(at, text.replace(/[^\0-\xff]/g, '?'));
  if (short < length) return writeHuffman(scratch, writeInteger(scratch, at, 0x80, 0x7f, short), text);
  const next = writeInteger(scratch, at, 0, 0x7f, length);
  scratch.write(text, next, length, 'latin1');
  return next + length;
}

function hashOf(text: string): number {
  let hash = text.length;
  for (let i = 0; i < text.length; i += 1) hash = (Math.imul(hash, 31) + text.charCodeAt(i)) | 0;
  return hash;
}
