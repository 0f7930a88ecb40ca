import { ipRulesOptions } from '../../policies/ip-rules.ts';
import { parseNetwork } from '../network.ts';
import type { Path } from '../problem.ts';
import type { Check, Findings } from './check.ts';

/** Rules by address, and lists that they name, say what they mean: no forgotten host bits, nothing both let in and kept out. */
export const ipRules: Check = ({ config, ownRoutes }, found) => {
  for (const [name, list] of Object.entries(config.networks ?? {})) {
    hostBits(found, ['networks', name, 'addresses'], list.addresses);
  }
  const places: (readonly [Path, unknown])[] = [
    [['ip_rules'], config.ip_rules],
    [['policies', 'ip_rules'], config.policies?.ip_rules],
    ...Object.entries(config.classes ?? {}).map(
      ([name, settings]) => [['classes', name, 'ip_rules'], settings.ip_rules] as const,
    ),
    ...ownRoutes.map(
      ([index, route]) => [['routes', index, 'policies', 'ip_rules'], route.policies?.ip_rules] as const,
    ),
  ];
  for (const [path, rules] of places) {
    const parsed = ipRulesOptions.safeParse(rules);
    if (!parsed.success) continue;
    const { allow, deny } = parsed.data;
    hostBits(found, [...path, 'allow'], allow);
    hostBits(found, [...path, 'deny'], deny);
    const denied = new Set(deny.map(meant));
    allow.forEach((entry, index) => {
      if (denied.has(meant(entry))) found.warn([...path, 'allow', index], 'does nothing: `deny` names the same');
    });
  }
};

function hostBits(found: Findings, path: Path, entries: readonly string[]): void {
  entries.forEach((entry, index) => {
    if (entry.startsWith('@')) return;
    const network = parseNetwork(entry);
    if (network.hostBits) found.warn([...path, index], `has host bits and means ${network.canonical}`);
  });
}

function meant(entry: string): string {
  return entry.startsWith('@') ? entry : parseNetwork(entry).canonical;
}
