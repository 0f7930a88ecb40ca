import { hostCovered } from '../host.ts';
import { parsePattern, patternForm } from '../pattern.ts';
import { PRESETS } from '../presets/index.ts';
import type { Path } from '../problem.ts';
import type { RouteConfig } from '../routes.ts';
import type { OwnRoute } from '../schema/route.ts';
import type { Config } from '../schema.ts';
import type { Check, Findings } from './check.ts';

/** Own routes say what their action needs and nothing it cannot use, and can be reached. */
export const routes: Check = ({ config, routes: table }, found) => {
  if (table === undefined) return;
  const whole = config as Config;
  const byName = new Map(table.map((route) => [route.name, route]));
  const preset = new Set(PRESETS[whole.preset.name].routes(whole.preset).map(({ name }) => name));
  whole.routes.forEach((own, index) => {
    const path = ['routes', index];
    const route = byName.get(own.name);
    if (route === undefined) return;
    action(own, route, path, found);
    forward(own, route, whole, path, found);
    if (own.place !== undefined && preset.has(own.name)) {
      found.problem([...path, 'place'], 'it overrides a route of the preset and keeps its place');
    }
    own.hosts?.forEach((host, place) => {
      if (!hostCovered(host, whole.hosts))
        found.warn([...path, 'hosts', place], '`hosts` does not serve it, so it is never reached');
    });
  });
  shadowed(whole, table, found);
};

function action(own: OwnRoute, route: RouteConfig, path: Path, found: Findings): void {
  if (route.action === 'redirect' && route.redirect === undefined) {
    found.problem(path, 'redirect is missing: expected { location, status } beside action: redirect');
  }
  const only = (
    key: 'redirect' | 'refuse_with' | 'upstream' | 'rewrite_prefix' | 'websocket',
    of: RouteConfig['action'],
  ): void => {
    if (own[key] !== undefined && own[key] !== false && route.action !== of) {
      found.problem([...path, key], `only a route with action: ${of} has it, this one has ${route.action}`);
    }
  };
  only('redirect', 'redirect');
  only('refuse_with', 'refuse');
  for (const key of ['upstream', 'rewrite_prefix', 'websocket'] as const) only(key, 'forward');
}

function forward(own: OwnRoute, route: RouteConfig, { upstreams }: Config, path: Path, found: Findings): void {
  if (route.action !== 'forward') return;
  const protocol = upstreams[route.upstream!]?.protocol;
  if (route.websocket && protocol !== undefined && protocol !== 'http/1.1') {
    found.problem(
      [...path, 'websocket'],
      `expected an upstream with protocol http/1.1, ${route.upstream} has ${protocol}`,
    );
  }
  if (route.rewrite_prefix === undefined) return;
  const { from } = route.rewrite_prefix;
  const prefix = from === '/' ? [] : parsePattern(from).segments;
  for (const [index, text] of route.paths.entries()) {
    const { segments } = parsePattern(text);
    const begins = prefix.every(({ text: literal }, place) => {
      return segments[place]?.text === literal && segments[place].parameter === undefined;
    });
    if (begins) continue;
    const at = own.rewrite_prefix === undefined ? ['paths', index] : ['rewrite_prefix', 'from'];
    found.problem([...path, ...at], `the path ${text} does not begin with the segments of ${from}`);
  }
}

/** Routes that an earlier one leaves nothing to. */
function shadowed({ routes: own }: Config, table: readonly RouteConfig[], found: Findings): void {
  const first = new Map<string, string>();
  for (const route of table) {
    const rest = JSON.stringify([route.listeners, route.hosts, [...route.methods].sort(), [...route.dialects].sort()]);
    const index = own.findIndex(({ name }) => name === route.name);
    for (const path of route.paths) {
      const key = `${patternForm(path)} ${rest}`;
      const earlier = first.get(key);
      if (earlier === undefined) first.set(key, route.name);
      else if (index >= 0)
        found.warn(['routes', index], `${earlier} takes ${path} already, so this route never gets it`);
    }
  }
}
