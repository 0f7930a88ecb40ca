import net from 'node:net';

/** An IPv4 address written as IPv6 (RFC 4291 section 2.5.5.2) is that IPv4 address. */
function folded(address: string): string {
  return address.startsWith('::ffff:') && net.isIPv4(address.slice(7)) ? address.slice(7) : address;
}

/** A test for addresses in these networks, each an address or CIDR; throws a RangeError that names one that is neither. */
export function inNetworks(networks: readonly string[]): (address: string | undefined) => boolean {
  const list = new net.BlockList();
  for (const network of networks) {
    const [, address = '', length] = /^([0-9a-f:.]+)(?:\/(\d{1,3}))?$/i.exec(network) ?? [];
    const family = net.isIP(address) === 6 ? 'ipv6' : 'ipv4';
    const bits = family === 'ipv6' ? 128 : 32;
    const prefix = length === undefined ? bits : Number(length);
    if (net.isIP(address) === 0 || prefix > bits) throw new RangeError(`not an address or network: ${network}`);
    list.addSubnet(address, prefix, family);
  }
  return (address) => {
    if (address === undefined) return false;
    const plain = folded(address);
    const family = net.isIP(plain);
    return family !== 0 && list.check(plain, family === 6 ? 'ipv6' : 'ipv4');
  };
}

/** Whether an address is of this machine only, RFC 1122 section 3.2.1.3 and RFC 4291 section 2.5.3. */
export const isLoopback: (address: string | undefined) => boolean = inNetworks(['127.0.0.0/8', '::1']);
