import { nearest } from '../nearest.ts';
import { PRESETS } from '../presets/index.ts';
import type { Path } from '../problem.ts';
import type { RouteConfig } from '../routes.ts';
import type { Check } from './check.ts';

/** Policies reach the routes they are written for. */
export const policies: Check = ({ config, routes }, found) => {
  const { preset, classes, policies: general } = config;
  if (routes === undefined || preset === undefined || classes === undefined || general === undefined) return;
  const known = [...Object.keys(PRESETS[preset.name].classes), ...Object.keys(classes)];
  const used = new Set(routes.map((route) => route.class));
  const named = Object.keys(classes).map((name): Path => ['classes', name]);
  const ranked = Object.keys(config.overload?.priorities ?? {}).map((name): Path => ['overload', 'priorities', name]);
  for (const path of [...named, ...ranked]) {
    const name = String(path.at(-1));
    if (used.has(name)) continue;
    const meant = nearest(name, [...used]);
    found.warn(path, `no route has this class${meant === undefined ? '' : `, did you mean ${meant}?`}`);
  }
  config.routes?.forEach((route, index) => {
    if (route.class === undefined || known.includes(route.class) || preset.name === 'none') return;
    const meant = nearest(route.class, known);
    found.warn(
      ['routes', index, 'class'],
      `nobody gives this class policies${meant === undefined ? '' : `, did you mean ${meant}?`}`,
    );
  });
  const forwarded = routes.filter(({ action }) => action === 'forward');
  for (const path of leaves(general, [])) {
    if (forwarded.some((route) => at(route.policies, path) === at(general, path))) continue;
    found.warn(['policies', ...path], 'has no effect: every class says otherwise; say it in `classes`');
  }
};

function* leaves(value: unknown, path: Path): Generator<Path> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    if (['number', 'string', 'boolean'].includes(typeof value)) yield path;
    return;
  }
  for (const [key, below] of Object.entries(value)) if (below !== false) yield* leaves(below, [...path, key]);
}

function at(value: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (here, key) => (here as Record<string, unknown> | undefined)?.[key],
    value as RouteConfig,
  );
}
