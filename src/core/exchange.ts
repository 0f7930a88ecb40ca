/** The words of the request's way: exchange, answer, dialect, record. */

import type { GatewayError } from './errors.ts';
import type { DownstreamStream, Fields, Filter, RawRequest, Sink } from './raw.ts';

/** Who the client is, after the trusted proxies were walked. */
export interface ClientAddress {
  /** IPv4 or IPv6 in canonical form, IPv4-mapped IPv6 folded. */
  readonly address: string;
  /** The connection's peer is in `trusted_proxies`, or the listener says `trust: internal`. */
  readonly trustedPeer: boolean;
  /**
   * The peer is not listed and may be a proxy all the same: it is in a private network, or sends forwarding headers.
   * Then many clients may have this address.
   */
  readonly mayBeProxy: boolean;
  /** The address is that of a peer of a listener with `trust: internal`: it stands for many clients, and is no key. */
  readonly internal: boolean;
  /** http or https, as the client really came. */
  readonly scheme: 'http' | 'https';
}

/** An answer on its way out, from an upstream, the cache or the gateway. */
export interface Answer {
  status: number;
  /** Without pseudo-headers. */
  fields: Fields;
  /** Neither body nor trailers follow. */
  ended: boolean;
  readonly source: 'upstream' | 'cache' | 'gateway';
  /** Where the body goes. A policy may put its own sink before it. Unused for answers that the gateway makes. */
  sink: Sink | undefined;
  /** The one of these sinks that changes how many bytes there are, and holds back by itself; it counts `bytesOut`. */
  filter?: Filter | undefined;
  /** Puts a sink on top of all others, which sees the body as the origin sent it. */
  listen?: ((below: Sink) => Sink) | undefined;
}

/** Where the body of an answer comes from that no upstream's stream brings down: one that is stored, or still coming. */
export interface BodySource {
  /** All of it, where it is here: nothing else is called then. Not empty; the head tells its length. */
  readonly whole?: readonly Uint8Array[];
  /** Begins to write, at once or later; holds on where a write says so, and ends or resets the sink. Called once. */
  start(sink: Sink): void;
  /** More may be written. */
  drained(): void;
  /** Nobody wants the rest. */
  stop(): void;
}

/** The head of a request, as far as dialects look at it. */
export interface RequestHead {
  readonly method: string;
  /** Decoded path without query. */
  readonly path: string;
  readonly contentType: string;
  readonly httpVersionMajor: number;
  readonly headers: Record<string, string | string[] | undefined>;
}

/** In which form a refusal is said to a caller of plain HTTP; a property of the route. */
export type RefusalForm = 'rest' | 'oauth' | 'scim' | 'html' | 'text';

/** What a dialect is told to say no. */
export interface RefusalContext {
  readonly error: GatewayError;
  readonly requestId: string;
  readonly head: RequestHead;
  readonly form: RefusalForm;
}

/** An answer that the gateway makes from an error. */
export interface Refusal {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: string | Buffer | null;
}

/** How an answer, above all a failure, is said. */
export interface Dialect {
  readonly name: DialectName;
  matches(head: RequestHead): boolean;
  refuse(context: RefusalContext): Refusal;
  /** The trailers that end a stream already begun with this error, or undefined where only a reset can say it. */
  endWith(error: GatewayError): Fields | undefined;
  /**
   * The frame that ends a body already begun with this error, where the dialect ends its streams in the body; may only
   * be written between two whole frames. Undefined, or absent, where only a reset can say it.
   */
  endFrame?(error: GatewayError, head: RequestHead): Buffer | undefined;
  /** `grpc-status` of a finished answer, where the dialect has one that a relay can see. */
  outcome(fields: Fields, trailers: Fields | undefined): string | undefined;
}

/** The names of all dialects. */
export const DIALECT_NAMES = ['grpc', 'grpc-web', 'connect', 'http'] as const;
/** The name of a dialect. */
export type DialectName = (typeof DIALECT_NAMES)[number];

/** What an exchange knows of the route it took; compiled once per generation. */
export interface RouteInfo {
  readonly name: string;
  readonly upstream: string | undefined;
  readonly form: RefusalForm;
  /** Limit class of the preset (login, token, api …), for logs, metrics and limits. */
  readonly class: string;
  /** Segments at the beginning of the path that give way to others towards the upstream. */
  readonly rewrite?: { readonly from: string; readonly to: string };
}

/**
 * What a cache did: `hit` and `stale` answered from the store, `revalidated` after the upstream was asked whether it
 * still holds, `miss` from an answer that was fetched for it, `bypass` left the request alone.
 */
export type CacheOutcome = 'hit' | 'stale' | 'revalidated' | 'miss' | 'bypass';

/** What is remembered of one exchange: becomes one log line, counts and a span. Times are `Clock.now()` milliseconds. */
export interface AccessRecord {
  readonly started: number;
  readonly wall: number;
  /** The upstream's first byte of answer; undefined until then. */
  firstByte: number | undefined;
  /** The attempt that answered was sent. */
  upstreamStarted: number | undefined;
  upstreamEnded: number | undefined;
  closed: number | undefined;
  status: number;
  grpcStatus: string | undefined;
  bytesIn: number;
  bytesOut: number;
  endpoint: string | undefined;
  attempts: number;
  error: GatewayError | undefined;
  /** Rules that would have refused and only report. */
  readonly reported: string[];
  /** The X-Request-ID that the upstream put on its answer. */
  upstreamRequestId: string | undefined;
  /** Who made the answer. */
  answeredBy: 'upstream' | 'cache' | 'gateway' | undefined;
  /** What the cache did with the request; undefined where the route has none. */
  cache: CacheOutcome | undefined;
}

/** The beginning of a request's body, looked at before it is sent on. */
export interface PeekedBody {
  readonly bytes: Buffer;
  /** The body ended here; else there is more, of which nothing is known. */
  readonly complete: boolean;
}

/** One request and what becomes of it. */
export interface Exchange {
  readonly id: string;
  readonly raw: RawRequest;
  /** Where the body is read from and the answer goes: the raw stream, or what was peeked of it and then the rest. */
  readonly downstream: DownstreamStream;
  readonly client: ClientAddress;
  readonly dialect: Dialect;
  readonly head: RequestHead;
  readonly record: AccessRecord;
  /** Set when Fastify has routed; the not-found route before that. */
  route: RouteInfo;
  /** Changes to the request's fields towards the upstream, after hygiene. */
  readonly requestEdits: FieldEdit[];
  /** The largest request body in bytes, counted while it passes; 0 for no limit. */
  bodyLimit: number;
  /** When the whole exchange is given up, as `Clock.now()` says it; undefined where it may last. */
  deadlineAt: number | undefined;
  /** How long nothing may move in either direction, in milliseconds; 0 for no limit. */
  idleMs: number;
  /**
   * Looks at the beginning of the body, which is sent on untouched afterwards: calls back once, when the body has ended,
   * when `maxBytes` are there, or when `enough` says so of what is there; with an error where the client has left or
   * sends nothing. Calls back at once where enough was seen before.
   */
  peek(
    maxBytes: number,
    done: (error: GatewayError | undefined, body: PeekedBody) => void,
    enough?: (bytes: Buffer) => boolean,
  ): void;
  /** Looks at every piece of the request's body on its way up; may abort the exchange. `ended` with the last one. */
  inspectBody: ((chunk: Uint8Array, ended: boolean) => void) | undefined;
  /**
   * Answers without an upstream: the route's hooks on the way out, the head, then the body at the client's pace. The
   * policy that calls it does not go on. Does nothing where the client has left meanwhile.
   */
  answer(answer: Answer, body: BodySource): void;
  /** Given back, last first, when the exchange is over, however it ended. */
  hold(resource: Disposable): void;
  /** Gives up: the first error wins, and every `onAbort` is called once. */
  abort(error: GatewayError): void;
  readonly aborted: GatewayError | undefined;
  /** Called when the exchange is given up; at once if it already is. */
  onAbort(callback: (error: GatewayError) => void): void;
}

/** A change to a field: set to `value`, or removed where it is undefined. */
export interface FieldEdit {
  readonly name: string;
  readonly value: string | undefined;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Opened by the first hook; every later hook and handler may rely on it. */
    exchange: Exchange;
  }
}
