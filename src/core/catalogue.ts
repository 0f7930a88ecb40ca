/**
 * The catalogue: every way in which the gateway itself says no or gives up. All that follows from a failure stands in
 * its row; the words for a caller are made in `dialects/`. `docs/errors.md` is compared with this file both ways.
 */

import { ADMISSION_ERRORS } from './admission-errors.ts';
import { client, type ErrorRow, GrpcStatus, malformed, unavailable, upstream } from './error-row.ts';

export { type ErrorRow, GrpcStatus, type LogLevel } from './error-row.ts';

/** The rows of all errors by their codes. */
export const CATALOGUE = {
  BAD_PATH: {
    ...malformed,
    message: 'The request path is malformed.',
    remedy:
      'The path has a dot segment, an empty segment, a backslash, a NUL, a fragment, bad percent-encoding, or an encoded slash where it would change the route. Correct the client.',
  },
  BAD_AUTHORITY: {
    ...malformed,
    message: 'The Host of the request is missing, malformed or contradictory.',
    remedy:
      ':authority and Host differ, there are several Host fields, or an absolute request target names another host. Correct the client; it may be an attack.',
  },
  BAD_HEADER: {
    ...malformed,
    message: 'A header field of the request is malformed.',
    remedy: 'A field value holds control characters, or a field that may occur once occurs twice. Correct the client.',
  },
  BAD_FORWARDED: {
    ...malformed,
    message: 'The forwarding headers of the request are malformed.',
    remedy:
      'A trusted proxy sent X-Forwarded-For, Forwarded or PROXY protocol that does not parse. Correct the proxy in front.',
  },
  BAD_CONTENT_TYPE: {
    ...malformed,
    http: 415,
    message: 'The Content-Type of the request is malformed.',
    remedy: 'The Content-Type is not type/subtype with parameters. Correct the client.',
  },
  HEADERS_TOO_LARGE: {
    ...client,
    http: 431,
    grpc: GrpcStatus.RESOURCE_EXHAUSTED,
    oauth: 'invalid_request',
    message: 'The header fields of the request are too large.',
    remedy: 'Raise `limits.max_header_bytes` or `limits.max_header_count` if the client is right.',
  },
  URL_TOO_LONG: {
    ...client,
    http: 414,
    grpc: GrpcStatus.RESOURCE_EXHAUSTED,
    oauth: 'invalid_request',
    message: 'The request URL is too long.',
    remedy: 'Raise `limits.max_url_bytes` if the client is right. SAML redirects need about 16 KiB.',
  },
  BODY_TOO_LARGE: {
    ...client,
    http: 413,
    grpc: GrpcStatus.RESOURCE_EXHAUSTED,
    oauth: 'invalid_request',
    message: 'The request body is too large.',
    remedy: 'Raise `body_limit.max_bytes` of the route if the client is right.',
  },
  UNKNOWN_HOST: {
    ...client,
    http: 404,
    grpc: GrpcStatus.NOT_FOUND,
    oauth: 'invalid_request',
    message: 'This host is not served here.',
    remedy: 'Add the host to `hosts` if it is a domain of a ZITADEL instance.',
  },
  NO_ROUTE: {
    ...client,
    http: 404,
    grpc: GrpcStatus.UNIMPLEMENTED,
    rest: GrpcStatus.NOT_FOUND,
    oauth: 'invalid_request',
    message: 'Not Found',
    remedy: 'No route matches. `gatehouse explain` shows what does.',
  },
  METHOD_NOT_ALLOWED: {
    ...client,
    http: 405,
    grpc: GrpcStatus.UNIMPLEMENTED,
    oauth: 'invalid_request',
    message: 'Method Not Allowed',
    remedy: 'The path is served, but not with this method. Allow lists the methods.',
  },
  INTERNAL_ROUTE: {
    ...client,
    http: 403,
    grpc: GrpcStatus.PERMISSION_DENIED,
    oauth: 'access_denied',
    message: 'This path is not open on this listener.',
    remedy:
      'The route is internal. Name its group in `open` of the preset if it must be reachable, with `open_on` on which listeners.',
  },
  TRUST_REFUSED: {
    ...client,
    http: 403,
    grpc: GrpcStatus.PERMISSION_DENIED,
    oauth: 'access_denied',
    level: 'warn',
    message: 'This address may not use this listener.',
    remedy:
      'The peer is not in `allow` of a listener with `trust: internal`. Add its network or use the public listener.',
  },
  EXPECTATION_FAILED: {
    ...client,
    http: 417,
    grpc: GrpcStatus.INVALID_ARGUMENT,
    oauth: 'invalid_request',
    message: 'The expectation given in Expect cannot be met.',
    remedy: 'Only 100-continue is known. Correct the client.',
  },
  REQUEST_TIMEOUT: {
    ...client,
    http: 408,
    grpc: GrpcStatus.DEADLINE_EXCEEDED,
    oauth: 'invalid_request',
    message: 'The request did not arrive in time.',
    remedy: 'The client sent its header or body too slowly: see `limits.header_timeout_ms` and `limits.body_idle_ms`.',
  },
  CLIENT_LEFT: {
    ...client,
    http: 499,
    grpc: GrpcStatus.CANCELLED,
    oauth: 'invalid_request',
    message: 'The client went away.',
    remedy: 'Nothing: the client cancelled or lost its connection before the answer was complete.',
  },
  CLIENT_STALLED: {
    ...client,
    http: 499,
    grpc: GrpcStatus.CANCELLED,
    oauth: 'invalid_request',
    message: 'The client stopped reading.',
    remedy: 'The client took no data for `limits.write_idle_ms`; its stream was reset.',
  },
  CONNECT_FAILED: {
    ...upstream,
    http: 502,
    grpc: GrpcStatus.UNAVAILABLE,
    oauth: 'server_error',
    message: 'The upstream cannot be reached.',
    remedy:
      'The endpoint refused the connection, is unknown or unreachable. Check the address, the pod and the network policy.',
  },
  CONNECT_TIMEOUT: {
    ...upstream,
    http: 504,
    grpc: GrpcStatus.UNAVAILABLE,
    oauth: 'server_error',
    message: 'The upstream did not accept a connection in time.',
    remedy:
      'No TCP, TLS or HTTP/2 handshake within `connect_timeout_ms`. Check the endpoint; raise it only for far networks.',
  },
  UPSTREAM_TLS: {
    ...upstream,
    http: 502,
    grpc: GrpcStatus.UNAVAILABLE,
    oauth: 'server_error',
    retriable: false,
    level: 'error',
    message: 'The upstream cannot be reached securely.',
    remedy: 'The certificate of the endpoint does not verify. Set `tls.ca_file` or `tls.server_name` of the upstream.',
  },
  NOT_CACHED: {
    ...client,
    http: 504,
    grpc: GrpcStatus.UNAVAILABLE,
    oauth: 'invalid_request',
    message: 'There is no stored answer.',
    remedy:
      'The request has Cache-Control: only-if-cached, RFC 9111 section 5.2.1.7, and the cache has nothing that may answer it.',
  },
  UPSTREAM_RESET: {
    ...upstream,
    http: 502,
    grpc: GrpcStatus.UNAVAILABLE,
    oauth: 'server_error',
    message: 'The upstream closed the exchange before it answered.',
    remedy: 'The endpoint reset the stream or lost its connection before an answer. Look at the log of the pod.',
  },
  UPSTREAM_REFUSED: {
    ...upstream,
    http: 503,
    grpc: GrpcStatus.UNAVAILABLE,
    oauth: 'temporarily_unavailable',
    message: 'The upstream refused the request without processing it.',
    remedy: 'The endpoint answered REFUSED_STREAM or is shutting down, and so did the one tried after it.',
  },
  UPSTREAM_CUT: {
    ...upstream,
    http: 502,
    grpc: GrpcStatus.UNAVAILABLE,
    oauth: 'server_error',
    message: 'The upstream stopped in the middle of its answer.',
    remedy: 'The answer was cut after its head; the client saw a reset or grpc-status 14. Look at the log of the pod.',
  },
  UPSTREAM_PROTOCOL: {
    ...upstream,
    http: 502,
    grpc: GrpcStatus.INTERNAL,
    oauth: 'server_error',
    retriable: false,
    countsAgainstHealth: false,
    message: 'The upstream sent an answer that cannot be passed on.',
    remedy:
      'The answer breaks HTTP. Check that `protocol` of the upstream is right: h2c for ZITADEL, http/1.1 for Login v2.',
  },
  NO_ENDPOINT: {
    ...upstream,
    http: 503,
    grpc: GrpcStatus.UNAVAILABLE,
    oauth: 'temporarily_unavailable',
    countsAgainstHealth: false,
    level: 'error',
    message: 'No upstream is available.',
    remedy: 'The upstream of the route has no endpoint that may be used. See /upstreams of the admin listener.',
  },
  UPSTREAM_BUSY: {
    ...upstream,
    http: 503,
    grpc: GrpcStatus.UNAVAILABLE,
    oauth: 'temporarily_unavailable',
    countsAgainstHealth: false,
    message: 'The upstream is busy.',
    remedy:
      'All that an endpoint may have open is in use and the queue before it is full, or the request waited `pending_timeout_ms` in it: see `max_streams`, `max_sessions` and `max_pending` of the upstream.',
  },
  UPSTREAM_TIMEOUT: {
    ...upstream,
    http: 504,
    grpc: GrpcStatus.DEADLINE_EXCEEDED,
    oauth: 'server_error',
    message: 'The upstream did not answer in time.',
    remedy: 'An attempt had no answer within `retry.per_try_timeout_ms`, and there was no other endpoint after it.',
  },
  DEADLINE_EXCEEDED: {
    ...upstream,
    http: 504,
    grpc: GrpcStatus.DEADLINE_EXCEEDED,
    oauth: 'server_error',
    countsAgainstHealth: false,
    message: 'The deadline passed before the answer was complete.',
    remedy:
      'The deadline of the caller or of the route passed. Raise `deadline.total_ms` of the route if the call may be slow.',
  },
  DRAINING: {
    ...unavailable,
    level: 'info',
    message: 'The gateway is shutting down.',
    remedy: 'Nothing: the exchange was still open at the end of `shutdown.timeout_ms`.',
  },
  ...ADMISSION_ERRORS,
  UNAUTHORIZED: {
    ...client,
    http: 401,
    grpc: GrpcStatus.UNAUTHENTICATED,
    oauth: 'invalid_client',
    message: 'A valid bearer token is needed.',
    remedy: 'Admin listener: send the token of `admin.token` as Authorization: Bearer.',
  },
  DEFECT: {
    http: 500,
    grpc: GrpcStatus.INTERNAL,
    oauth: 'server_error',
    source: 'gateway',
    retriable: false,
    countsAgainstHealth: false,
    level: 'error',
    message: 'The gateway failed.',
    remedy: 'A defect of the gateway. Report the log line with its stack.',
  },
} as const satisfies Record<string, ErrorRow>;

/** The codes of the catalogue. */
export type ErrorCode = keyof typeof CATALOGUE;
