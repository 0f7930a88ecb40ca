import { type Pattern, parsePattern } from '../../src/config/pattern.ts';
import type { RouteConfig } from '../../src/config/routes.ts';

/** A request as far as routes look at it. */
export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly listener?: string;
  readonly host?: string;
}

/** The route that docs/config.md says a request takes, by a scan over the table: slow, obvious, and no code of the router. */
export function routeFor(
  routes: readonly RouteConfig[],
  { method, path, listener = 'public', host = 'h' }: Asked,
): RouteConfig | undefined {
  const takes = (list: readonly string[], one: string): boolean => list.length === 0 || list.includes(one);
  const matches = routes.flatMap((route, order) => {
    if (!takes(route.methods, method) || !takes(route.listeners, listener) || !takes(route.hosts, host)) return [];
    return route.paths.flatMap((text) => {
      const score = match(parsePattern(text), path.split('/').slice(1));
      const constraints = [route.listeners, route.hosts, route.dialects].filter((list) => list.length > 0).length;
      return score === undefined ? [] : [{ route, score, constraints, order }];
    });
  });
  matches.sort((a, b) => compare(b.score, a.score) || b.constraints - a.constraints || a.order - b.order);
  return matches[0]?.route;
}

/** How specific a match is, segment by segment; undefined where there is none. */
function match({ segments, below }: Pattern, path: readonly string[]): number[] | undefined {
  const score: number[] = [];
  for (const [index, { text, parameter }] of segments.entries()) {
    const given = path[index];
    if (given === undefined) return undefined;
    if (parameter === undefined ? given !== text : !given.startsWith(text) || given.length === text.length)
      return undefined;
    score.push(parameter === undefined ? 1000 : 1 + text.length);
  }
  if (!below && path.length > segments.length) return undefined;
  return [...score, below ? 0 : 1000];
}

function compare(a: readonly number[], b: readonly number[]): number {
  for (let index = 0; index < Math.max(a.length, b.length); index++) {
    const difference = (a[index] ?? 0) - (b[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
