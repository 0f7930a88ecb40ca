/** The dialects: the first that matches wins, http takes the rest. */

import type { Dialect, RequestHead } from '../core/exchange.ts';
import { getField } from '../core/headers.ts';
import type { Fields } from '../core/raw.ts';
import { connect, connectFinal } from './connect.ts';
import { FrameWatcher } from './frames.ts';
import { grpc, grpcFinal } from './grpc.ts';
import { grpcWeb, grpcWebFinal } from './grpc-web.ts';
import { http } from './http.ts';
import { CONNECT_STREAM, GRPC, GRPC_WEB, isType, mediaType } from './media-type.ts';

/** All dialects, in the order in which they are asked. */
export const DIALECTS = [grpcWeb, grpc, connect, http] as const satisfies readonly Dialect[];

/** The dialect of a request. A CORS preflight is http, as is everything that is not a POST: RPCs are POSTs. */
export function dialectOf(head: RequestHead): Dialect {
  for (const dialect of DIALECTS) if (dialect.matches(head)) return dialect;
  return http;
}

/**
 * A watcher for the body of an answer with these fields, or undefined where it has no frames that a relay can follow:
 * any other type, gRPC-Web text, and bodies that are encoded as a whole.
 */
export function watchFrames(fields: Fields): FrameWatcher | undefined {
  const encoding = getField(fields, 'content-encoding');
  if (encoding !== undefined && encoding !== 'identity') return undefined;
  const type = mediaType(getField(fields, 'content-type') ?? '');
  if (isType(type, GRPC)) return new FrameWatcher(grpcFinal);
  if (isType(type, GRPC_WEB)) return new FrameWatcher(grpcWebFinal);
  if (type.startsWith(CONNECT_STREAM)) return new FrameWatcher(connectFinal);
  return undefined;
}
