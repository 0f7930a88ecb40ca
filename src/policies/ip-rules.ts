import { z } from 'zod';
import { GatewayError } from '../core/errors.ts';
import { definePolicy } from '../core/policy.ts';
import type { Connection } from '../core/raw.ts';
import { LIST_NAME, type NamedNetworks, type NetworkSet } from '../networks/named-networks.ts';
import { parseNetwork, prefixOf } from '../networks/network.ts';
import { PrefixTable } from '../networks/prefix-table.ts';

const entry = z.string().superRefine((text, context) => {
  if (LIST_NAME.test(text)) return;
  try {
    parseNetwork(text);
  } catch (error) {
    context.addIssue({ code: 'custom', message: `${(error as Error).message}, or @NAME of a list of networks` });
  }
});

/** Which addresses may come. */
export const ipRulesOptions = z.strictObject({
  allow: z
    .array(entry)
    .default([])
    .describe('Networks, addresses and `@name` of lists that may come; empty for all that `deny` does not name.'),
  deny: z
    .array(entry)
    .default([])
    .describe('Those that may not. The longest prefix decides; of two equally long ones this one.'),
  enforce: z.boolean().default(true).describe('`false`: refuses nobody and reports who would have been.'),
});

/** The rules as they are asked. */
export type IpRules = (address: string, connection: Connection) => boolean;

/** Compiles rules; `allowed` answers whether an address may come, and remembers it for the connection. */
export function compileIpRules(
  { allow, deny }: Pick<z.output<typeof ipRulesOptions>, 'allow' | 'deny'>,
  networks: NamedNetworks,
): IpRules {
  const allowed = setsOf(allow, networks);
  const denied = setsOf(deny, networks);
  const verdicts = new WeakMap<Connection, { address: string; version: number; verdict: boolean }>();
  const judge = (address: string): boolean => {
    const against = longestOf(denied, address);
    const forIt = longestOf(allowed, address);
    return forIt === -1 ? allowed.length === 0 && against === -1 : forIt > against;
  };
  return (address, connection) => {
    const known = verdicts.get(connection);
    if (known !== undefined && known.address === address && known.version === networks.version) return known.verdict;
    const verdict = judge(address);
    verdicts.set(connection, { address, version: networks.version, verdict });
    return verdict;
  };
}

function setsOf(entries: readonly string[], networks: NamedNetworks): NetworkSet[] {
  const inline = entries.filter((one) => !one.startsWith('@'));
  const sets = entries.filter((one) => one.startsWith('@')).map((one) => networks.get(one.slice(1)));
  if (inline.length > 0) sets.unshift(new PrefixTable(inline.map(prefixOf)));
  return sets;
}

function longestOf(sets: readonly NetworkSet[], address: string): number {
  let longest = -1;
  for (const set of sets) longest = Math.max(longest, set.longest(address));
  return longest;
}

/** Refuses addresses: those that `deny` names, and where `allow` names some, all others. */
export const ipRules = definePolicy({
  name: 'ip_rules',
  summary:
    'Refuses client addresses (403) that `deny` names, or that `allow` does not, on top of the global `ip_rules`.',
  options: ipRulesOptions,
  hooks({ allow, deny, enforce }, { services, events, route }) {
    if (allow.length === 0 && deny.length === 0) return {};
    const mayCome = compileIpRules({ allow, deny }, services.networks);
    return {
      onRequest: function ipRules({ exchange }, _reply, done) {
        const { client, raw, record } = exchange;
        if (mayCome(client.address, raw.connection)) {
          done();
          return;
        }
        events.emit('refused', { policy: 'ip_rules', rule: 'ip_rules', route: route.name, enforced: enforce });
        if (enforce) {
          done(new GatewayError('ADDRESS_REFUSED', { rule: 'ip_rules', detail: client.address }));
          return;
        }
        record.reported.push('ip_rules');
        done();
      },
    };
  },
  explain({ allow, deny, enforce }, { services }) {
    const mayCome = compileIpRules({ allow, deny }, services.networks);
    return ({ client, raw }) => {
      const verdict = mayCome(client.address, raw.connection) ? 'may come' : 'is refused';
      return [`${client.address} ${verdict}${enforce ? '' : ' (only reports)'}`];
    };
  },
});
