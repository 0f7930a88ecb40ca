/** What a row of the catalogue says, and what most rows have in common. */

/** gRPC status codes, https://grpc.github.io/grpc/core/md_doc_statuscodes.html */
export const GrpcStatus = {
  OK: 0,
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
  UNAUTHENTICATED: 16,
} as const;

/** The level of a log line, as pino names it. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** One row of the catalogue. */
export interface ErrorRow {
  /** HTTP status in every dialect that has one. */
  readonly http: number;
  /** gRPC status for RPC dialects. */
  readonly grpc: number;
  /** gRPC status in REST bodies, where it differs from `grpc`. */
  readonly rest?: number;
  /** `error` of OAuth endpoints, RFC 6749 section 5.2. */
  readonly oauth: string;
  /** Whose doing it is. */
  readonly source: 'client' | 'gateway' | 'upstream';
  /** The same request may be sent again and may then succeed. */
  readonly retriable: boolean;
  /** It speaks against the endpoint it happened on; never true of what a client can cause. */
  readonly countsAgainstHealth: boolean;
  readonly level: LogLevel;
  /** What the caller is told. Never holds anything of the inside or of the request. */
  readonly message: string;
  /** What an operator does about it; for `docs/errors.md`. */
  readonly remedy: string;
}

/** A failure that the client caused. */
export const client = { source: 'client', retriable: false, countsAgainstHealth: false, level: 'info' } as const;
/** A failure of the upstream. */
export const upstream = { source: 'upstream', retriable: true, countsAgainstHealth: true, level: 'warn' } as const;
/** The gateway itself has no room or no time left: nothing that an endpoint did. */
export const unavailable = {
  ...upstream,
  source: 'gateway',
  http: 503,
  grpc: GrpcStatus.UNAVAILABLE,
  oauth: 'temporarily_unavailable',
  countsAgainstHealth: false,
} as const;
/** A request that breaks the rules of its protocol. */
export const malformed = { ...client, http: 400, grpc: GrpcStatus.INVALID_ARGUMENT, oauth: 'invalid_request' } as const;
