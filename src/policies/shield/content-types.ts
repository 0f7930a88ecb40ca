/** Whether the media type of a body fits the path. Refused is only what ZITADEL can never take. */

import type { Exchange } from '../../core/exchange.ts';
import { mediaType } from '../../dialects/media-type.ts';

/**
 * What RPC paths take: gRPC and gRPC-Web of every service, Connect (unary JSON and proto, streams) of v2. A Connect call
 * of a v1 service goes on: ZITADEL has the answer for it, a 404 in JSON.
 */
const RPC_TYPE = /^application\/(?:grpc(?:-web(?:-text)?)?(?:\+[\w.-]+)?|proto|json|connect\+[\w.-]+)$/;
/** RPCs of ZITADEL and those that grpc-go brings, health and reflection. */
const RPC_PATH = /^\/(?:zitadel|grpc)\.[^/]+\/[^/]+$/i;

/** Whether the request has a body, or may have one. */
function hasBody({ raw, head }: Exchange): boolean {
  return !raw.stream.ended && head.headers['content-length'] !== '0';
}

/** What is wrong with the media type of the body, or undefined. `path` is what the upstream gets. */
export type ContentTypeCheck = (exchange: Exchange, path: string) => string | undefined;

/** Compiles the list of media types of a route; empty for any. */
export function contentTypeCheck(types: readonly string[]): ContentTypeCheck {
  const exact = new Set(types);
  const families = types.filter((type) => type.endsWith('/*')).map((type) => type.slice(0, -1));
  return (exchange, path) => {
    if (exchange.head.method === 'POST' && RPC_PATH.test(path)) {
      const type = mediaType(exchange.head.contentType);
      if (RPC_TYPE.test(type) || !hasBody(exchange)) return undefined;
      return `${type === '' ? 'no Content-Type' : type} on an RPC`;
    }
    if (types.length === 0) return undefined;
    const type = mediaType(exchange.head.contentType);
    // Without a type the receiver decides what the body is, RFC 9110 section 8.3.
    if (type === '' || exact.has(type) || families.some((family) => type.startsWith(family))) return undefined;
    return hasBody(exchange) ? `${type}, expected ${types.join(' or ')}` : undefined;
  };
}
