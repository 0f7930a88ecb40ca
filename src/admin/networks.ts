import { canonicalAddress } from '../core/address.ts';
import { Networks } from '../core/networks.ts';

/** A test for addresses as sockets have them, in these networks; throws a RangeError that names one that is none. */
export function inNetworks(networks: readonly string[]): (address: string | undefined) => boolean {
  const set = new Networks(networks);
  return (address) => {
    const canonical = canonicalAddress(address ?? '');
    return canonical !== undefined && set.has(canonical);
  };
}

/** Whether an address is of this machine only, RFC 1122 section 3.2.1.3 and RFC 4291 section 2.5.3. */
export const isLoopback: (address: string | undefined) => boolean = inNetworks(['127.0.0.0/8', '::1']);
