import type { OutgoingHttpHeaders } from 'node:http';

/** How long browsers and shared caches may keep a thing, in seconds. */
export interface Lifetime {
  readonly maxAge: number;
  readonly sharedMaxAge: number;
}

/** The defaults of ZITADEL cmd/defaults.yaml: Console.ShortCache, Console.LongCache and Login.Cache, AssetStorage.Cache. */
export const LIFETIMES = {
  short: { maxAge: 0, sharedMaxAge: 300 },
  long: { maxAge: 43_200, sharedMaxAge: 604_800 },
  asset: { maxAge: 5, sharedMaxAge: 604_800 },
} as const;

/** The headers of ZITADEL internal/api/http/middleware/cache_interceptor.go; Expires is an hour ago for a zero max-age. */
export function cacheHeaders(lifetime: Lifetime, now: Date): OutgoingHttpHeaders {
  const { maxAge, sharedMaxAge } = lifetime;
  return {
    'cache-control': `public, max-age=${maxAge}, s-maxage=${sharedMaxAge}`,
    expires: new Date(now.getTime() + (maxAge === 0 ? -3600 : maxAge) * 1000).toUTCString(),
  };
}

/** The headers that every answer of 400 and above gets under the same interceptor. */
export function neverCacheHeaders(now: Date): OutgoingHttpHeaders {
  return {
    'cache-control': 'no-store',
    expires: new Date(now.getTime() - 3600_000).toUTCString(),
    pragma: 'no-cache',
  };
}
