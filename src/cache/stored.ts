/** A stored answer: a head and a whole body, as the origin gave them, and the body's codings as they were made since. */

import type { Fields } from '../core/raw.ts';

/** One answer of an origin, complete. Never changed: a revalidation makes another one with the same body. */
export interface StoredAnswer {
  readonly status: number;
  /**
   * The origin's fields, hop-by-hop ones, Age and Content-Length left out. Where the origin gave no ETag, `etag` here
   * has none either: `digest` makes one.
   */
  readonly fields: Fields;
  /** As the origin sent it, which is uncoded where it did as it was asked. */
  readonly body: Uint8Array;
  /** SHA-256 of the body, base64url. */
  readonly digest: string;
  /** The body in other codings, as they come from the variant maker. Shared by all answers with this body. */
  readonly codings: Map<string, Uint8Array>;
  /** The request fields that the origin's Vary names, lower-case, sorted, with their normalised values then ('' for none). */
  readonly vary: readonly (readonly [name: string, value: string])[];
  /** Milliseconds since the epoch, when the request was sent and when the head of the answer came; of the last validation. */
  readonly requestedAt: number;
  readonly receivedAt: number;
  /** How many seconds it is fresh from `receivedAt` on, what it had aged before already taken off. May be negative. */
  readonly freshForS: number;
  /** How old it was when it came, in seconds: the corrected initial age of RFC 9111 section 4.2.3. */
  readonly initialAgeS: number;
  /** How long after freshness it may be used while it is revalidated (RFC 5861 section 3), and while the origin fails (section 4). */
  readonly staleWhileRevalidateS: number;
  readonly staleIfErrorS: number;
  /** Never used without validation: no-cache, or must-revalidate and proxy-revalidate once stale. */
  readonly revalidate: 'always' | 'when_stale' | 'may_be_stale';
  /** What belongs together when a deployment changes: '' for what is never purged by a change. */
  readonly release: string;
}

/** What an entry is found by: all parts byte for byte, as they go to the origin. */
export interface CacheKey {
  readonly scheme: 'http' | 'https';
  /** Host as the origin sees it. */
  readonly host: string;
  /** Raw path and query. */
  readonly target: string;
  /** The name of the route: routes have rules of their own, so they share nothing. */
  readonly route: string;
}

/** The key as one text; the parts cannot run into each other, since none of them has a space or a line feed. */
export function keyText({ scheme, host, target, route }: CacheKey): string {
  return `${route} ${scheme}://${host} ${target}`;
}
