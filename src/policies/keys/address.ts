import type { Connection } from '../../core/raw.ts';
import type { KeyPart } from './key-part.ts';

/** Addresses of IPv6 cut to their network, by connection: a connection rarely has more than one client. */
type Cut = WeakMap<Connection, { readonly address: string; readonly cut: string }>;

/** The client address; of IPv6 its network, because whoever has one address has all of it. */
export const address: KeyPart = {
  name: 'address',
  summary: 'The client address, IPv6 by its network (`limiter.ipv6_prefix_length`).',
  argument: undefined,
  phase: 'head',
  chosenByClient: false,
  secret: false,
  compile(_argument, { ipv6PrefixLength }) {
    const cuts: Cut = new WeakMap();
    return ({ client, raw }) => {
      const { address: text } = client;
      if (client.internal) return undefined;
      if (!text.includes(':')) return text;
      const known = cuts.get(raw.connection);
      if (known?.address === text) return known.cut;
      const cut = networkOf(text, ipv6PrefixLength);
      cuts.set(raw.connection, { address: text, cut });
      return cut;
    };
  },
};

/** The network of an IPv6 address in canonical form, as `2001:db8:0:1::/64`: what people can put into a list. */
export function networkOf(text: string, bits: number): string {
  const [before = '', after] = text.split('::');
  const head = before === '' ? [] : before.split(':');
  const tail = after === undefined || after === '' ? [] : after.split(':');
  const groups = [...head, ...Array<string>(8 - head.length - tail.length).fill('0'), ...tail];
  const out: string[] = [];
  for (let from = 0; from < bits; from += 16) {
    const kept = Math.min(16, bits - from);
    const value = Number.parseInt(groups[from / 16]!, 16) & ((0xffff << (16 - kept)) & 0xffff);
    out.push(value.toString(16));
  }
  return `${out.join(':')}${out.length < 8 ? '::' : ''}/${bits}`;
}
