/** `gatehouse check`: everything that is wrong with a config, or what it would do. */

import { parseListenAddress } from '../config/address.ts';
import { whereabouts } from '../config/endpoints.ts';
import { loadConfig } from '../config/load.ts';
import { formatProblem } from '../config/problem.ts';
import type { RouteConfig } from '../config/routes.ts';
import type { Config } from '../config/schema.ts';
import { systemClock } from '../core/clock.ts';
import { Events } from '../core/events.ts';
import { createGeneration } from '../gateway/app.ts';
import type { Generation } from '../gateway/generation.ts';
import { Kept } from '../gateway/kept.ts';
import { checkCertificates } from './check-certificates.ts';
import { resolveUpstreams } from './resolve.ts';

/** Prints the listeners, upstreams, cache and routes of a config; compiles it as a start would, but binds and connects nothing. With `resolve` it asks for the endpoints of upstreams too: 1 where they are not found. */
export async function check(file: string, { resolve = false } = {}): Promise<number> {
  const { config, routes, warnings } = await loadConfig(file);
  await compiled(config);
  for (const warning of warnings) process.stderr.write(`warning: ${formatProblem(warning)}\n`);
  const { rows: certificates, problems } = await checkCertificates(config, systemClock.wall());
  for (const { text, fatal } of problems) process.stderr.write(`${fatal ? 'error' : 'warning'}: ${text}\n`);
  if (problems.some(({ fatal }) => fatal)) return 1;
  process.stdout.write(
    [
      ...[`${file}: ok`, '', ...listenerLines(config), ''],
      ...(certificates.length === 0 ? [] : ['Certificates', ...columns(certificates).map((row) => `  ${row}`), '']),
      ...[...upstreamLines(config), ''],
      ...[...cacheLines(config, routes), '', ...routeLines(routes), ''],
    ].join('\n'),
  );
  if (!resolve) return 0;
  const resolved = await resolveUpstreams(config);
  const rows = resolved.map(({ upstream, found, text }) => [upstream, found ? text : `NOT FOUND: ${text}`]);
  process.stdout.write(`\n${['Endpoints just now', ...columns(rows).map((line) => `  ${line}`)].join('\n')}\n`);
  return resolved.every(({ found }) => found) ? 0 : 1;
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
  const rows = config.listeners.map(({ name, address, tls, redirect, trust, allow, proxy_protocol }) => {
    const { host, port } = parseListenAddress(address)!;
    const what =
      redirect !== undefined
        ? `redirects to https port ${redirect.to_port}`
        : tls
          ? `TLS: h2, http/1.1${clientsAsked(tls.client_certificates?.mode)}`
          : 'cleartext: h2c, http/1.1';
    return [
      name,
      `${host.includes(':') ? `[${host}]` : host}:${port}`,
      proxy_protocol ? `${what}, after a PROXY header` : what,
      trust === 'internal' ? `internal, for ${allow.join(', ')}` : '',
    ];
  });
  if (config.admin.enabled)
    rows.push(['admin', config.admin.address, config.admin.token ? 'needs a token' : 'no token', '']);
  return ['Listeners', ...columns(rows).map((line) => `  ${line}`)];
}

function clientsAsked(mode: 'required' | 'optional' | undefined): string {
  return mode === undefined ? '' : `, client certificates ${mode}`;
}

function upstreamLines(config: Config): string[] {
  const rows = Object.entries(config.upstreams).map(([name, upstream]) => [
    name,
    upstream.protocol,
    whereabouts(upstream),
  ]);
  return ['Upstreams', ...columns(rows).map((line) => `  ${line}`)];
}

function cacheLines({ cache }: Config, routes: readonly RouteConfig[]): string[] {
  const caching = routes.filter(({ action, policies }) => action === 'forward' && policies.cache !== undefined);
  if (caching.length === 0) return ['Cache', '  no route has one'];
  const { memory_bytes, max_entry_bytes, disk } = cache;
  const warm = caching.filter(({ policies }) => {
    const app = policies.cache!.single_page_app;
    return app !== false && app.warm;
  });
  const rows = [
    ['memory', `${mebibytes(memory_bytes)}, answers up to ${mebibytes(max_entry_bytes)}`],
    [
      'disk',
      disk === undefined
        ? 'none: a restart begins with an empty store'
        : `${disk.directory}, up to ${mebibytes(disk.max_bytes)}`,
    ],
    ['routes', caching.map(({ name }) => name).join(', ')],
    ...(warm.length === 0
      ? []
      : [
          [
            'warmed',
            `${warm.map(({ name }) => name).join(', ')} for ${cache.warm_hosts.join(', ') || 'no host: warm_hosts is empty'}`,
          ],
        ]),
  ];
  return ['Cache', ...columns(rows).map((line) => `  ${line}`)];
}

function mebibytes(bytes: number): string {
  return `${Math.round((bytes / 1024 / 1024) * 10) / 10} MiB`;
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
