/** The contract of an HTTP/2 engine; `test/contracts/engine.ts` holds every one to it. */

import type { Duplex } from 'node:stream';
import type { Connection, RawReply, RawRequest } from '../../core/raw.ts';
import type { ConnectionBudget } from '../budgets.ts';
import type { Served } from '../connection-age.ts';
import type { TransportLimits } from '../faults.ts';
import type { SessionEnd } from '../session-end.ts';

/** Limits of one HTTP/2 connection. */
export interface EngineLimits extends TransportLimits {
  readonly maxConcurrentStreams: number;
  readonly streamWindowBytes: number;
  readonly connectionWindowBytes: number;
  readonly idleTimeoutMs: number;
  /** How long a new connection may take to send its first request. */
  readonly headerTimeoutMs: number;
}

/** The limits of an engine, and where it hands requests and ends to. */
export interface EngineOptions {
  readonly limits: EngineLimits;
  onRequest(request: RawRequest, reply: RawReply): void;
  onClose(connection: Connection, end: SessionEnd | undefined): void;
  /** `onRequest` has thrown; its stream is reset. */
  onDefect(connection: Connection, defect: unknown): void;
}

/** Serves HTTP/2 on sockets that somebody else accepted. */
export interface Engine {
  /** `budget`: what the peer may do; beyond it GOAWAY(ENHANCE_YOUR_CALM), and the end. */
  accept(socket: Duplex, connection: Connection, budget?: ConnectionBudget): Served;
  /** GOAWAY on every connection; each closes when its streams are done. One that comes later may send one packet of requests. */
  drain(): void;
  /** Closes every connection at once. */
  destroy(): void;
  readonly connections: number;
  readonly streams: number;
}

/** How an engine is made. */
export type EngineFactory = (options: EngineOptions) => Engine;
