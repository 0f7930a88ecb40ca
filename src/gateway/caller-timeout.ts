/** The deadline that an RPC carries, passed on without the time that is gone already. */

import type { Exchange, RequestHead } from '../core/exchange.ts';
import { setField } from '../core/headers.ts';
import type { Fields } from '../core/raw.ts';
import { parseConnectTimeout, parseGrpcTimeout } from '../policies/deadline.ts';

/** The units of `grpc-timeout` by their length in milliseconds, the finest first that is worth saying. */
const UNITS: readonly (readonly [ms: number, unit: string])[] = [
  [0.001, 'u'],
  [1, 'm'],
  [1000, 'S'],
  [60_000, 'M'],
  [3_600_000, 'H'],
];
/** At most 8 digits: gRPC over HTTP/2, "Timeout". */
const MAX_VALUE = 99_999_999;

/** Whether the caller itself said how long it may take: a deadline that is over may be its doing, and speaks against nobody. */
export function saysTimeout({ headers }: Pick<RequestHead, 'headers'>): boolean {
  return headers['grpc-timeout'] !== undefined || headers['connect-timeout-ms'] !== undefined;
}

/** Milliseconds as `grpc-timeout` says them, never more than there are; at least a microsecond. */
export function grpcTimeout(ms: number): string {
  for (const [length, unit] of UNITS) {
    const value = Math.floor(ms / length);
    if (value <= MAX_VALUE) return `${Math.max(value, 1)}${unit}`;
  }
  return `${MAX_VALUE}H`;
}

/**
 * Sets the time that is left where the caller gave one: its own, or the one of the exchange where that is shorter.
 * Malformed ones are left to the upstream, which answers in its own words.
 */
export function shortenTimeout(fields: Fields, { dialect, head, record, deadlineAt }: Exchange, now: number): void {
  if (dialect.name === 'http') return;
  const connect = dialect.name === 'connect';
  const name = connect ? 'connect-timeout-ms' : 'grpc-timeout';
  const given = head.headers[name];
  if (typeof given !== 'string') return;
  const asked = connect ? parseConnectTimeout(given) : parseGrpcTimeout(given);
  if (asked === undefined) return;
  const left = Math.min(record.started + asked, deadlineAt ?? Number.POSITIVE_INFINITY) - now;
  setField(fields, name, connect ? String(Math.max(1, Math.floor(left))) : grpcTimeout(left));
}
