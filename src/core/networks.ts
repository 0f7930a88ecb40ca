import { BlockList, isIP } from 'node:net';
import { canonicalAddress } from './address.ts';

/** The end of an IPv6 address that is an IPv4 one, in bits: RFC 4291 section 2.5.5.2. */
const MAPPED_BITS = 96;
const CIDR = /^([^/%]+)(?:\/(\d{1,3}))?$/;

/**
 * A set of networks, each an address or a CIDR; IPv4-mapped IPv6 is IPv4. Its constructor throws a RangeError that names
 * one that is neither.
 */
export class Networks {
  /** One for each family: a BlockList of Node 26.10 finds IPv4 in `::/0` too, by its IPv4-mapped form. */
  readonly #ipv4 = new BlockList();
  readonly #ipv6 = new BlockList();
  readonly size: number;

  constructor(cidrs: readonly string[]) {
    this.size = cidrs.length;
    for (const cidr of cidrs) {
      const [, base = '', bits] = CIDR.exec(cidr) ?? [];
      const address = canonicalAddress(base);
      const family = address !== undefined && isIP(address) === 6 ? 'ipv6' : 'ipv4';
      const most = family === 'ipv6' ? 128 : 32;
      const folded = family === 'ipv4' && base.includes(':') ? MAPPED_BITS : 0;
      const prefix = bits === undefined ? most : Number(bits) - folded;
      if (address === undefined || prefix < 0 || prefix > most) {
        throw new RangeError(`not an address or network: ${cidr}`);
      }
      (family === 'ipv6' ? this.#ipv6 : this.#ipv4).addSubnet(address, prefix, family);
    }
  }

  /** Whether an address in canonical form is in one of the networks. */
  has(address: string): boolean {
    if (this.size === 0) return false;
    return isIP(address) === 6 ? this.#ipv6.check(address, 'ipv6') : this.#ipv4.check(address, 'ipv4');
  }
}
