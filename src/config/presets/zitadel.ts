import { mergeSettings } from '../schema/policies.ts';
import type { PresetOptions } from '../schema/preset.ts';
import type { Preset, PresetRoute } from './preset.ts';
import { APIS, INTERNAL, REFLECTION } from './zitadel-apis.ts';
import { CLASSES } from './zitadel-classes.ts';
import { LOGIN_V1_ROOT, LOGIN_V2, PAGES, PROTOCOLS } from './zitadel-pages.ts';
import type { Row } from './zitadel-rows.ts';
import { SHIELD } from './zitadel-shield.ts';

/**
 * The route table of ZITADEL v4, which serves everything on one port (internal/api/api.go, `startAPIs` of
 * cmd/start/start.go). Paths match decoded, the most specific one wins: the order is for reading.
 */
export const zitadel: Preset = {
  policies: { shield: SHIELD },
  classes: CLASSES,
  routes(options) {
    const { upstream, login_upstream: login, api_alias: aliased, reflection } = options;
    const rows: PresetRoute[] = [
      ...PROTOCOLS.map((row) => routeOf(row, upstream)),
      ...(login === undefined ? LOGIN_V1_ROOT : LOGIN_V2).map((row) => routeOf(row, login ?? upstream)),
      ...PAGES.map((row) => routeOf(row, upstream)),
      ...APIS.map((row) => routeOf(row, upstream)),
      { ...routeOf(REFLECTION, upstream), ...(!reflection && { refuseWith: 'NO_ROUTE' as const }) },
      ...INTERNAL.map((row) => routeOf(row, upstream)),
    ].flatMap((row) => open(row, options));
    return aliased ? [...rows, ...rows.flatMap(alias)] : rows;
  },
};

function routeOf([name, paths, methods, limit, form, why, extra]: Row, upstream: string): PresetRoute {
  return { name, paths, methods, class: limit, form, why, upstream, ...extra };
}

/** An internal row as the options have it: closed, open everywhere, or open on some listeners and closed on the others. */
function open(row: PresetRoute, { open: groups, open_on: listeners }: PresetOptions): PresetRoute[] {
  if (row.opens !== undefined) return lift(row, row.opens, groups, listeners);
  if (row.group === undefined) return [row];
  const closed: PresetRoute = { ...row, refuseWith: 'INTERNAL_ROUTE' };
  if (!groups.includes(row.group)) return [closed];
  return listeners.length === 0
    ? [row]
    : [
        { ...row, listeners },
        { ...closed, name: `${row.name}-closed` },
      ];
}

/** An open row, of which a rule of the shield keeps a part closed, as the options have it. */
function lift(
  row: PresetRoute,
  { group, rule }: NonNullable<PresetRoute['opens']>,
  groups: PresetOptions['open'],
  listeners: readonly string[],
): PresetRoute[] {
  if (!groups.includes(group)) return [row];
  const policies = mergeSettings(row.policies, { shield: { rpcs: { [rule]: false } } });
  const lifted: PresetRoute = { ...row, policies };
  return listeners.length === 0
    ? [lifted]
    : [
        { ...lifted, listeners },
        { ...row, name: `${row.name}-own` },
      ];
}

/** The row below /api, as the official Compose stack offers it: the API only, and no RPCs, whose clients use no prefixes. */
function alias(row: PresetRoute): PresetRoute[] {
  const paths = row.paths.filter((path) => path !== '/' && !/^\/(?:ui|zitadel\.|grpc\.)/.test(path));
  if (paths.length === 0) return [];
  const under = paths.map((path) => `/api${path}`);
  return [{ ...row, name: `api-${row.name}`, paths: under, rewrite: { from: '/api', to: '/' } }];
}
