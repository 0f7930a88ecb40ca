import { CATALOGUE, GrpcStatus } from '../core/catalogue.ts';
import type { GatewayError } from '../core/errors.ts';
import type { Dialect, RequestHead } from '../core/exchange.ts';
import { corsHeaders } from './cors.ts';
import { detailsOf, unpaddedBase64 } from './details.ts';
import { type FinalFrame, frame } from './frames.ts';
import { CONNECT_STREAM, mediaType } from './media-type.ts';
import { refusalHeaders } from './refusal.ts';

/** Name and HTTP status of each gRPC code, https://connectrpc.com/docs/protocol#error-codes */
const CODES: readonly (readonly [name: string, status: number])[] = [
  ['ok', 200],
  ['canceled', 499],
  ['unknown', 500],
  ['invalid_argument', 400],
  ['deadline_exceeded', 504],
  ['not_found', 404],
  ['already_exists', 409],
  ['permission_denied', 403],
  ['resource_exhausted', 429],
  ['failed_precondition', 400],
  ['aborted', 409],
  ['out_of_range', 400],
  ['unimplemented', 501],
  ['internal', 500],
  ['unavailable', 503],
  ['data_loss', 500],
  ['unauthenticated', 401],
];

/** HTTP statuses that say more than the code's own; clients read the code from the body and are not misled. */
const KEPT: ReadonlySet<number> = new Set([
  CATALOGUE.BODY_TOO_LARGE.http,
  CATALOGUE.URL_TOO_LONG.http,
  CATALOGUE.BAD_CONTENT_TYPE.http,
  CATALOGUE.HEADERS_TOO_LARGE.http,
]);

/** The last message of a Connect stream, marked in the flags of its envelope. */
const END_STREAM = 0x02;

/** `/<package>.<Service>/<Method>`, also behind a base path that the client was given. */
const RPC_PATH = /\/(?:\w+\.)+\w+\/\w+$/;
/** The services of ZITADEL that speak Connect: v2 and its betas; v1 does not. */
const V2_RPC_PATH = /\/zitadel\.(?:\w+\.)+v2\w*\.\w+\/\w+$/;

/** How Connect ends a stream: JSON that has an `error`, or has none when all went well. */
export const connectFinal: FinalFrame = { flag: END_STREAM, outcome: endStreamOutcome };

/**
 * Connect, https://connectrpc.com/docs/protocol: a unary error has the HTTP status of its code and a body in JSON, also
 * for calls in proto; a stream has status 200 and says its error in the last envelope.
 */
export const connect: Dialect = {
  name: 'connect',
  matches(head) {
    if (head.method !== 'POST') return false;
    const type = mediaType(head.contentType);
    if (type === 'application/json')
      return (
        V2_RPC_PATH.test(head.path) ||
        (head.headers['connect-protocol-version'] !== undefined && RPC_PATH.test(head.path))
      );
    return type === 'application/proto' || streams(type);
  },
  refuse(context) {
    const { error, head } = context;
    const type = mediaType(head.contentType);
    if (streams(type)) {
      const headers = { ...refusalHeaders(context, 200, echoed(type)), ...corsHeaders(head) };
      return { status: 200, headers, body: endStream(error) };
    }
    const status = KEPT.has(error.row.http) ? error.row.http : CODES[error.row.grpc]![1];
    const headers = { ...refusalHeaders(context, status, 'application/json'), ...corsHeaders(head) };
    return { status, headers, body: JSON.stringify(errorBody(error)) };
  },
  endWith: () => undefined,
  endFrame: (error, head: RequestHead) => (streams(mediaType(head.contentType)) ? endStream(error) : undefined),
  // Connect has no `grpc-status`: unary errors stand in the body, those of streams in the last envelope.
  outcome: () => undefined,
};

function streams(type: string): boolean {
  return type.startsWith(CONNECT_STREAM) && type.length > CONNECT_STREAM.length;
}

/** The type of the request as the answer's; a codec that cannot be one is not repeated. */
function echoed(type: string): string {
  return /^[a-z0-9][a-z0-9.-]{0,31}$/.test(type.slice(CONNECT_STREAM.length)) ? type : `${CONNECT_STREAM}json`;
}

/** The error as Connect writes it; `code` must be the name: a number is read as no code at all. */
function errorBody(error: GatewayError): Record<string, unknown> {
  const details = detailsOf(error).map(({ type, value }) => ({ type, value: unpaddedBase64(value) }));
  return {
    code: CODES[error.row.grpc]![0],
    message: error.message,
    ...(details.length > 0 && { details }),
  };
}

function endStream(error: GatewayError): Buffer {
  return frame(END_STREAM, JSON.stringify({ error: errorBody(error), metadata: {} }));
}

function endStreamOutcome(payload: Buffer): string | undefined {
  let end: unknown;
  try {
    end = JSON.parse(payload.toString('utf8'));
  } catch {
    return undefined;
  }
  if (typeof end !== 'object' || end === null) return undefined;
  const { error } = end as { error?: { code?: unknown } | null };
  if (error === undefined || error === null) return String(GrpcStatus.OK);
  const status = CODES.findIndex(([name]) => name === error.code);
  return String(status > 0 ? status : GrpcStatus.UNKNOWN);
}
