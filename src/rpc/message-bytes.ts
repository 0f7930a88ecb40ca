/** The first message in the body of an RPC, out of its frame, its text form and its compression. */

import { gunzipSync, inflateSync } from 'node:zlib';
import { mediaType } from '../core/media-type.ts';
import { MALFORMED } from './protobuf-field.ts';

const FRAME_HEAD_BYTES = 5;
const COMPRESSED = 1;

/** How the body of a call is written. */
export interface Coding {
  /** Messages have a head of five bytes: gRPC, gRPC-Web, Connect streams. */
  readonly framed: boolean;
  /** All of it is base64: gRPC-Web in text. */
  readonly text: boolean;
  readonly json: boolean;
}

/** How the body of a call is written, by its content type; undefined where it is none of an RPC. */
export function codingOf(contentType: string): Coding | undefined {
  const match = /^application\/(?:(grpc|grpc-web|grpc-web-text)(?:\+(proto|json))?|(connect\+)?(proto|json))$/.exec(
    mediaType(contentType),
  );
  if (match === null) return undefined;
  const [, grpc, grpcCodec, stream, connectCodec] = match;
  const framed = grpc !== undefined || stream !== undefined;
  return { framed, text: grpc === 'grpc-web-text', json: (grpcCodec ?? connectCodec) === 'json' };
}

/** Whether the first frame is here as a whole; of what has no frames, never before the end. */
export function hasFirstFrame(contentType: string, bytes: Buffer): boolean {
  const coding = codingOf(contentType);
  if (coding?.framed !== true || coding.text) return false;
  return bytes.length >= FRAME_HEAD_BYTES && bytes.length >= FRAME_HEAD_BYTES + bytes.readUInt32BE(1);
}

/** What was seen of a body, and how its head says that it is written. */
export interface Written {
  readonly contentType: string;
  /** `grpc-encoding`, `connect-content-encoding` or `content-encoding`; undefined for none. */
  readonly compression: string | undefined;
  readonly bytes: Buffer;
  readonly complete: boolean;
  /** A compressed message may become so large. */
  readonly maxBytes: number;
}

/**
 * The bytes of the message; MALFORMED where they are not all here or cannot be had, or where the content type is of no
 * RPC: how a server reads such a body is its own affair.
 */
export function messageBytes(written: Written): Buffer | typeof MALFORMED {
  const coding = codingOf(written.contentType);
  if (coding === undefined) return MALFORMED;
  const { compression, complete, maxBytes } = written;
  if (!coding.framed) return complete ? inflated(written.bytes, compression, maxBytes) : MALFORMED;
  let { bytes } = written;
  if (coding.text) {
    const decoded = complete ? fromBase64(bytes) : undefined;
    if (decoded === undefined) return MALFORMED;
    bytes = decoded;
  }
  if (bytes.length === 0 && complete) return bytes;
  if (bytes.length < FRAME_HEAD_BYTES) return MALFORMED;
  const [flags, length] = [bytes[0]!, bytes.readUInt32BE(1)];
  if (flags > COMPRESSED || bytes.length < FRAME_HEAD_BYTES + length) return MALFORMED;
  const message = bytes.subarray(FRAME_HEAD_BYTES, FRAME_HEAD_BYTES + length);
  if (flags !== COMPRESSED) return message;
  // A message that says it is compressed where nothing says how is refused by servers.
  return isNone(compression) ? MALFORMED : inflated(message, compression, maxBytes);
}

const isNone = (compression: string | undefined): boolean =>
  compression === undefined || /^\s*(?:identity\s*)?$/i.test(compression);

function inflated(bytes: Buffer, compression: string | undefined, maxBytes: number): Buffer | typeof MALFORMED {
  if (isNone(compression)) return bytes;
  try {
    switch (compression?.trim().toLowerCase()) {
      case 'gzip':
        return gunzipSync(bytes, { maxOutputLength: maxBytes });
      case 'deflate':
        return inflateSync(bytes, { maxOutputLength: maxBytes });
      default:
        return MALFORMED; // br and others are not known to ZITADEL either
    }
  } catch {
    return MALFORMED;
  }
}

/**
 * Base64 as gRPC-Web has it: pieces that may each be padded. Undefined for any other character: Node would pass over it,
 * and read what another decoder does not.
 */
function fromBase64(bytes: Buffer): Buffer | undefined {
  const text = bytes.toString('latin1').replace(/[\r\n]/g, '');
  if (text.length % 4 !== 0 || /[^A-Za-z0-9+/=]/.test(text)) return undefined;
  const pieces: Buffer[] = [];
  for (let at = 0; at < text.length; ) {
    const pad = text.indexOf('=', at);
    const end = pad === -1 ? text.length : text.startsWith('==', pad) ? pad + 2 : pad + 1;
    if (end % 4 !== 0) return undefined;
    pieces.push(Buffer.from(text.slice(at, end), 'base64'));
    at = end;
  }
  return Buffer.concat(pieces);
}
