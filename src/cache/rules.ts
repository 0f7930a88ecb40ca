/** What a route says of its cache, as far as the rules of HTTP leave it open. Compiled with the config. */

/** How requests that carry credentials are treated. */
export type CredentialsMode =
  /** Such a request passes the cache by. */
  | 'bypass'
  /** Authorization and Cookie do not matter here, and are not sent with what the cache asks. */
  | 'strip'
  /** Cookie does not matter; Authorization by RFC 9111 section 3.5. */
  | 'rfc9111';

/** The options of a route's cache. Times in seconds. */
export interface CacheRules {
  readonly credentials: CredentialsMode;
  /** Set-Cookie is taken out of the stored copy; else an answer with Set-Cookie is not stored. */
  readonly stripSetCookie: boolean;
  /** A tenth of the time since Last-Modified is freshness where the origin gave none, RFC 9111 section 4.2.2. */
  readonly heuristic: boolean;
  /** Freshness where the origin says nothing at all; undefined for none. */
  readonly defaultTtlS: number | undefined;
  /** Freshness never exceeds it; undefined for no cap. */
  readonly maxTtlS: number | undefined;
  /** Where the origin does not say. 0 for none. */
  readonly staleWhileRevalidateS: number;
  readonly staleIfErrorS: number;
  /** `staleIfErrorS` counts also where the origin says must-revalidate, against RFC 9111 section 5.2.2.2. */
  readonly staleIfErrorAlways?: boolean;
  /** The only statuses that are stored; undefined for all that HTTP allows. */
  readonly statuses: ReadonlySet<number> | undefined;
  /**
   * The targeted fields that are listened to, lower-case, first wins: usually `cdn-cache-control`. `surrogate-control`
   * among them is taken out of what goes to clients.
   */
  readonly targets: readonly string[];
  /** The request's Cache-Control and Pragma are heeded. */
  readonly honourRequest: boolean;
}

/** Rules by the book: RFC 9111 and nothing else. */
export const RFC_RULES: CacheRules = {
  credentials: 'rfc9111',
  stripSetCookie: false,
  heuristic: false,
  defaultTtlS: undefined,
  maxTtlS: undefined,
  staleWhileRevalidateS: 0,
  staleIfErrorS: 0,
  statuses: undefined,
  targets: ['cdn-cache-control'],
  honourRequest: true,
};
