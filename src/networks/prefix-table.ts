/**
 * A compiled set of networks. Networks nest or are disjoint, so that they cut the addresses into ranges of which each has
 * one longest prefix; a look-up is a binary search for the range, however many lengths are in use. At most two ranges a
 * network, of 5 bytes for IPv4 and 17 for IPv6.
 */

import { ipv4Bits, ipv6Bits } from './address-bits.ts';
import type { NetworkSet } from './named-networks.ts';

/** A network that was parsed: `address` in canonical form, `prefix` bits that count. */
export interface Prefix {
  readonly address: string;
  readonly prefix: number;
}

/** The ranges of one family, from low to high. */
interface Ranges {
  readonly count: number;
  /** Where each begins: one word for IPv4, four for IPv6. */
  readonly starts: Uint32Array;
  /** The longest prefix plus 1; 0 where no network is. */
  readonly longest: Uint8Array;
}

/** A set of networks of both families. */
export class PrefixTable implements NetworkSet {
  readonly size: number;
  readonly #ipv4: Ranges;
  readonly #ipv6: Ranges;

  /** Bits of an address beyond its prefix do not count; throws a RangeError for what is no address. */
  constructor(prefixes: readonly Prefix[]) {
    const ipv4: number[] = [];
    const ipv6: number[] = [];
    for (const { address, prefix } of prefixes) {
      const bits = ipv4Bits(address);
      if (bits !== undefined) ipv4.push(prefix, bits);
      else if (ipv6Bits(address, FOUR)) ipv6.push(prefix, FOUR[0]!, FOUR[1]!, FOUR[2]!, FOUR[3]!);
      else throw new RangeError(`not an address in canonical form: ${address}`);
    }
    this.#ipv4 = ranges(ipv4, 1);
    this.#ipv6 = ranges(ipv6, 4);
    this.size = prefixes.length;
  }

  longest(address: string): number {
    const bits = ipv4Bits(address);
    if (bits !== undefined) return findIpv4(this.#ipv4, bits);
    return ipv6Bits(address, FOUR) ? findIpv6(this.#ipv6, FOUR) : -1;
  }
}

const FOUR = new Uint32Array(4);

/** Networks whose ranges are open while the ranges are made, from the outermost to the innermost. */
interface Open {
  readonly prefix: number;
  /** The first address after the network; undefined where it reaches to the last address there is. */
  readonly next: Uint32Array | undefined;
}

/** `networks` holds, one after the other, the prefix of each and its `width` words. */
function ranges(networks: readonly number[], width: number): Ranges {
  const total = networks.length / (width + 1);
  const words = new Uint32Array(total * width);
  const prefixes = new Uint8Array(total);
  for (let i = 0; i < total; i += 1) {
    const prefix = networks[i * (width + 1)]!;
    prefixes[i] = prefix;
    for (let word = 0; word < width; word += 1) {
      words[i * width + word] = networks[i * (width + 1) + 1 + word]! & maskOf(prefix, word);
    }
  }
  // Outer networks come before what lies in them.
  const order = new Uint32Array(total).map((_, i) => i);
  order.sort((a, b) => compare(words, a, words, b, width) || prefixes[a]! - prefixes[b]!);

  const starts = new Uint32Array(total * 2 * width);
  const longest = new Uint8Array(total * 2);
  let count = 0;
  /** From this address on it is this; what began at the same address was of no length. */
  function begin(from: Uint32Array, at: number, value: number): void {
    if (count > 0 && compare(starts, count - 1, from, at, width) === 0) count -= 1;
    if ((count > 0 ? longest[count - 1] : 0) === value) return;
    for (let word = 0; word < width; word += 1) starts[count * width + word] = from[at * width + word]!;
    longest[count] = value;
    count += 1;
  }
  const open: Open[] = [];
  function close({ next }: Open): void {
    if (next !== undefined) begin(next, 0, open.length === 0 ? 0 : open.at(-1)!.prefix + 1);
  }
  for (const i of order) {
    while (open.length > 0 && isOver(open.at(-1)!, words, i, width)) close(open.pop()!);
    const prefix = prefixes[i]!;
    begin(words, i, prefix + 1);
    open.push({ prefix, next: after(words, i, prefix, width) });
  }
  while (open.length > 0) close(open.pop()!);
  return { count, starts: starts.slice(0, count * width), longest: longest.slice(0, count) };
}

function isOver({ next }: Open, words: Uint32Array, at: number, width: number): boolean {
  return next !== undefined && compare(next, 0, words, at, width) <= 0;
}

/** The bits of a word of an address that a prefix keeps. */
function maskOf(prefix: number, word: number): number {
  const bits = prefix - word * 32;
  return bits >= 32 ? 0xffffffff : bits <= 0 ? 0 : 0xffffffff << (32 - bits);
}

function compare(a: Uint32Array, i: number, b: Uint32Array, j: number, width: number): number {
  for (let word = 0; word < width; word += 1) {
    const difference = a[i * width + word]! - b[j * width + word]!;
    if (difference !== 0) return difference;
  }
  return 0;
}

/** The first address after a network. */
function after(words: Uint32Array, at: number, prefix: number, width: number): Uint32Array | undefined {
  const next = words.slice(at * width, (at + 1) * width);
  let carry = 2 ** (31 - ((prefix - 1) & 31));
  for (let word = (prefix - 1) >> 5; word >= 0; word -= 1) {
    const sum = next[word]! + carry;
    next[word] = sum;
    if (sum <= 0xffffffff) return next;
    carry = 1;
  }
  return undefined;
}

function findIpv4({ count, starts, longest }: Ranges, address: number): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (starts[middle]! <= address) low = middle + 1;
    else high = middle;
  }
  return low === 0 ? -1 : longest[low - 1]! - 1;
}

function findIpv6({ count, starts, longest }: Ranges, address: Uint32Array): number {
  const [first, second, third, fourth] = [address[0]!, address[1]!, address[2]!, address[3]!];
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const at = middle * 4;
    const difference =
      starts[at]! - first || starts[at + 1]! - second || starts[at + 2]! - third || starts[at + 3]! - fourth;
    if (difference <= 0) low = middle + 1;
    else high = middle;
  }
  return low === 0 ? -1 : longest[low - 1]! - 1;
}
