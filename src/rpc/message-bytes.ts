/** The first message in the body of an RPC, out of its frame, its text form and its compression. */

import { gunzipSync, inflateSync } from 'node:zlib';
import { MALFORMED } from './protobuf-field.ts';

const FRAME_HEAD_BYTES = 5;

/** How the body of a call is written, by its content type; undefined where it is none of an RPC. */
export function codingOf(
  contentType: string,
): { readonly framed: boolean; readonly text: boolean; readonly json: boolean } | undefined {
  const type = contentType.split(';', 1)[0]!.trim().toLowerCase();
  const match = /^application\/(grpc(?:-web(?:-text)?)?|connect\+(?=json|proto))?(?:\+?(proto|json))?$/.exec(type);
  if (match === null || (match[1] === undefined && match[2] === undefined)) return undefined;
  const framed = match[1] !== undefined;
  return { framed, text: match[1] === 'grpc-web-text', json: match[2] === 'json' };
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

/** The bytes of the message; MALFORMED where they are not all here or cannot be had. */
export function messageBytes(written: Written): Buffer | typeof MALFORMED {
  const coding = codingOf(written.contentType);
  let { bytes } = written;
  if (coding?.framed !== true) return written.complete ? inflated(bytes, written.compression, written) : MALFORMED;
  if (coding.text) {
    if (!written.complete) return MALFORMED;
    bytes = Buffer.from(bytes.toString('latin1'), 'base64');
  }
  if (bytes.length === 0 && written.complete) return bytes;
  if (bytes.length < FRAME_HEAD_BYTES) return MALFORMED;
  const length = bytes.readUInt32BE(1);
  if (bytes.length < FRAME_HEAD_BYTES + length) return MALFORMED;
  const message = bytes.subarray(FRAME_HEAD_BYTES, FRAME_HEAD_BYTES + length);
  return (bytes[0]! & 1) === 0 ? message : inflated(message, written.compression, written);
}

function inflated(bytes: Buffer, compression: string | undefined, { maxBytes }: Written): Buffer | typeof MALFORMED {
  try {
    switch (compression?.trim().toLowerCase()) {
      case undefined:
      case '':
      case 'identity':
        return bytes;
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
