/**
 * The contract between the transport, Fastify and the forward handler.
 *
 * A `MessageStream` is one request and its answer on one connection, whatever is underneath: an HTTP/2 stream of Node,
 * an HTTP/1.1 request and response, a stream of an upstream session, or another engine. The forward handler relays
 * between two of them and knows nothing else. `test/contracts/stream.ts` holds every implementation to this page.
 */

import type { EventEmitter } from 'node:events';
import type { ErrorCode } from './catalogue.ts';

/** Header fields as one flat array: name, value, name, value. Names are lower-case, pseudo-headers come first. */
export type Fields = string[];

/** HTTP/2 error codes, RFC 9113 section 7. HTTP/1.1 has none: there every reset closes the connection. */
export const ResetCode = {
  NO_ERROR: 0x0,
  PROTOCOL_ERROR: 0x1,
  INTERNAL_ERROR: 0x2,
  FLOW_CONTROL_ERROR: 0x3,
  STREAM_CLOSED: 0x5,
  REFUSED_STREAM: 0x7,
  CANCEL: 0x8,
  COMPRESSION_ERROR: 0x9,
  ENHANCE_YOUR_CALM: 0xb,
  INADEQUATE_SECURITY: 0xc,
  HTTP_1_1_REQUIRED: 0xd,
} as const;

/** How a stream ended when it did not end well. */
export interface Reset {
  /** The RST_STREAM code of the peer, or the one that says best what happened to the connection. */
  code: number;
  /** True when the peer certainly did nothing with the request: refused, above the last id of a GOAWAY, never sent. */
  unprocessed: boolean;
  /** The stream was reset by its peer, or the connection under it is gone. */
  by: 'peer' | 'connection';
  /** What the platform said, for the log. */
  cause?: Error;
}

/** A receiver that ignores everything: the state before an owner has come and after it has gone. */
export const NOBODY: Receiver = {
  onData() {},
  onEnd() {},
  onReset() {},
  onDrain() {},
  onClose() {},
};

/** What a stream tells its owner. The order is: interim*, head (upstream only), data*, then end or reset, then close. */
export interface Receiver {
  /** A 1xx answer of an upstream. */
  onInterim?(status: number, fields: Fields): void;
  /** The head of an upstream's answer, `:status` first. `ended`: neither body nor trailers follow, nor `onEnd`. */
  onHead?(fields: Fields, ended: boolean): void;
  /** A piece of the body. The chunk belongs to the receiver. */
  onData(chunk: Uint8Array): void;
  /** The peer's message is complete. Never called for a message that was cut. */
  onEnd(trailers: Fields | undefined): void;
  /** The stream is dead in both directions. Called at most once, also after `onEnd`; never after `onClose`. */
  onReset(reset: Reset): void;
  /** After a `write` that returned false: more may be written. */
  onDrain(): void;
  /** Nothing more will happen: both directions are done, or the stream was reset. Called exactly once, always last. */
  onClose(): void;
}

/** One direction out: where a body is written to. */
export interface Sink {
  /** Writes a piece of the body; false asks the writer to hold on until `onDrain`. */
  write(chunk: Uint8Array): boolean;
  /** Ends the message well, with trailers if there are any. Nothing may be written afterwards. */
  end(trailers?: Fields): void;
  /** Ends the stream badly, both ways. A cut message is never shown as a complete one. */
  reset(code: number): void;
}

/** A sink before another one that may hold back longer than the one behind it. */
export interface Filter extends Sink {
  /** After a `write` that returned false: more may be written. Set by the writer. */
  onDrain: (() => void) | undefined;
  /** The one behind takes more again. */
  drained(): void;
  /** The stream behind is closed: what is held is given back, and nothing more is told. */
  close(): void;
}

/** One request and its answer on one connection. */
export interface MessageStream extends Sink {
  /** The owner; set before the first event can happen. Events start with `resume`. */
  receiver: Receiver;
  /** Stops `onData`; at most a stream window more is buffered below. */
  pause(): void;
  /** Lets `onData` flow. Streams start paused. */
  resume(): void;
}

/** The client's side of an exchange. */
export interface DownstreamStream extends MessageStream {
  /** The request ended with its head: no body will come. */
  readonly ended: boolean;
  /** Sends a 1xx answer; does nothing where the protocol version has none. */
  inform(status: number, fields: Fields): void;
  /** Sends the answer's head (no pseudo-headers). `ended`: nothing follows. */
  respond(status: number, fields: Fields, ended: boolean): void;
  /**
   * Sends an answer that is all here, at once: head and body, which has at least one piece. The head tells the body's
   * length, so that a cut one shows. Cheaper than the same in steps.
   */
  respondWhole(status: number, fields: Fields, body: readonly Uint8Array[]): void;
  /** The answer's head was sent. */
  readonly responded: boolean;
  /** Called once with the last event of the stream, after the receiver's `onClose`; set by whoever keeps the record. */
  onClosed: (() => void) | undefined;
}

/** The upstream's side of an exchange, already opened with a request's head. */
export interface UpstreamStream extends MessageStream {
  /** Identifies the session below, for logs; unique in the process. */
  readonly session: number;
}

/** What is known of the connection that a request came on. Made once per connection. */
export interface Connection {
  /** Unique in the process. */
  readonly id: number;
  /** The address of the socket's other end, or the one that a PROXY header names; IPv4-mapped IPv6 folded to IPv4. */
  readonly peerAddress: string;
  /** The address of the socket's other end where a PROXY header came that spoke for another. */
  readonly proxyAddress?: string | undefined;
  /** The PROXY header could not say who the other is: `peerAddress` is the proxy's own, and nothing the peer says is believed. */
  readonly sourceUnknown?: true | undefined;
  /** The name of the listener in the config. */
  readonly listener: string;
  /** `TLSv1.3` and the like; undefined on cleartext. */
  readonly tlsVersion: string | undefined;
  readonly serverName: string | undefined;
  /** The certificate by which the client has shown who it is, verified; absent where it has not. */
  readonly clientCertificate?: ClientCertificate | undefined;
}

/** A verified certificate of a client. */
export interface ClientCertificate {
  /** As RFC 4514 writes it. */
  readonly subject: string;
  /** SHA-256, lower-case hexadecimal. */
  readonly fingerprint: string;
  /** What upstreams are told of it. */
  readonly fields: Fields;
}

/** What Fastify reads of a request, and what the house reads beside it. */
export interface RawRequest {
  /** What Fastify routes on; GET where the method asked for is none that a router knows. */
  readonly method: string;
  /** The method as it was asked for. */
  readonly requestedMethod: string;
  /** The request target as it came, byte for byte; what is forwarded. */
  readonly target: string;
  /** The decoded path; empty where it is malformed. */
  readonly path: string;
  /** The path had an encoded slash. */
  readonly encodedSlash: boolean;
  /** What Fastify routes on: the decoded path, or one that no route has. */
  readonly url: string;
  readonly httpVersionMajor: number;
  readonly httpVersion: string;
  /** Header fields by name; Fastify reads content-type and content-length here. `host` is the one authority. */
  readonly headers: Record<string, string | string[] | undefined>;
  /** The same fields, flat, in their order, without pseudo-headers and without `host`. */
  readonly fields: Fields;
  /** `:authority` or Host exactly as it came, port included; empty where HTTP/1.0 gave none. */
  readonly authority: string;
  readonly connection: Connection;
  readonly stream: DownstreamStream;
  /** What is wrong with the request's form; such a request gets its refusal from the first hook and is never routed. */
  readonly fault: ErrorCode | undefined;
  /** For the log: which limit or field it is. */
  readonly faultDetail: string | undefined;
  /** Node's socket; Fastify reads `remoteAddress` from it. */
  readonly socket: { readonly remoteAddress?: string | undefined };
}

/** What Fastify needs of a reply to send an answer that the gateway made. Emits `finish` and, last and once, `close`. */
export interface RawReply extends EventEmitter {
  statusCode: number;
  readonly headersSent: boolean;
  readonly writableEnded: boolean;
  readonly destroyed: boolean;
  setHeader(name: string, value: string | number | readonly string[]): this;
  getHeader(name: string): string | number | readonly string[] | undefined;
  writeHead(status: number, headers?: Record<string, unknown>): this;
  write(chunk: string | Uint8Array): boolean;
  end(chunk?: string | Uint8Array): this;
  destroy(error?: Error): this;
}
