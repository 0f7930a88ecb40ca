/** The fields by which gRPC and gRPC-Web say how a call went. */

import { GrpcStatus } from '../core/catalogue.ts';
import type { GatewayError } from '../core/errors.ts';
import type { Fields } from '../core/raw.ts';
import { detailsOf, rpcStatus, unpaddedBase64 } from './details.ts';
import { retryDelayMs } from './retry.ts';

/** The longest wait that a retry may sit out, in milliseconds. */
const MAX_PUSHBACK_MS = 10_000;

/** `grpc-message` as it goes on the wire: percent-encoded UTF-8 outside printable ASCII and for `%` itself. */
export function percentEncode(message: string): string {
  return message.toWellFormed().replace(/[^\x20-\x24\x26-\x7e]+/g, encodeURIComponent);
}

/**
 * The status of an error; https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md, "Responses".
 * Where it says when to come again, so does a google.rpc.RetryInfo, and the pushback that clients with a retry policy
 * obey, https://github.com/grpc/proposal/blob/master/A6-client-retries.md
 */
export function statusFields(error: GatewayError): Fields {
  const fields = plainStatusFields(error);
  const details = detailsOf(error);
  if (details.length > 0)
    fields.push('grpc-status-details-bin', unpaddedBase64(rpcStatus(error.row.grpc, error.message, details)));
  const delayMs = retryDelayMs(error);
  // A client with a retry policy waits for as long as it is told, up to its deadline, and then reports that (grpc-js
  // 1.14, grpc-go 1.85): a wait that no caller has is told as "do not send it again", and the error gets through.
  if (delayMs !== undefined) fields.push('grpc-retry-pushback-ms', delayMs > MAX_PUSHBACK_MS ? '-1' : String(delayMs));
  return fields;
}

/** The status of an error that ends a stream already begun: such a call is not sent again, so it has no wait. */
export function plainStatusFields(error: GatewayError): Fields {
  return ['grpc-status', String(error.row.grpc), 'grpc-message', percentEncode(error.message)];
}

/** A `grpc-status` that came from elsewhere: a known one as it is, anything else is UNKNOWN, as clients read it. */
export function knownStatus(value: string | undefined): string | undefined {
  if (value === undefined) return undefined;
  return /^(?:[0-9]|1[0-6])$/.test(value) ? value : String(GrpcStatus.UNKNOWN);
}
