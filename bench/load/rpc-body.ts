/** The body of an RPC answer, taken apart: messages, and the status that some forms carry inside. */

import type { AnswerForm } from './plan.ts';

const PREFIX_BYTES = 5;
/** The flag of a frame that ends a gRPC-Web body with trailers. */
const WEB_TRAILERS = 0x80;

/** What a body was found to be. */
export interface RpcBody {
  readonly messages: number;
  /** Of a trailer frame; undefined where there is none. */
  readonly grpcStatus: string | undefined;
  /** Every frame is whole, and a trailer frame, if any, is the last. */
  readonly whole: boolean;
}

/** Reads length-prefixed messages; `grpc-web-text` is base64, which may be padded in the middle. */
export function readRpcBody(form: AnswerForm, body: Buffer): RpcBody {
  const bytes = form === 'grpc-web-text' ? fromText(body.toString('latin1')) : body;
  let [at, messages] = [0, 0];
  let grpcStatus: string | undefined;
  while (at + PREFIX_BYTES <= bytes.length) {
    const end = at + PREFIX_BYTES + bytes.readUInt32BE(at + 1);
    if (end > bytes.length) break;
    if (form !== 'grpc' && (bytes[at]! & WEB_TRAILERS) !== 0) {
      const text = bytes.toString('latin1', at + PREFIX_BYTES, end);
      grpcStatus = /^grpc-status:\s*(\d+)/im.exec(text)?.[1];
      return { messages, grpcStatus, whole: end === bytes.length };
    }
    messages += 1;
    at = end;
  }
  return { messages, grpcStatus, whole: at === bytes.length };
}

function fromText(text: string): Buffer {
  // Each piece that was sent alone may have its own padding: "AAAA==BBBB".
  const pieces = text.match(/[^=]+=*/g) ?? [];
  return Buffer.concat(pieces.map((piece) => Buffer.from(piece, 'base64')));
}
