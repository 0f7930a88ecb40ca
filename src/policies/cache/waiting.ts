/** How long requests wait for what is fetched, and what they say of who went for them. */

import type { KeptAnswer } from '../../cache/kept-answer.ts';
import type { Exchange } from '../../core/exchange.ts';
import type { Flight } from './flight.ts';
import type { CacheOptions } from './options.ts';

/** One request that waits. */
export interface Waiting {
  readonly flight: Flight;
  /** It came when the flight was under way. */
  readonly collapsed: boolean;
  /** Only a whole answer helps it. */
  readonly whole: boolean;
  /** What it gets where it has waited long enough. */
  readonly stale: KeptAnswer | undefined;
}

/**
 * How long it waits, in milliseconds; undefined for as long as the flight takes. Who has something to fall back on, or could
 * ask by itself, does not wait for ever, and nobody does for a whole body, which may drip. Where an origin is silent only
 * the first ones wait, and not everybody anew.
 */
export function waitsForMs(
  { wait_ms, fetch_timeout_ms }: CacheOptions,
  { flight, collapsed, whole, stale }: Waiting,
  now: number,
): number | undefined {
  if (stale !== undefined) return Math.max(0, wait_ms - (now - flight.begunAt));
  if (collapsed) return wait_ms;
  return whole ? fetch_timeout_ms + wait_ms : undefined;
}

/** Those who waited say whom the cache asked. */
export function takeOver(record: Exchange['record'], of: Exchange['record']): void {
  record.endpoint = of.endpoint;
  record.attempts = of.attempts;
  record.upstreamStarted = of.upstreamStarted;
  record.upstreamRequestId ??= of.upstreamRequestId;
}
