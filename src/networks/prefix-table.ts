/**
 * A compiled set of networks. For each prefix length in use a hash table of the networks of that length, in typed
 * arrays; an address is looked up from the longest length to the shortest. 12 bytes a slot of IPv4 and 24 of IPv6, twice
 * as many slots as networks.
 */

import { ipv4Bits, ipv6Bits } from './address-bits.ts';
import type { NetworkSet } from './named-networks.ts';

/** A network that was parsed: `address` in canonical form, `prefix` bits that count. */
export interface Prefix {
  readonly address: string;
  readonly prefix: number;
}

/** The networks of one family and one length. */
interface Level {
  readonly prefix: number;
  readonly mask: number;
  /** Words of the address, one or four a slot. */
  readonly words: Uint32Array;
  readonly taken: Uint8Array;
}

/** A set of networks of both families. */
export class PrefixTable implements NetworkSet {
  readonly size: number;
  readonly #ipv4: readonly Level[];
  readonly #ipv6: readonly Level[];

  constructor(prefixes: readonly Prefix[]) {
    const ipv4: [number, number][] = [];
    const ipv6: [number, Uint32Array][] = [];
    for (const { address, prefix } of prefixes) {
      const bits = ipv4Bits(address);
      const wide = new Uint32Array(4);
      if (bits !== undefined) ipv4.push([prefix, bits]);
      else if (ipv6Bits(address, wide)) ipv6.push([prefix, wide]);
      else throw new RangeError(`not an address in canonical form: ${address}`);
    }
    this.#ipv4 = levels(
      ipv4.map(([prefix, bits]) => [prefix, Uint32Array.of(bits)]),
      1,
    );
    this.#ipv6 = levels(ipv6, 4);
    this.size = prefixes.length;
  }

  longest(address: string): number {
    const bits = ipv4Bits(address);
    if (bits !== undefined) {
      ONE[0] = bits;
      return find(this.#ipv4, ONE, 1);
    }
    return ipv6Bits(address, FOUR) ? find(this.#ipv6, FOUR, 4) : -1;
  }
}

const ONE = new Uint32Array(1);
const FOUR = new Uint32Array(4);
const CUT = new Uint32Array(4);

/** Longest first. */
function levels(prefixes: readonly (readonly [number, Uint32Array])[], width: number): Level[] {
  const byLength = new Map<number, Uint32Array[]>();
  for (const [prefix, words] of prefixes) {
    const cut = new Uint32Array(width);
    mask(words, prefix, width, cut);
    const there = byLength.get(prefix);
    if (there === undefined) byLength.set(prefix, [cut]);
    else there.push(cut);
  }
  return [...byLength]
    .sort(([a], [b]) => b - a)
    .map(([prefix, networks]) => {
      const slots = 2 ** Math.ceil(Math.log2(networks.length * 2));
      const level: Level = {
        prefix,
        mask: slots - 1,
        words: new Uint32Array(slots * width),
        taken: new Uint8Array(slots),
      };
      for (const network of networks) {
        let slot = hash(network, width) & level.mask;
        while (level.taken[slot] === 1 && !same(level, slot, network, width)) slot = (slot + 1) & level.mask;
        level.taken[slot] = 1;
        level.words.set(network, slot * width);
      }
      return level;
    });
}

function find(levels: readonly Level[], words: Uint32Array, width: number): number {
  for (const level of levels) {
    mask(words, level.prefix, width, CUT);
    let slot = hash(CUT, width) & level.mask;
    while (level.taken[slot] === 1) {
      if (same(level, slot, CUT, width)) return level.prefix;
      slot = (slot + 1) & level.mask;
    }
  }
  return -1;
}

/** The first bits of an address, the others zero. */
function mask(words: Uint32Array, prefix: number, width: number, out: Uint32Array): void {
  for (let i = 0; i < width; i += 1) {
    const bits = prefix - i * 32;
    out[i] = bits >= 32 ? words[i]! : bits <= 0 ? 0 : words[i]! & (0xffffffff << (32 - bits));
  }
}

/** Operators write these lists, not attackers: a plain mix of the words will do. */
function hash(words: Uint32Array, width: number): number {
  let value = 0;
  for (let i = 0; i < width; i += 1) {
    value = Math.imul(value ^ words[i]!, 0x9e3779b1);
    value ^= value >>> 15;
  }
  return value >>> 0;
}

function same(level: Level, slot: number, words: Uint32Array, width: number): boolean {
  for (let i = 0; i < width; i += 1) if (level.words[slot * width + i] !== words[i]) return false;
  return true;
}
