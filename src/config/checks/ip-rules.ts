import { ipRulesOptions } from '../../policies/ip-rules.ts';
import { nearest } from '../nearest.ts';
import { parseNetwork } from '../network.ts';
import type { Path } from '../problem.ts';
import type { Check, Findings } from './check.ts';

/**
 * Rules by address, and lists that they name, say what they mean: the lists are there, no host bits are forgotten, nothing
 * is both let in and kept out.
 */
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
    for (const [list, entries] of Object.entries({ allow, deny })) {
      hostBits(found, [...path, list], entries);
      // Where the lists themselves are wrong, that is told already.
      if (config.networks !== undefined) named(found, [...path, list], entries, Object.keys(config.networks));
    }
    const denied = new Set(deny.map(meant));
    allow.forEach((entry, index) => {
      if (denied.has(meant(entry))) found.warn([...path, 'allow', index], 'does nothing: `deny` names the same');
    });
  }
};

function named(found: Findings, path: Path, entries: readonly string[], names: readonly string[]): void {
  entries.forEach((entry, index) => {
    if (!entry.startsWith('@') || names.includes(entry.slice(1))) return;
    const close = nearest(entry.slice(1), names);
    found.problem(
      [...path, index],
      `no list ${entry}: expected one of \`networks\`${close === undefined ? '' : `, did you mean @${close}?`}`,
    );
  });
}

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
