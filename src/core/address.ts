import { isIP, SocketAddress } from 'node:net';

/** Folds IPv4-mapped IPv6 and drops a zone; gives IPv6 in its canonical form. Undefined for what is no address. */
export function canonicalAddress(text: string): string | undefined {
  const family = isIP(text);
  if (family === 4) return text;
  if (family === 0) return undefined;
  const zone = text.indexOf('%');
  const bare = zone === -1 ? text : text.slice(0, zone);
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(bare);
  if (mapped) return mapped[1];
  const canonical = new SocketAddress({ address: bare, family: 'ipv6' }).address;
  const folded = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(canonical);
  return folded ? folded[1] : canonical;
}
