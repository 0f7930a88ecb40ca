/** What an answer says of the endpoint that gave it. */

import { GrpcStatus } from '../../core/error-row.ts';
import { getField } from '../../core/headers.ts';
import type { Fields } from '../../core/raw.ts';

/**
 * `success`: it did its work, whatever it said. `failure`: it could not, and another one might: a gateway's status, or
 * UNAVAILABLE. `error`: it broke on this request; one alone says little, more of them than others have say much.
 */
export type Outcome = 'success' | 'failure' | 'error';

/** RPC streams whose end is in the body, where nobody looks. */
const STATUS_IN_BODY = /^application\/(?:grpc-web|connect\+)/;

/**
 * What the head of an answer says; undefined where only the end will say it. `callersDeadline`: the caller said how long
 * it may take, so that a 504 may be the caller's doing and speaks against nobody.
 */
export function headOutcome(fields: Fields, ended: boolean, callersDeadline: boolean): Outcome | undefined {
  const status = Number(fields[1]);
  if (status === 504 && callersDeadline) return undefined;
  if (status >= 502 && status <= 504) return 'failure';
  // 501, 505 and the like are answers to what was asked for.
  if (status === 500) return 'error';
  const type = getField(fields, 'content-type') ?? '';
  const said = getField(fields, 'grpc-status');
  if (said !== undefined) return grpcOutcome(said, callersDeadline);
  if (!ended && type.startsWith('application/grpc') && !type.startsWith('application/grpc-web')) return undefined;
  return STATUS_IN_BODY.test(type) ? undefined : 'success';
}

/** What the trailers of an answer say, where its head did not. */
export function endOutcome(trailers: Fields | undefined, callersDeadline: boolean): Outcome | undefined {
  const said = trailers && getField(trailers, 'grpc-status');
  return said === undefined ? undefined : grpcOutcome(said, callersDeadline);
}

function grpcOutcome(said: string, callersDeadline: boolean): Outcome | undefined {
  switch (Number(said)) {
    case GrpcStatus.UNAVAILABLE:
      return 'failure';
    case GrpcStatus.DEADLINE_EXCEEDED:
      return callersDeadline ? undefined : 'error';
    case GrpcStatus.INTERNAL:
    case GrpcStatus.UNKNOWN:
    case GrpcStatus.DATA_LOSS:
      return 'error';
    default:
      return 'success';
  }
}
