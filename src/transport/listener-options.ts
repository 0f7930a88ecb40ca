/** How a listener is made, and where it hands requests to. */

import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Clock } from '../core/clock.ts';
import type { RawReply, RawRequest } from '../core/raw.ts';
import type { AddressBudgets, ConnectionRates } from './budgets.ts';
import type { AgeLimits } from './connection-age.ts';
import type { EngineFactory, EngineLimits } from './engines/engine.ts';
import type { Http1Limits } from './http1-server.ts';
import type { ProxyProtocol } from './peer.ts';
import type { TlsSettings } from './tls.ts';

/** All limits of a listener; times in milliseconds. */
export interface ListenerLimits extends EngineLimits, Http1Limits, Partial<AgeLimits> {
  /** Open connections over all listeners that share a count; more are closed before TLS. */
  readonly maxConnections: number;
  readonly handshakeTimeoutMs: number;
}

/** How many connections are open over the listeners that share it. */
export interface ConnectionCount {
  open: number;
}

/** What a listener is made with. */
export interface ListenerOptions {
  readonly name: string;
  /** An address; `::` takes IPv4 as well, and stands for all IPv4 addresses on a machine without IPv6. */
  readonly host: string;
  readonly port: number;
  readonly tls?: TlsSettings | undefined;
  /** Milliseconds since the epoch; the machine's where it is not given. */
  readonly now?: () => number;
  /** Ends the age of connections; the machine's where it is not given. */
  readonly after?: Clock['after'];
  readonly limits: ListenerLimits;
  /** Its own where none is given. */
  readonly count?: ConnectionCount;
  readonly engine?: EngineFactory;
  /** What a peer may do on one connection; no limit where it is not given, nor for peers that `addresses` exempts. */
  readonly rates?: ConnectionRates;
  /** What an address may do over all its connections; no limit where it is not given. */
  readonly addresses?: AddressBudgets;
  /** Every connection begins with a PROXY header, and only trusted peers may send one; none where it is not given. */
  readonly proxyProtocol?: ProxyProtocol;
  /** Whether there is no memory for more connections. */
  readonly memoryShort?: () => boolean;
  /** Takes what is accepted, nothing of it read, to be served elsewhere; `max_connections` is minded before. */
  readonly hand?: (listener: string, socket: Socket) => void;
}

/** Where a listener hands requests to. */
export interface RequestSink {
  request(request: RawRequest, reply: RawReply): void;
  /** Whether a WebSocket upgrade is wanted; others are answered as if Upgrade had not been sent. */
  wantsUpgrade(request: RawRequest): boolean;
  upgrade(request: RawRequest, socket: Duplex, head: Buffer): void;
}
