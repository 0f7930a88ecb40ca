/** Networks as people write them. */

import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

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
  if (bits !== undefined && !/^(?:0|[1-9][0-9]{0,2})$/.test(bits))
    throw new Error(`expected a prefix from 0 to ${most}`);
  const prefix = bits === undefined ? most : Number(bits);
  if (prefix > most) throw new Error(`expected a prefix from 0 to ${most}`);
  const parsed = ipaddr.parse(address);
  if (parsed instanceof ipaddr.IPv6 && parsed.isIPv4MappedAddress()) {
    throw new Error(`expected the IPv4 form ${parsed.toIPv4Address()}: IPv4 clients are always seen as IPv4`);
  }
  const Kind = family === 4 ? ipaddr.IPv4 : ipaddr.IPv6;
  const base = Kind.networkAddressFromCIDR(`${address}/${prefix}`).toString();
  return {
    address,
    prefix,
    family: family as 4 | 6,
    canonical: `${base}/${prefix}`,
    hostBits: base !== parsed.toString(),
  };
}

/** A network as tables take it: the address in canonical form, without host bits. */
export function canonicalPrefix({ canonical, prefix }: Network): { readonly address: string; readonly prefix: number } {
  return { address: canonical.slice(0, canonical.indexOf('/')), prefix };
}
