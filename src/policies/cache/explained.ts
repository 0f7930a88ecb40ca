/** What the cache would say of a request, for people who ask why. */

import { requestDirectives } from '../../cache/cache-control.ts';
import { ttlS } from '../../cache/freshness.ts';
import { reuse } from '../../cache/reuse.ts';
import { passBy } from '../../cache/storable.ts';
import { selectStored } from '../../cache/vary.ts';
import type { Exchange } from '../../core/exchange.ts';
import type { PolicyContext } from '../../core/policy.ts';
import { rulesOf } from './compiled-rules.ts';
import type { CacheOptions, SinglePageApp } from './options.ts';
import { asker, namesInstance, type Question } from './question.ts';
import { Release } from './release.ts';

const CREDENTIALS = {
  bypass: 'requests with Authorization or Cookie pass it by',
  strip: 'Authorization and Cookie make no difference, and are not sent on',
  rfc9111: 'Authorization by RFC 9111 section 3.5, Cookie by Vary',
} as const;

/** Lines on a request: whether it may be answered from the store, from what, what would go upstream, and how long it lasts. */
export function explained(
  options: CacheOptions,
  { route, clock, services }: PolicyContext,
): (exchange: Exchange) => readonly string[] {
  const { store } = services.cache;
  const rules = rulesOf(options);
  const app = options.single_page_app;
  const release = app === false ? undefined : new Release(app);
  const ask = asker(route.name, options, release);
  const whatIsStored = (exchange: Exchange, { key, fields }: Question): string => {
    const stored = selectStored(store.peek(key), fields);
    const now = clock.wall();
    const verdict = reuse(stored, requestDirectives(exchange.raw.fields), now, rules.honourRequest);
    if (stored === undefined)
      return verdict === 'miss' ? 'not stored' : 'not stored, and only a stored answer is wanted';
    const left = Math.floor(ttlS(stored, now));
    return `stored, ${left >= 0 ? `fresh for ${left} s` : `stale for ${-left} s`}: ${verdict.replaceAll('_', ' ')}`;
  };
  return (exchange) => {
    const { head, raw, dialect } = exchange;
    if (dialect.name !== 'http') return [`passed by: ${dialect.name}`];
    const by = passBy(head.method, raw.fields, rules)?.detail ?? (namesInstance(raw.fields) ? 'instance' : undefined);
    const question = ask(exchange);
    const { scheme, host, target } = question.key;
    const kind = release && app !== false ? `; ${kindLine(release.kind(target), app)}` : '';
    return [
      by === undefined ? `may be answered from the store: ${whatIsStored(exchange, question)}` : `passed by: ${by}`,
      `key ${route.name} ${scheme}://${host}${target}${options.query === 'drop' ? ', without the query' : ''}${kind}`,
      `credentials ${options.credentials}: ${CREDENTIALS[options.credentials]}`,
      `fetched with ${fetchedWith(options)}`,
      `fresh ${lifetime(options)}`,
      ...staleness(options),
    ];
  };
}

function fetchedWith({ request_fields, credentials }: CacheOptions): string {
  const also = credentials === 'rfc9111' ? ' and credentials' : '';
  if (request_fields === 'all') return `all fields of the client${also}`;
  return request_fields.length === 0 ? `no field of the client${also}` : `${request_fields.join(', ')}${also}`;
}

function lifetime({ heuristic, default_ttl_s, max_ttl_s, statuses }: CacheOptions): string {
  return [
    'as long as the origin says',
    ...(max_ttl_s === 0 ? [] : [`at most ${max_ttl_s} s`]),
    ...(heuristic ? ['by its age where it says nothing'] : []),
    ...(default_ttl_s === 0 ? [] : [`${default_ttl_s} s where it says nothing`]),
    ...(statuses.length === 0 ? [] : [`only ${statuses.join(', ')}`]),
  ].join(', ');
}

function staleness({ stale_while_revalidate_s: meanwhile, stale_if_error_s: onError }: CacheOptions): string[] {
  const said = [
    ...(meanwhile === 0 ? [] : [`${meanwhile} s while it is fetched anew`]),
    ...(onError === 0 ? [] : [`${onError} s while the origin fails`]),
  ];
  return said.length === 0 ? [] : [`served stale for ${said.join(', ')}, unless the origin says otherwise`];
}

function kindLine(kind: ReturnType<Release['kind']>, app: SinglePageApp): string {
  switch (kind) {
    case 'index':
      return 'the page';
    case 'hashed':
      return `a file that never changes, fresh for ${app.hashed_ttl_s} s`;
    case 'unhashed':
      return `a file of this release, fresh for ${app.unhashed_ttl_s} s at most`;
  }
}
