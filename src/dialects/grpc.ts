import type { Dialect } from '../core/exchange.ts';
import { getField } from '../core/headers.ts';
import { corsHeaders } from './cors.ts';
import type { FinalFrame } from './frames.ts';
import { knownStatus, plainStatusFields, statusFields } from './grpc-status.ts';
import { GRPC, isType, mediaType } from './media-type.ts';
import { refusalHeaders } from './refusal.ts';

/** gRPC streams end by trailers: no frame is the last. */
export const grpcFinal: FinalFrame = { flag: 0, outcome: () => undefined };

/**
 * gRPC: the HTTP status is always 200, how it went stands in `grpc-status`. With any other HTTP status the same
 * `grpc-status` is a different code in each client. Over HTTP/1.1 there is no gRPC: http answers there.
 */
export const grpc: Dialect = {
  name: 'grpc',
  matches: (head) => head.httpVersionMajor >= 2 && head.method === 'POST' && isType(mediaType(head.contentType), GRPC),
  // One HEADERS frame that ends the stream ("Trailers-Only"): a refusal has no message to come before the trailers.
  refuse(context) {
    const headers = { ...refusalHeaders(context, 200, GRPC), ...corsHeaders(context.head) };
    const fields = statusFields(context.error);
    for (let i = 0; i < fields.length; i += 2) headers[fields[i]!] = fields[i + 1]!;
    return { status: 200, headers, body: null };
  },
  endWith: plainStatusFields,
  outcome: (fields, trailers) =>
    knownStatus((trailers && getField(trailers, 'grpc-status')) ?? getField(fields, 'grpc-status')),
};
