/** The compiled route table: what a router is told, and the same table for questions outside a request. */

import FindMyWay, { type HTTPMethod } from 'find-my-way';
import { parsePattern } from '../config/pattern.ts';
import type { RouteConfig } from '../config/routes.ts';
import { GatewayError } from '../core/errors.ts';
import type { RouteInfo } from '../core/exchange.ts';
import { routerPath } from '../core/path.ts';
import type { RawRequest } from '../core/raw.ts';
import { METHODS } from '../transport/faults.ts';
import { ROUTE_CONSTRAINTS } from './constraints.ts';

/** A route with what the way needs to know of it. */
export interface CompiledRoute {
  readonly config: RouteConfig;
  readonly info: RouteInfo;
}

/** One entry of the router: a URL pattern with its methods and constraints. */
export interface RouterEntry {
  readonly route: CompiledRoute;
  readonly url: string;
  readonly methods: string[];
  readonly constraints: Readonly<Record<string, string>>;
}

/** The patterns of the router that a path pattern stands for. */
export function routerUrls(pattern: string): string[] {
  const { segments, below } = parsePattern(pattern);
  const base = segments
    .map(({ text, parameter }, index) => {
      const literal = routerPath(text).replaceAll(':', '::');
      if (parameter === undefined) return `/${literal}`;
      // The router knows parameters by place; one name for all lets routes share nodes. At the end of a path it would
      // take an empty one, and `/a/` for `/a/{id}`.
      const last = index === segments.length - 1 && !below;
      return `/${literal}:p${index}${last ? '(^.+$)' : ''}`;
    })
    .join('');
  if (!below) return [base];
  return base === '' ? ['/', '/*'] : [base, `${base}/*`];
}

/** Every entry of the router, most important first; what an earlier entry already takes is left out of later ones. */
export function routerEntries(routes: readonly RouteConfig[]): RouterEntry[] {
  const taken = new Set<string>();
  const entries: RouterEntry[] = [];
  for (const config of routes) {
    const info: RouteInfo = {
      name: config.name,
      upstream: config.action === 'forward' ? config.upstream : undefined,
      form: config.form,
      class: config.class,
      ...(config.rewrite_prefix !== undefined && { rewrite: config.rewrite_prefix }),
    };
    const route: CompiledRoute = { config, info };
    const asked = METHODS.filter((method) => config.methods.length === 0 || config.methods.includes(method));
    for (const pattern of config.paths) {
      for (const url of routerUrls(pattern)) {
        for (const constraints of constraintsOf(config)) {
          const key = (method: string): string => `${method} ${url} ${JSON.stringify(constraints)}`;
          const methods = asked.filter((method) => !taken.has(key(method)));
          for (const method of methods) taken.add(key(method));
          if (methods.length > 0) entries.push({ route, url, methods: [...methods], constraints });
        }
      }
    }
  }
  return entries;
}

/** Every combination of listener, host and dialect that a route names. */
function constraintsOf(config: RouteConfig): Record<string, string>[] {
  let combinations: Record<string, string>[] = [{}];
  for (const [name, values] of [
    ['listener', config.listeners],
    ['hosts', config.hosts],
    ['dialect', config.dialects],
  ] as const) {
    if (values.length === 0) continue;
    combinations = combinations.flatMap((before) => values.map((value) => ({ ...before, [name]: value })));
  }
  return combinations;
}

/** Answers which route a request would take; for `explain`, 405 and second readings of an encoded slash. */
export class RouteTable {
  readonly #router = FindMyWay({
    maxParamLength: 1_048_576,
    constraints: ROUTE_CONSTRAINTS as never,
    defaultRoute() {},
  });
  readonly routes: readonly CompiledRoute[];

  constructor(entries: readonly RouterEntry[]) {
    this.routes = [...new Set(entries.map((entry) => entry.route))];
    for (const { route, url, methods, constraints } of entries) {
      this.#router.on(methods as HTTPMethod[], url, { constraints } as never, () => {}, route);
    }
  }

  /** The route for a request as it came, or with another method or path. */
  match(request: RawRequest, other: { method?: string; path?: string } = {}): CompiledRoute | undefined {
    const derived = Object.fromEntries(
      Object.values(ROUTE_CONSTRAINTS).map(({ name, deriveConstraint }) => [name, deriveConstraint(request)]),
    );
    const path = routerPath(other.path ?? request.path);
    const found = this.#router.find((other.method ?? request.method) as HTTPMethod, path, derived);
    return found?.store as CompiledRoute | undefined;
  }

  /** The methods that the path of a request is forwarded with. */
  allowed(request: RawRequest): string[] {
    return METHODS.filter((method) => {
      const route = this.match(request, { method });
      return route !== undefined && route.config.action !== 'refuse';
    });
  }

  /** What a request gets that no route serves, or not with its method. */
  notServed(request: RawRequest): GatewayError {
    const allow = this.allowed(request);
    return allow.length > 0 ? new GatewayError('METHOD_NOT_ALLOWED', { allow }) : new GatewayError('NO_ROUTE');
  }

  /**
   * Whether an encoded slash changes the route: read as a slash it leads here, kept as part of its segment there.
   * Such a request could pass for one of a looser class.
   */
  ambiguous(request: RawRequest): boolean {
    const kept = request.target.split('?', 1)[0]!;
    // The escape itself is escaped, so that the router sees one segment.
    const asSegment = kept
      .split(/%2f/i)
      .map((part) => decodeURIComponent(part))
      .join('%2F');
    return this.match(request)?.config.name !== this.match(request, { path: asSegment })?.config.name;
  }
}
