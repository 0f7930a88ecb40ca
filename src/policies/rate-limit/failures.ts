/** What an exchange came to, as limits that count failures see it. */

import type { ErrorCode } from '../../core/catalogue.ts';
import type { AccessRecord } from '../../core/exchange.ts';
import type { LimitOptions } from './options.ts';

/** Failures after which the upstream has certainly done nothing with the request. */
const NOT_PROCESSED: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'CONNECT_FAILED',
  'CONNECT_TIMEOUT',
  'UPSTREAM_TLS',
  'UPSTREAM_REFUSED',
  'NO_ENDPOINT',
]);

/** How a request ended. `unknown`: it was sent, and nobody saw its answer; whoever leaves early gains nothing by it. */
export type Ending = 'success' | 'failure' | 'unknown' | 'unsent';

/** Makes the test of a limit. */
export function failureTest({ statuses, grpc_statuses }: LimitOptions['failures']): (record: AccessRecord) => Ending {
  const single = new Set(statuses.filter((status) => !status.endsWith('xx')).map(Number));
  const classes = new Set(statuses.filter((status) => status.endsWith('xx')).map((status) => Number(status[0])));
  const grpc = new Set(grpc_statuses.map(String));
  return ({ attempts, error, answeredBy, status, grpcStatus }) => {
    if (attempts === 0 || (error !== undefined && NOT_PROCESSED.has(error.code))) return 'unsent';
    if (error !== undefined || answeredBy !== 'upstream') return 'unknown';
    if (single.has(status) || classes.has(Math.floor(status / 100))) return 'failure';
    return grpcStatus !== undefined && grpc.has(grpcStatus) ? 'failure' : 'success';
  };
}
