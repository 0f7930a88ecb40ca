/** The contract of an upstream pool: sessions to one endpoint, and a stream on one of them for each request. */

import type { Fields, Receiver, UpstreamStream } from '../core/raw.ts';

/** A request to be opened on a session. */
export interface OpenRequest {
  readonly method: string;
  /** Request target, byte for byte. */
  readonly path: string;
  readonly authority: string;
  readonly scheme: 'http' | 'https';
  /** Without pseudo-headers and Host. */
  readonly fields: Fields;
  /** No body follows. */
  readonly ended: boolean;
  /** Asked when a stream could be opened: false where nobody waits for it any more, and none is opened. */
  readonly wanted: () => boolean;
  /** Told everything that happens on the stream from its first event on. */
  readonly receiver: Receiver;
}

/** What happens to sessions, for logs and metrics. */
export interface PoolObserver {
  sessionOpened(session: number): void;
  sessionClosed(session: number, reason: string): void;
  /** A stream is over, and not counted any more. */
  streamClosed?(): void;
}

/** Sessions to one endpoint. */
export interface UpstreamPool {
  /**
   * Opens a stream, on a new session where none has room. Rejects with a GatewayError when there is no session to be had
   * within `connectTimeoutMs`: CONNECT_FAILED, CONNECT_TIMEOUT, UPSTREAM_TLS, UPSTREAM_PROTOCOL; UPSTREAM_BUSY where
   * all that may be open are full for `pendingTimeoutMs`; BAD_HEADER or BAD_PATH where the request cannot be said.
   */
  open(request: OpenRequest): Promise<UpstreamStream>;
  /** No new streams; sessions close when their last stream is done. */
  drain(): void;
  /** Ends everything at once. */
  destroy(): void;
  readonly sessions: number;
  readonly streams: number;
}

/** How an endpoint is spoken to by TLS, and who it must be. */
export interface TlsClientSettings {
  /** PEM of the authorities to trust instead of Node's. */
  readonly ca?: string | undefined;
  /** The name to ask for and to verify; the endpoint's host where undefined. */
  readonly serverName?: string | undefined;
  /** PEM of a client certificate and its key, for endpoints that ask for one. */
  readonly certificate?: string | undefined;
  readonly key?: string | undefined;
  readonly insecureSkipVerify: boolean;
}

/** Settings of a pool; the same for all endpoints of an upstream. */
export interface PoolSettings {
  readonly protocol: 'h2c' | 'h2' | 'https' | 'http/1.1';
  /** Who speaks HTTP/2: see `http2-engines.ts`. */
  readonly http2Engine: 'node' | 'frames';
  readonly connectTimeoutMs: number;
  readonly pingIntervalMs: number;
  readonly pingTimeoutMs: number;
  readonly idleSessionMs: number;
  readonly maxSessions: number;
  readonly maxStreamsPerSession: number;
  /** Open streams of one endpoint; 0 for no limit but those of sessions. */
  readonly maxStreams: number;
  /** Requests that may wait at one endpoint, and how long. */
  readonly maxPending: number;
  readonly pendingTimeoutMs: number;
  readonly maxAnswerHeaderBytes: number;
  readonly streamWindowBytes: number;
  readonly sessionWindowBytes: number;
  readonly maxIdleConnections: number;
  readonly tls: TlsClientSettings;
}

/** Where a pool connects to. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

let lastSession = 0;

/** A number for a new session, unique in the process. */
export function nextSession(): number {
  lastSession += 1;
  return lastSession;
}
