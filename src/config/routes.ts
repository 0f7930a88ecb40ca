/** The route table of a config: the preset's rows and the own ones, complete, with their policies merged. */

import type { DialectName, RefusalForm } from '../core/exchange.ts';
import { POLICIES } from '../policies/index.ts';
import { findingsOf } from './issues.ts';
import { PRESETS } from './presets/index.ts';
import type { Preset, PresetRoute } from './presets/preset.ts';
import { type Finding, formatPath, type Path } from './problem.ts';
import { mergeSettings, type PolicyOptions, type PolicySettings } from './schema/policies.ts';
import { mergeRetry, type RetryOptions, retry } from './schema/retry.ts';
import type { OwnRoute } from './schema/route.ts';
import type { Config } from './schema.ts';

/** One entry of the route table. Empty lists take anything. */
export interface RouteConfig {
  readonly name: string;
  /** Where it comes from; an overridden preset route counts as `config`. */
  readonly source: 'preset' | 'config';
  readonly listeners: readonly string[];
  readonly hosts: readonly string[];
  /** Path patterns, see `parsePattern`. */
  readonly paths: readonly string[];
  readonly methods: readonly string[];
  readonly dialects: readonly DialectName[];
  readonly action: 'forward' | 'refuse' | 'redirect';
  /** Set where the action is `forward`. */
  readonly upstream: string | undefined;
  /** Segments at the beginning of the path that give way to others; of a `forward`. */
  readonly rewrite_prefix: { readonly from: string; readonly to: string } | undefined;
  readonly websocket: boolean;
  /** When a request is sent again; set where the action is `forward`. */
  readonly retry: RetryOptions | undefined;
  /** Counts where the action is `refuse`. */
  readonly refuse_with: 'INTERNAL_ROUTE' | 'NO_ROUTE';
  /** Set where the action is `redirect`. */
  readonly redirect: { readonly location: string; readonly status: 301 | 302 | 303 | 307 | 308 } | undefined;
  readonly class: string;
  readonly form: RefusalForm;
  /** The policies that are on, with complete options. */
  readonly policies: PolicyOptions;
}

/** What holds for every route until somebody says otherwise: no answer takes for ever, no body is endless. */
const BASE: PolicySettings = { deadline: {}, body_limit: {} };

/** The limit class of requests that no route takes. */
const REFUSED_CLASS = 'refused';

/** The route table in the order that decides among equal matches; throws where `expand` has findings. */
export function expandRoutes(config: Config): RouteConfig[] {
  const { routes, findings } = expand(config);
  if (findings.length > 0) {
    throw new Error(findings.map(({ path, message }) => `${formatPath(path)}: ${message}`).join('\n'));
  }
  return routes;
}

/** The route table, with what is wrong in the own routes and in merged policies. Wrong routes are left out. */
export function expand(config: Config): { routes: RouteConfig[]; findings: Finding[] } {
  const rows = new Map(
    presetOf(config)
      .routes(config.preset)
      .map((row) => [row.name, row]),
  );
  const findings: Finding[] = [];
  const before: RouteConfig[] = [];
  const after: RouteConfig[] = [];
  const overrides = new Map<string, RouteConfig[]>();
  config.routes.forEach((own, index) => {
    const row = rows.get(own.name);
    const route = complete({ config, row, own, path: ['routes', index], findings });
    if (route === undefined) return;
    if (row !== undefined) overrides.set(own.name, [route, ...elsewhere(config, row, route)]);
    else (own.place === 'after' ? after : before).push(route);
  });
  const table = [...rows.values()].flatMap(
    (row) => overrides.get(row.name) ?? complete({ config, row, path: [], findings }) ?? [],
  );
  return { routes: [...before, ...table, ...after], findings: distinct(findings) };
}

/**
 * What is left of a preset route that an override narrows. It would fall to a looser route: the System API, opened on
 * one listener, to the catch-all of RPCs on the others. So it is refused, or stays as it was where the override
 * itself does not forward.
 */
function elsewhere(config: Config, row: PresetRoute, { action, ...route }: RouteConfig): RouteConfig[] {
  const before = complete({ config, row, path: [], findings: [] });
  if (before === undefined) return [];
  const narrowed = (['listeners', 'hosts', 'paths', 'methods', 'dialects'] as const).some((key) => {
    const [all, some] = [before[key] as readonly string[], route[key] as readonly string[]];
    return some.length > 0 && (all.length === 0 || all.some((one) => !some.includes(one)));
  });
  if (!narrowed) return [];
  const name = `${row.name}-elsewhere`;
  if (action !== 'forward') return [{ ...before, name }];
  return [
    {
      ...before,
      name,
      action: 'refuse',
      upstream: undefined,
      retry: undefined,
      refuse_with: row.refuseWith ?? 'INTERNAL_ROUTE',
    },
  ];
}

function presetOf(config: Config): Preset {
  return PRESETS[config.preset.name];
}

/** What is said of one route, by the preset, by the config or by both. */
interface Sources {
  readonly config: Config;
  readonly row?: PresetRoute | undefined;
  readonly own?: OwnRoute;
  readonly path: Path;
  readonly findings: Finding[];
}

/** A route from all that is said of it; undefined where that is not enough. */
function complete({ config, row, own, path, findings }: Sources): RouteConfig | undefined {
  const name = (own ?? row)!.name;
  const draft: Draft = { ...defaults(config), ...(row && fromPreset(row)), ...(own && given(own)) };
  const { class: limit, action, paths, upstream } = draft;
  if (paths === undefined) {
    findings.push({ path, message: `paths are missing: no route of the preset is called ${name}` });
    return undefined;
  }
  if (action === 'forward' && upstream === undefined) {
    findings.push({ path, message: `upstream is missing: expected ${Object.keys(config.upstreams).join(' or ')}` });
    return undefined;
  }
  const { classes, policies: ofPreset } = presetOf(config);
  const ofClass = Object.hasOwn(classes, limit) ? classes[limit]?.policies : undefined;
  const ofConfig = Object.hasOwn(config.classes, limit) ? config.classes[limit] : undefined;
  const forward = action === 'forward';
  const served = forward && (upstream === config.preset.upstream || upstream === config.preset.login_upstream);
  const below = served ? [BASE, ofPreset] : [BASE];
  const levels = [...below, config.policies, ofClass, ofConfig, row?.policies, own?.policies];
  // What goes nowhere needs no shield: a closed path answers what it always does.
  if (!forward) levels.push({ shield: false });
  const policies = options(mergeSettings(...levels), (policy, issues) => {
    const at: Path =
      own?.policies?.[policy] !== undefined
        ? [...path, 'policies', policy]
        : ofConfig?.[policy] !== undefined
          ? ['classes', limit, policy]
          : ['policies', policy];
    findings.push(...issues.map((issue) => ({ ...issue, path: [...at, ...issue.path] })));
  });
  return {
    ...draft,
    name,
    paths,
    source: own === undefined ? 'preset' : 'config',
    upstream: forward ? upstream : undefined,
    rewrite_prefix: forward ? draft.rewrite_prefix : undefined,
    retry: forward
      ? mergeRetry(config.upstreams[upstream!]?.retry ?? retry.parse({}), row?.retry, own?.retry)
      : undefined,
    redirect: action === 'redirect' ? draft.redirect : undefined,
    policies,
  };
}

type Draft = Omit<RouteConfig, 'name' | 'source' | 'policies' | 'paths' | 'retry'> & {
  paths: readonly string[] | undefined;
};

function defaults(config: Config): Draft {
  const upstreams = Object.keys(config.upstreams);
  const { name, upstream } = config.preset;
  return {
    listeners: [],
    hosts: [],
    paths: undefined,
    methods: [],
    dialects: [],
    action: 'forward',
    upstream: name !== 'none' ? upstream : upstreams.length === 1 ? upstreams[0] : undefined,
    rewrite_prefix: undefined,
    websocket: false,
    refuse_with: 'NO_ROUTE',
    redirect: undefined,
    class: 'api',
    form: 'rest',
  };
}

function fromPreset(row: PresetRoute): Partial<Draft> {
  const { paths, methods, class: limit, form, upstream, rewrite, refuseWith } = row;
  return {
    paths,
    methods,
    listeners: row.listeners ?? [],
    dialects: row.dialects ?? [],
    class: limit,
    form,
    upstream,
    rewrite_prefix: rewrite,
    ...(refuseWith !== undefined && { action: 'refuse', refuse_with: refuseWith }),
  };
}

/** What an own route says: only keys that are there, so that they may lie over the preset's. */
function given({ name: _, place: __, policies: ___, retry: ____, ...own }: OwnRoute): Partial<Draft> {
  return Object.fromEntries(Object.entries(own).filter(([, value]) => value !== undefined));
}

/**
 * The table entry that stands for every request that no route takes: of class `refused`, with the policies that a
 * refused request still has to pass, so that refusals cannot be had without limit.
 */
export function refusedRoute(config: Config): RouteConfig {
  const ofPreset: Preset['classes'] = presetOf(config).classes;
  const levels = [config.policies, ofPreset[REFUSED_CLASS]?.policies, config.classes[REFUSED_CLASS]];
  const { ip_rules, rate_limit } = mergeSettings(...levels) as Record<string, unknown>;
  const wanted = { ip_rules, rate_limit } as PolicySettings;
  return {
    ...defaults(config),
    name: 'unrouted',
    source: 'config',
    paths: [],
    action: 'refuse',
    upstream: undefined,
    retry: undefined,
    class: REFUSED_CLASS,
    policies: options(wanted, () => {}), // what is wrong with them was found where the table was made
  };
}

/** The policies that are on, their options filled in. */
function options(
  settings: PolicySettings,
  wrong: (name: (typeof POLICIES)[number]['name'], findings: Finding[]) => void,
): PolicyOptions {
  const on: Record<string, unknown> = {};
  for (const policy of POLICIES) {
    const setting = settings[policy.name];
    if (setting === undefined || setting === false) continue;
    const parsed = policy.options.safeParse(setting);
    if (parsed.success) on[policy.name] = parsed.data;
    else wrong(policy.name, findingsOf(parsed.error.issues, setting, policy.options));
  }
  return on;
}

function distinct(findings: readonly Finding[]): Finding[] {
  return [...new Map(findings.map((finding) => [`${formatPath(finding.path)} ${finding.message}`, finding])).values()];
}
