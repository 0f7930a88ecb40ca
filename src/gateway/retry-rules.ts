/** When a request of a route is sent again, compiled. What was certainly not processed may always be. */

import type { RetryOptions } from '../config/schema/retry.ts';
import { GrpcStatus } from '../core/error-row.ts';
import type { Exchange } from '../core/exchange.ts';
import { getField } from '../core/headers.ts';
import type { Fields } from '../core/raw.ts';
import { rpcPattern } from '../rpc/pattern.ts';
import type { RpcTable } from '../rpc/rpc-table.ts';
import type { AnswerHead } from './attempt.ts';

/** Why a request is sent again; a label of metrics. */
export type RetryReason =
  /** There was no session, or no room on one: nothing was sent. */
  | 'unsent'
  /** Refused, or above the last id of a GOAWAY. */
  | 'unprocessed'
  /** The connection was lost before an answer. */
  | 'connection_lost'
  /** No answer within `per_try_timeout_ms`. */
  | 'timeout'
  /** The answer's status, or its `grpc-status`. */
  | 'status'
  | 'grpc_status';

/** The rules of a route. */
export interface RetryRules {
  readonly attempts: number;
  readonly bodyBytes: number;
  readonly perTryTimeoutMs: number;
  /** The request may be processed twice and no harm is done. */
  idempotent(exchange: Exchange): boolean;
  /** Why an answer is none to be content with; undefined where it is. For idempotent requests. */
  discontent(exchange: Exchange, head: AnswerHead): RetryReason | undefined;
  /** Milliseconds to wait before the nth retry, where its endpoint was asked before. */
  backoffMs(retry: number): number;
  /** What an answer asks its sender to wait, in milliseconds; `never` where it wants no retry, or none that soon. */
  pushbackMs(fields: Fields): number | 'never' | undefined;
}

/** Compiles the rules; `random` gives numbers from 0 to below 1. */
export function retryRules(options: RetryOptions, rpcs: RpcTable, random: () => number): RetryRules {
  const methods = new Set<string>(options.methods);
  const statuses = new Set(options.statuses);
  const grpcStatuses = new Set(options.grpc_statuses.map((name) => String(GrpcStatus[name])));
  const tests = options.rpcs.map(rpcPattern);
  const { backoff_base_ms: baseMs, backoff_max_ms: maxMs } = options;

  return {
    attempts: options.attempts,
    bodyBytes: options.body_bytes,
    perTryTimeoutMs: options.per_try_timeout_ms,
    idempotent({ head }) {
      if (methods.has(head.method)) return true;
      if (tests.length === 0) return false;
      const call = rpcs.find(head.method, head.path);
      return call?.rpc !== undefined && tests.some((test) => test(call.name));
    },
    discontent({ dialect }, { status, fields }) {
      if (statuses.has(status)) return 'status';
      const said = dialect.outcome(fields, undefined);
      return said !== undefined && grpcStatuses.has(said) ? 'grpc_status' : undefined;
    },
    // Full jitter: those who failed together do not come back together.
    backoffMs: (retry) => random() * Math.min(maxMs, baseMs * 2 ** (retry - 1)),
    pushbackMs(fields) {
      const asked = pushback(fields);
      return typeof asked === 'number' && asked > maxMs ? 'never' : asked;
    },
  };
}

/**
 * `grpc-retry-pushback-ms` (gRFC A6: negative or malformed means never) or `Retry-After` in seconds; a date of it is a
 * second away at least, which is longer than a request is held up for.
 */
function pushback(fields: Fields): number | 'never' | undefined {
  const pushed = getField(fields, 'grpc-retry-pushback-ms');
  if (pushed !== undefined) return /^\d{1,9}$/.test(pushed) ? Number(pushed) : 'never';
  const after = getField(fields, 'retry-after');
  if (after !== undefined) return /^\d{1,6}$/.test(after) ? Number(after) * 1000 : 'never';
  return undefined;
}
