/** The options of a route as the rules of HTTP caching take them. */

import type { CacheRules } from '../../cache/rules.ts';
import type { CacheOptions } from './options.ts';

/** Compiled with the config: 0 in the options is none. */
export function rulesOf(options: CacheOptions): CacheRules {
  return {
    credentials: options.credentials,
    stripSetCookie: options.strip_set_cookie,
    heuristic: options.heuristic,
    defaultTtlS: options.default_ttl_s === 0 ? undefined : options.default_ttl_s,
    maxTtlS: options.max_ttl_s === 0 ? undefined : options.max_ttl_s,
    staleWhileRevalidateS: options.stale_while_revalidate_s,
    staleIfErrorS: options.stale_if_error_s,
    staleIfErrorAlways: options.stale_if_error_always,
    statuses: options.statuses.length === 0 ? undefined : new Set(options.statuses),
    targets: options.targeted_fields,
    honourRequest: options.client_directives === 'honour',
  };
}
