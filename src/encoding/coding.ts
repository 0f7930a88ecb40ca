/** What a content coding is, RFC 9110 section 8.4.1. */

/** Turns pieces of a body into pieces of the coded body, in the order in which they came. */
export interface Encoder {
  /** A piece of the body. What goes in while nothing is being coded comes out, flushed, without waiting for more. */
  write(chunk: Uint8Array): void;
  end(): void;
  /** Nothing more is wanted; no callback comes afterwards, and what the encoder held is given back. */
  destroy(): void;
}

/** What an encoder tells; never from inside of `write` or `end`'s caller's stack before that call has done its work. */
export interface EncoderOutput {
  onData(chunk: Uint8Array): void;
  onEnd(): void;
  /** All that was written has been coded and given out: more may come. */
  onDrain(): void;
  onError(error: Error): void;
}

/** One content coding. */
export interface Coding {
  /** As `Accept-Encoding` and `Content-Encoding` spell it. */
  readonly name: CodingName;
  /**
   * For bodies that are coded while they pass: quick, flushed after each piece, coded in the thread pool. `size` is the
   * length of the body in bytes where it is known: then no more memory is taken than it needs.
   */
  encoder(output: EncoderOutput, size?: number): Encoder;
  /** The whole body at the best level; seconds for megabytes, so never in the event loop of requests. */
  best(body: Uint8Array): Uint8Array;
  /** The whole of a small body at once, at the quick level. */
  quick(body: Uint8Array): Uint8Array;
  /** What was coded; throws where it is none, or larger than `maxBytes`. For tests and for the disk tier. */
  decode(body: Uint8Array, maxBytes: number): Uint8Array;
}

/** The codings, preferred first. */
export const CODING_NAMES = ['br', 'zstd', 'gzip'] as const;
/** The name of a coding that the gateway makes. */
export type CodingName = (typeof CODING_NAMES)[number];
