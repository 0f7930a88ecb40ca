export { mediaType } from '../core/media-type.ts';

/** Whether a media type is `base` itself or `base` with a suffix: `application/grpc`, `application/grpc+proto`. */
export function isType(type: string, base: string): boolean {
  return type.startsWith(base) && (type.length === base.length || type.charCodeAt(base.length) === 0x2b);
}

/** The native gRPC media type; with `+proto`, `+json` and other codecs. */
export const GRPC = 'application/grpc';
/** The gRPC-Web media type whose body is bytes; with `+proto` and `+json`. */
export const GRPC_WEB = 'application/grpc-web';
/** The gRPC-Web media type whose body is base64; with `+proto`. */
export const GRPC_WEB_TEXT = 'application/grpc-web-text';
/** What the media types of Connect streams begin with; a codec follows. */
export const CONNECT_STREAM = 'application/connect+';
