/** The rows of the catalogue for requests that are not admitted: too many, from the wrong address, of the wrong kind. */

import { client, type ErrorRow, GrpcStatus, malformed, unavailable } from './error-row.ts';

/** The rows by their codes; part of `CATALOGUE`. */
export const ADMISSION_ERRORS = {
  TOO_MANY_REQUESTS: {
    ...client,
    http: 429,
    grpc: GrpcStatus.RESOURCE_EXHAUSTED,
    oauth: 'temporarily_unavailable',
    retriable: true,
    message: 'Too many requests.',
    remedy: 'A rate limit refused the request; the log line names it.',
  },
  TOO_MANY_IN_FLIGHT: {
    ...client,
    http: 429,
    grpc: GrpcStatus.RESOURCE_EXHAUSTED,
    oauth: 'temporarily_unavailable',
    retriable: true,
    message: 'Too many requests at once.',
    remedy: 'A `concurrency_limit` of the route refused the request; the log line names it.',
  },
  BANNED: {
    ...client,
    http: 429,
    grpc: GrpcStatus.RESOURCE_EXHAUSTED,
    oauth: 'temporarily_unavailable',
    message: 'Too many requests: wait before you try again.',
    remedy:
      'A rate limit with a `ban` was exceeded again and again; the log line names it. /bans of the admin listener lists bans and lifts them.',
  },
  OVERLOADED: {
    ...unavailable,
    level: 'info',
    message: 'There are too many requests at the moment.',
    remedy:
      'The upstream answers slower than usual (`adaptive_concurrency`), or the gateway itself is late or short of memory (`overload`); the log line `overloaded` says which. Give it more cores or pods.',
  },
  LIMITER_UNAVAILABLE: {
    ...unavailable,
    message: 'The request cannot be admitted at the moment.',
    remedy: 'The server of `limiter.shared` does not answer and `limiter.shared.on_error` is `deny`.',
  },
  ADDRESS_REFUSED: {
    ...client,
    http: 403,
    grpc: GrpcStatus.PERMISSION_DENIED,
    oauth: 'access_denied',
    message: 'This address is not allowed here.',
    remedy: 'An `ip_rules` of the config or of the route refused the client address; the log line names it.',
  },
  RPC_REFUSED: {
    ...client,
    http: 403,
    grpc: GrpcStatus.PERMISSION_DENIED,
    oauth: 'access_denied',
    message: 'This call is not open to you.',
    remedy: 'A rule of `shield.rpcs` refused the RPC or its REST path; the log line names it.',
  },
  UNKNOWN_RPC: {
    ...client,
    http: 404,
    grpc: GrpcStatus.UNIMPLEMENTED,
    rest: GrpcStatus.NOT_FOUND,
    oauth: 'invalid_request',
    message: 'This call does not exist.',
    remedy:
      'The RPC is in no service definition that the gateway knows and `shield.unknown_rpc` is `refuse`. With a newer ZITADEL set it to `forward`.',
  },
  UNSUPPORTED_CONTENT_TYPE: {
    ...malformed,
    http: 415,
    message: 'The Content-Type does not fit this path.',
    remedy: 'The route takes other content types, see `shield.content_types`. Correct the client.',
  },
  BAD_MESSAGE: {
    ...malformed,
    message: 'A message of the request is malformed.',
    remedy:
      'The body of an RPC has an impossible frame, one larger than `shield.max_message_bytes`, or ends inside one. Correct the client.',
  },
} as const satisfies Record<string, ErrorRow>;
