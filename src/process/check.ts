/** `gatehouse check`: everything that is wrong with a config, or what it would do. */

import { parseListenAddress } from '../config/address.ts';
import { loadConfig } from '../config/load.ts';
import { formatProblem } from '../config/problem.ts';
import type { RouteConfig } from '../config/routes.ts';
import type { Config } from '../config/schema.ts';
import { systemClock } from '../core/clock.ts';
import { Events } from '../core/events.ts';
import { createGeneration } from '../gateway/app.ts';
import type { Generation } from '../gateway/generation.ts';
import { Kept } from '../gateway/kept.ts';

/** Prints the listeners, upstreams and routes of a config; compiles it as a start would, but binds and connects nothing. */
export async function check(file: string): Promise<number> {
  const { config, routes, warnings } = await loadConfig(file);
  await compiled(config);
  for (const warning of warnings) process.stderr.write(`warning: ${formatProblem(warning)}\n`);
  process.stdout.write(
    [`${file}: ok`, '', ...listenerLines(config), '', ...upstreamLines(config), '', ...routeLines(routes), ''].join(
      '\n',
    ),
  );
  return 0;
}

/** A config compiled as a start would compile it, and closed again: nothing is bound or connected. */
export async function compiled(config: Config): Promise<Generation> {
  const generation = await createGeneration({
    id: 1,
    config,
    kept: new Kept(),
    events: new Events(),
    clock: systemClock,
  });
  await generation.close();
  return generation;
}

/** Columns side by side, as wide as their longest entry. */
export function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, index) => Math.max(...rows.map((row) => row[index]!.length)));
  return rows.map((row) =>
    row
      .map((cell, index) => cell.padEnd(widths[index]!))
      .join('  ')
      .trimEnd(),
  );
}

function listenerLines(config: Config): string[] {
  const rows = config.listeners.map(({ name, address, tls, redirect, trust, allow }) => {
    const { host, port } = parseListenAddress(address)!;
    const what =
      redirect !== undefined
        ? `redirects to https port ${redirect.to_port}`
        : tls
          ? 'TLS: h2, http/1.1'
          : 'cleartext: h2c, http/1.1';
    return [
      name,
      `${host.includes(':') ? `[${host}]` : host}:${port}`,
      what,
      trust === 'internal' ? `internal, for ${allow.join(', ')}` : '',
    ];
  });
  if (config.admin.enabled)
    rows.push(['admin', config.admin.address, config.admin.token ? 'needs a token' : 'no token', '']);
  return ['Listeners', ...columns(rows).map((line) => `  ${line}`)];
}

function upstreamLines(config: Config): string[] {
  const rows = Object.entries(config.upstreams).map(([name, { protocol, endpoints }]) => [
    name,
    protocol,
    endpoints.join(', '),
  ]);
  return ['Upstreams', ...columns(rows).map((line) => `  ${line}`)];
}

function routeLines(routes: readonly RouteConfig[]): string[] {
  const rows = routes.flatMap((route) =>
    route.paths.map((path, index) => [
      index === 0 ? route.name : '',
      [...route.hosts.slice(0, 1), path].join(' '),
      route.methods.join(',') || 'any',
      route.dialects.join(',') || 'any',
      route.class,
      targetOf(route),
    ]),
  );
  const head = ['name', 'path', 'methods', 'dialects', 'class', 'goes to'];
  return [
    `Routes (${routes.length}); the most specific path wins`,
    ...columns([head, ...rows]).map((line) => `  ${line}`),
  ];
}

/** Where a route leads, in a word or two. */
export function targetOf(route: RouteConfig): string {
  if (route.action === 'refuse') return `refused: ${route.refuse_with}`;
  if (route.action === 'redirect') return `${route.redirect!.status} ${route.redirect!.location}`;
  return `${route.upstream}${route.websocket ? ' (and WebSocket)' : ''}`;
}
