/**
 * What ZITADEL's answers allow a shared cache, by route (internal/api/ui/console/console.go,
 * internal/api/http/middleware/cache_interceptor.go, cmd/defaults.yaml). docs/cache.md says it for people.
 */

import type { PolicySettings } from '../schema/policies.ts';

const MINUTE_S = 60;
const HOUR_S = 3600;
const DAY_S = 86_400;
const WEEK_S = 7 * DAY_S;

/** Nobody's cookie matters, and whoever reloads gets what the others get. */
const PUBLIC = { credentials: 'strip', strip_set_cookie: true, client_directives: 'ignore' } as const;

/**
 * The Console: s-maxage of a week also on what has no hash in its name, so that texts of the version before would stay
 * (zitadel/zitadel#3833, #9551). Hashes are 16 hex digits (webpack) or 8 letters (esbuild).
 */
export const CONSOLE: PolicySettings = {
  cache: {
    ...PUBLIC,
    request_fields: [],
    query: 'drop',
    statuses: [200, 301],
    stale_while_revalidate_s: MINUTE_S,
    stale_if_error_s: WEEK_S,
    single_page_app: {
      index: '/ui/console/',
      hashed: '[.-](?:[0-9a-f]{16,64}|[A-Z0-9]{8})\\.[a-z0-9]{2,5}$',
    },
  },
};

/** Static files and branding of Login v1; its own lifetime is a week, and a new logo should be seen before. */
export const LOGIN_RESOURCES: PolicySettings = {
  cache: {
    ...PUBLIC,
    request_fields: [],
    statuses: [200],
    max_ttl_s: HOUR_S,
    stale_while_revalidate_s: MINUTE_S,
    stale_if_error_s: WEEK_S,
  },
};

/** Files of Next.js, which never change. */
export const LOGIN_V2_STATIC: PolicySettings = {
  cache: { ...PUBLIC, request_fields: [], statuses: [200], stale_if_error_s: WEEK_S },
};

/** Logos, fonts and avatars: the same handler answers authenticated requests, and calls both public. */
export const ASSETS: PolicySettings = {
  cache: { request_fields: ['origin'], statuses: [200], max_ttl_s: 5 * MINUTE_S, stale_if_error_s: DAY_S },
};

/** Whoever validates tokens needs these, also while no ZITADEL answers. */
export const DISCOVERY: PolicySettings = {
  cache: {
    ...PUBLIC,
    request_fields: ['origin'],
    query: 'drop',
    statuses: [200],
    default_ttl_s: MINUTE_S,
    max_ttl_s: 5 * MINUTE_S,
    stale_while_revalidate_s: MINUTE_S,
    stale_if_error_s: DAY_S,
    // ZITADEL says must-revalidate of its keys: without them nobody could validate a token.
    stale_if_error_always: true,
  },
};
