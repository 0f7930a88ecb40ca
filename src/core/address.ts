import { isIP, SocketAddress } from 'node:net';

/** Eight groups of which none is zero, in lower case and without leading zeros: nothing of it can be written shorter. */
const CANONICAL = /^(?:[1-9a-f][0-9a-f]{0,3}:){7}[1-9a-f][0-9a-f]{0,3}$/;

/** Folds IPv4-mapped IPv6 and drops a zone; gives IPv6 in its canonical form. Undefined for what is no address. */
export function canonicalAddress(text: string): string | undefined {
  const family = isIP(text);
  if (family === 4) return text;
  if (family === 0) return undefined;
  // Most clients have such a one. A SocketAddress costs ten times as much, and more when it is collected.
  if (CANONICAL.test(text)) return text;
  const zone = text.indexOf('%');
  const bare = zone === -1 ? text : text.slice(0, zone);
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(bare);
  if (mapped) return mapped[1];
  const canonical = new SocketAddress({ address: bare, family: 'ipv6' }).address;
  const folded = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(canonical);
  return folded ? folded[1] : canonical;
}
