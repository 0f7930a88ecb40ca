import { parsePart } from '../../policies/keys/compiled-key.ts';
import { KEY_PARTS } from '../../policies/keys/index.ts';
import { fieldOf } from '../../rpc/message-field.ts';
import { ZITADEL_RPCS } from '../../rpc/rpc-table.ts';
import { nearest } from '../nearest.ts';
import type { Path } from '../problem.ts';
import type { RouteConfig } from '../routes.ts';
import type { PolicySettings } from '../schema/policies.ts';
import type { Check, Findings } from './check.ts';

type Limits = Readonly<Record<string, { readonly key?: readonly string[]; readonly enforce?: boolean } | false>>;

/** A place where limits may stand, with what it says. */
type Place = readonly [path: Path, settings: PolicySettings | undefined];

/**
 * Keys of limits can be read, and limit somebody: one of parts that whoever calls chooses as they like is passed by
 * choosing others, unless a limit by address covers the route too.
 */
export const limitKeys: Check = (view, found) => {
  const { config, ownRoutes, routes } = view;
  const places: Place[] = [
    [['policies'], config.policies],
    ...Object.entries(config.classes ?? {}).map(([name, settings]): Place => [['classes', name], settings]),
    ...ownRoutes.map(([index, route]): Place => [['routes', index, 'policies'], route.policies]),
  ];
  for (const [path, settings] of places) {
    for (const policy of ['rate_limit', 'concurrency_limit'] as const) {
      for (const [rule, limit] of Object.entries(limitsOf(settings, policy))) {
        if (limit === false) continue;
        const at = [...path, policy, 'limits', rule];
        checkParts(limit.key ?? [], [...at, 'key'], found);
        const { known } = limit as { known?: { by?: readonly string[]; proof?: readonly string[] } };
        checkParts(known?.by ?? [], [...at, 'known', 'by'], found);
        checkParts(known?.proof ?? [], [...at, 'known', 'proof'], found);
        checkBan(limit as Limit, at, found);
        const holder = policy === 'rate_limit' ? routes?.find((route) => holds(route, policy, rule)) : undefined;
        const merged = holder?.policies.rate_limit?.limits[rule];
        if (merged !== undefined && merged !== false) checkRate(merged, at, found);
        const uncovered = routes?.find((route) => holds(route, policy, rule) && onlyChosen(route, policy, rule));
        if (uncovered !== undefined && limit.key !== undefined && limit.enforce !== false) {
          found.problem(
            [...at, 'key'],
            `on route ${uncovered.name} whoever calls chooses all of it and passes the limit by choosing something else: expected \`address\` in the key, or a limit by address beside it`,
          );
        }
      }
    }
  }
};

type RateLimit = Exclude<NonNullable<RouteConfig['policies']['rate_limit']>['limits'][string], false>;

interface Limit {
  readonly ban?: { readonly for_s?: number; readonly max_s?: number };
}

function checkBan({ ban }: Limit, path: Path, found: Findings): void {
  const { for_s: first = 60, max_s: most = 3600 } = ban ?? {};
  if (ban !== undefined && first > most)
    found.problem([...path, 'ban', 'max_s'], `is below for_s, the length of the first ban: expected at least ${first}`);
}

function limitsOf(settings: PolicySettings | undefined, policy: 'rate_limit' | 'concurrency_limit'): Limits {
  const given = settings?.[policy];
  return given === undefined || given === false ? {} : ((given as { limits?: Limits }).limits ?? {});
}

function checkParts(parts: readonly string[], path: Path, found: Findings): void {
  parts.forEach((text, index) => {
    try {
      const { part, argument } = parsePart(text);
      // What needs no service can be compiled here; a field of a message is looked for in the definitions.
      if (part.name === 'message') {
        if (!ZITADEL_RPCS.rpcs.some((rpc) => fieldOf(rpc, argument) !== undefined))
          throw new Error(`no RPC has a text or number '${argument}' in its request`);
      } else if (part.name === 'header' || part.name === 'cookie') part.compile(argument, {} as never);
    } catch (error) {
      found.problem([...path, index], `${(error as Error).message}${meantPart(text)}`);
    }
  });
}

/** What an unknown part was probably to be. */
function meantPart(text: string): string {
  const names = KEY_PARTS.map(({ name }) => name);
  const [given = ''] = text.split(':');
  const meant = names.includes(given) ? undefined : nearest(given, names);
  return meant === undefined ? '' : `; did you mean ${meant}?`;
}

/** Numbers that cannot be meant, of the limit as its first route has it. */
function checkRate(limit: RateLimit, path: Path, found: Findings): void {
  const { burst = limit.requests, cost, key, known } = limit;
  if (cost > burst) found.problem([...path, 'cost'], `is above the burst of ${burst}: nobody would ever be admitted`);
  if (known?.by.every((part) => key.includes(part)) === true)
    found.problem([...path, 'known', 'by'], 'tells no devices apart: expected parts that are not in the key');
}

function holds({ policies }: RouteConfig, policy: 'rate_limit' | 'concurrency_limit', rule: string): boolean {
  const limit = policies[policy]?.limits[rule];
  return limit !== undefined && limit !== false;
}

/** Whether a limit of a route is by parts that the caller chooses, and no other one there is by address. */
function onlyChosen({ policies }: RouteConfig, policy: 'rate_limit' | 'concurrency_limit', rule: string): boolean {
  const limit = policies[policy]?.limits[rule];
  if (limit === undefined || limit === false || !limit.key.every(chosen)) return false;
  return !Object.values(policies.rate_limit?.limits ?? {}).some((one) => one !== false && covers(one, limit));
}

/** Parts that callers choose among a few: they split what an address has, and multiply nothing. */
const FEW = ['address', 'route', 'rpc'];

/** Whether whoever passes a limit by choosing another key meets this one all the same. */
function covers(
  { count, enforce, key, methods }: RateLimit,
  limit: { readonly methods?: readonly string[]; readonly count?: string; readonly key: readonly string[] },
): boolean {
  if (!enforce || !key.includes('address') || !key.every((part) => FEW.includes(part))) return false;
  if (count === 'failures' && limit.count !== 'failures') return false;
  const { methods: limited = [] } = limit;
  return methods.length === 0 || (limited.length > 0 && limited.every((method) => methods.includes(method)));
}

function chosen(text: string): boolean {
  try {
    return parsePart(text).part.chosenByClient;
  } catch {
    return false;
  }
}
