/** The contract of a source: somewhere to look for endpoints once. */

import type { EndpointSpec } from '../upstream.ts';

/** What was found; at least one. */
export interface Found {
  readonly specs: readonly EndpointSpec[];
  /** How long it holds, in milliseconds; undefined where nobody says. */
  readonly ttlMs: number | undefined;
  /** The TTL is that of a part, and nobody says how long the rest holds: it is asked again every interval at the least. */
  readonly ttlOfPart?: boolean;
  /** A part could not be asked for, and is what it was before. */
  readonly problem?: string | undefined;
}

/** Somewhere to look for endpoints. */
export interface Source {
  /** Rejects with an Error whose message is for the log. `signal` gives it up. */
  find(signal: AbortSignal): Promise<Found>;
}

/** An address and a port as endpoints are named. */
export function endpointName(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
