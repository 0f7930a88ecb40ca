import type { Dialect } from '../core/exchange.ts';
import { getField } from '../core/headers.ts';
import type { Fields } from '../core/raw.ts';
import { corsHeaders } from './cors.ts';
import { type FinalFrame, frame } from './frames.ts';
import { knownStatus, plainStatusFields, statusFields } from './grpc-status.ts';
import { GRPC_WEB, GRPC_WEB_TEXT, isType, mediaType } from './media-type.ts';
import { refusalHeaders } from './refusal.ts';

/** The trailers of gRPC-Web are the last frame of the body, marked by the highest bit of its flags. */
const TRAILERS = 0x80;

/** How gRPC-Web ends a stream: lines of `name: value`. */
export const grpcWebFinal: FinalFrame = {
  flag: TRAILERS,
  outcome: (payload) => knownStatus(/^grpc-status:[ \t]*(\S*)/im.exec(payload.toString('latin1'))?.[1]),
};

/**
 * gRPC-Web, binary and text, over any version of HTTP: status 200, and the trailers as a frame of the body, which
 * scripts of other origins can read without `Access-Control-Expose-Headers`.
 * https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-WEB.md
 */
export const grpcWeb: Dialect = {
  name: 'grpc-web',
  matches(head) {
    if (head.method !== 'POST') return false;
    const type = mediaType(head.contentType);
    return isType(type, GRPC_WEB) || isType(type, GRPC_WEB_TEXT);
  },
  refuse(context) {
    const type = mediaType(context.head.contentType);
    const trailers = trailersFrame(statusFields(context.error));
    return {
      status: 200,
      headers: { ...refusalHeaders(context, 200, echoed(type)), ...corsHeaders(context.head) },
      body: isType(type, GRPC_WEB_TEXT) ? trailers.toString('base64') : trailers,
    };
  },
  endWith: () => undefined,
  // Text stands in groups of four characters whose state is not followed here: there only a reset is safe.
  endFrame: (error, head) =>
    isType(mediaType(head.contentType), GRPC_WEB_TEXT) ? undefined : trailersFrame(plainStatusFields(error)),
  outcome: (fields) => knownStatus(getField(fields, 'grpc-status')),
};

function trailersFrame(fields: Fields): Buffer {
  let lines = '';
  for (let i = 0; i < fields.length; i += 2) lines += `${fields[i]}: ${fields[i + 1]}\r\n`;
  return frame(TRAILERS, lines);
}

/** The type of the request as the answer's: only its known part, should the codec after the plus be nonsense. */
function echoed(type: string): string {
  if (/\+(?:proto|json|thrift)$/.test(type)) return type;
  return type.startsWith(GRPC_WEB_TEXT) ? GRPC_WEB_TEXT : GRPC_WEB;
}
