/**
 * Checks the frames of a request's body while they pass: a byte of flags, a length of four bytes, the payload
 * (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md, https://connectrpc.com/docs/protocol). Constant
 * memory; nothing is held back: what is wrong is said when it is seen.
 */

import { CONNECT_STREAM, GRPC, GRPC_WEB, isType, mediaType } from '../../dialects/media-type.ts';

const PREFIX_BYTES = 5;
const COMPRESSED = 0x01;
const END_STREAM = 0x02;

/**
 * The flags that requests of a media type may have; undefined where the body has no frames, or has them in base64
 * (gRPC-Web text), which is left to ZITADEL. Trailers in the body (0x80 of gRPC-Web) are for answers only.
 */
export function flagsOf(contentType: string): number | undefined {
  const type = mediaType(contentType);
  if (isType(type, GRPC) || isType(type, GRPC_WEB)) return COMPRESSED;
  return type.startsWith(CONNECT_STREAM) ? COMPRESSED | END_STREAM : undefined;
}

/** The frames of one body. */
export class FrameCheck {
  /** What is wrong is the length of a frame. */
  tooLarge = false;
  readonly #flags: number;
  readonly #maxBytes: number;
  /** Bytes of the current prefix that are here. */
  #prefix = 0;
  #length = 0;
  /** Bytes of the current payload that are still to come. */
  #left = 0;

  /** `flags`: the bits that may be set. `maxBytes`: the largest payload. */
  constructor(flags: number, maxBytes: number) {
    this.#flags = flags;
    this.#maxBytes = maxBytes;
  }

  /** Takes the next piece, which may be cut anywhere; gives what is wrong, or undefined. Of no use after that. */
  push(chunk: Uint8Array): string | undefined {
    let at = 0;
    while (at < chunk.length) {
      if (this.#left > 0) {
        const taken = Math.min(this.#left, chunk.length - at);
        this.#left -= taken;
        at += taken;
        continue;
      }
      const byte = chunk[at]!;
      at += 1;
      if (this.#prefix === 0) {
        if ((byte & ~this.#flags) !== 0) return `frame flags 0x${byte.toString(16)}`;
        this.#length = 0;
      } else {
        this.#length = this.#length * 256 + byte;
        // The bytes that follow only make it larger: it is known early and never sent on whole.
        if (this.#length * 256 ** (PREFIX_BYTES - 1 - this.#prefix) > this.#maxBytes) {
          this.tooLarge = true;
          return `a frame of more than ${this.#maxBytes} bytes`;
        }
      }
      this.#prefix += 1;
      if (this.#prefix === PREFIX_BYTES) {
        this.#prefix = 0;
        this.#left = this.#length;
      }
    }
    return undefined;
  }

  /** The body has ended; gives what is wrong, or undefined. */
  end(): string | undefined {
    return this.#prefix === 0 && this.#left === 0 ? undefined : 'the body ends inside a frame';
  }
}
