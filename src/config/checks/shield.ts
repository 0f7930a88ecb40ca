import { matchesNothing } from '../../rpc/pattern.ts';
import { ZITADEL_RPCS } from '../../rpc/rpc-table.ts';
import { distance, nearest } from '../nearest.ts';
import type { Path } from '../problem.ts';
import type { PolicySettings } from '../schema/policies.ts';
import type { Check } from './check.ts';

/** Rules of the shield name lists of networks that are there and RPCs that can be, and refuse somebody. */
export const shield: Check = ({ config, ownRoutes }, found) => {
  const levels: [Path, PolicySettings | undefined][] = [
    [['policies'], config.policies],
    ...Object.entries(config.classes ?? {}).map(([name, policies]): [Path, PolicySettings] => [
      ['classes', name],
      policies,
    ]),
    ...ownRoutes.map(([index, route]): [Path, PolicySettings | undefined] => [
      ['routes', index, 'policies'],
      route.policies,
    ]),
  ];
  const lists = config.networks === undefined ? undefined : Object.keys(config.networks);
  for (const [path, policies] of levels) {
    const given = policies?.shield;
    if (given === undefined || given === false) continue;
    for (const [name, rule] of Object.entries(given.rpcs ?? {})) {
      if (rule === undefined || rule === false) continue;
      const at: Path = [...path, 'shield', 'rpcs', name];
      rule.match?.forEach((pattern, index) => {
        const hint = matchHint(pattern);
        if (hint !== undefined) found.warn([...at, 'match', index], hint);
      });
      rule.allow?.forEach((entry, index) => {
        if (!entry.startsWith('@') || lists === undefined || lists.includes(entry.slice(1))) return;
        const meant = nearest(entry.slice(1), lists);
        found.problem(
          [...at, 'allow', index],
          `no list ${entry}: expected one of \`networks\`${meant === undefined ? '' : `, did you mean @${meant}?`}`,
          meant === undefined ? {} : { suggestion: `@${meant}` },
        );
      });
      const allows = (rule.allow?.length ?? 0) > 0;
      if (rule.deny === true && allows) {
        found.warn([...at, 'allow'], 'has no effect: `deny: true` refuses everybody; leave one of them out');
      } else if (rule.match !== undefined && rule.deny === undefined && rule.allow === undefined) {
        found.warn(at, 'refuses nobody: expected `deny: true`, or `allow` with those who may call');
      }
    }
  }
};

/** What is probably wrong with a pattern that no known RPC matches; services of ZITADEL may be newer than the list. */
function matchHint(pattern: string): string | undefined {
  // Without regard to case, as the rules are.
  const folded = pattern.toLowerCase();
  if (!matchesNothing(folded, FOLDED)) return undefined;
  const [service = '', method = '*'] = folded.split('/');
  const known = SERVICES.get(service);
  let meant: string | undefined;
  if (known !== undefined) {
    const methods = ZITADEL_RPCS.rpcs.filter((rpc) => rpc.service === known).map((rpc) => rpc.method);
    const near = method.includes('*') ? undefined : nearest(method, methods);
    if (near !== undefined) meant = `${known}/${near}`;
  } else if (service.startsWith('zitadel.')) {
    // Another version of a service, or a service nobody here knows, is no mistake; a slip of two letters is.
    if (service.includes('*') || VERSIONLESS.has(versionless(service))) return undefined;
    const near = [...SERVICES].find(([name]) => distance(name, service) <= 2);
    if (near === undefined) return undefined;
    meant = `${near[1]}/${method}`;
  } else {
    const near = SERVICES.get(`zitadel.${service}`) ?? nearest(service, [...SERVICES.values()]);
    if (near !== undefined) meant = `${near}/${method}`;
  }
  return `no RPC that the gateway knows matches${meant === undefined ? ': expected a pattern such as zitadel.admin.v1.AdminService/*' : `, did you mean ${meant}?`}`;
}

const versionless = (service: string): string => service.replace(/\.v\d\w*\./, '.');

/** Services in lower case, with their names. */
const SERVICES = new Map(ZITADEL_RPCS.rpcs.map(({ service }) => [service.toLowerCase(), service]));
const VERSIONLESS = new Set([...SERVICES.keys()].map(versionless));
const FOLDED = { ...ZITADEL_RPCS, rpcs: ZITADEL_RPCS.rpcs.map((rpc) => ({ ...rpc, name: rpc.name.toLowerCase() })) };
