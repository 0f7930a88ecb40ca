/** Networks as people write them. */

import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import type { Prefix } from './prefix-table.ts';

/** A network or a single address, as `allow` and `trusted_proxies` list them. */
export interface Network {
  readonly address: string;
  /** Bits that count: 0 to 32 for IPv4, 0 to 128 for IPv6. */
  readonly prefix: number;
  readonly family: 4 | 6;
  /** The same network without host bits: `10.0.0.0/8` for `10.1.2.3/8`. */
  readonly canonical: string;
  /** The address has bits that do not count. */
  readonly hostBits: boolean;
}

/** Reads `address` or `address/prefix`; throws an Error that says what is wrong. */
export function parseNetwork(text: string): Network {
  const [address = '', bits, ...rest] = text.split('/');
  const family = isIP(address);
  if (rest.length > 0 || family === 0 || address.includes('%')) {
    throw new Error('expected an address or a CIDR such as 10.0.0.0/8 or fd00::/8');
  }
  const most = family === 4 ? 32 : 128;
  if (bits !== undefined && !BITS.test(bits)) throw new Error(`expected a prefix from 0 to ${most}`);
  const prefix = bits === undefined ? most : Number(bits);
  if (prefix > most) throw new Error(`expected a prefix from 0 to ${most}`);
  const plain = address.replace(DOTTED_END, hexEnd);
  const parsed = ipaddr.parse(plain);
  if (parsed instanceof ipaddr.IPv6 && parsed.isIPv4MappedAddress()) {
    throw new Error(`expected the IPv4 form ${parsed.toIPv4Address()}: IPv4 clients are always seen as IPv4`);
  }
  const Kind = family === 4 ? ipaddr.IPv4 : ipaddr.IPv6;
  const base = Kind.networkAddressFromCIDR(`${plain}/${prefix}`).toString();
  return {
    address,
    prefix,
    family: family as 4 | 6,
    canonical: `${base}/${prefix}`,
    hostBits: base !== parsed.toString(),
  };
}

/** The dotted end of IPv6; ipaddr.js 2 takes every address with one for an IPv4-mapped one. */
const DOTTED_END = /(?<=:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/;

function hexEnd(_end: string, ...parts: string[]): string {
  const [first, second, third, fourth] = parts.slice(0, 4).map(Number) as [number, number, number, number];
  return `${(first * 256 + second).toString(16)}:${(third * 256 + fourth).toString(16)}`;
}

/** A network as tables take it: the address in canonical form, without host bits. */
export function canonicalPrefix({ canonical, prefix }: Network): Prefix {
  return { address: canonical.slice(0, canonical.indexOf('/')), prefix };
}

/** A zone, a dotted end, or a beginning that IPv4-mapped addresses have. */
const UNUSUAL = /[%.]|^[:0]/;
const BITS = /^(?:0|[1-9][0-9]{0,2})$/;

/**
 * A network of a long list as tables take it: what `parseNetwork` takes and refuses, five times as fast for addresses as
 * they are usually written. Host bits stay; tables cut them.
 */
export function prefixOf(text: string): Prefix {
  const slash = text.indexOf('/');
  const address = slash === -1 ? text : text.slice(0, slash);
  const family = isIP(address);
  if (family !== 0 && !(family === 6 && UNUSUAL.test(address))) {
    const most = family === 4 ? 32 : 128;
    if (slash === -1) return { address, prefix: most };
    const bits = text.slice(slash + 1);
    if (BITS.test(bits) && Number(bits) <= most) return { address, prefix: Number(bits) };
  }
  return canonicalPrefix(parseNetwork(text));
}
