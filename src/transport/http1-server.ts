/** HTTP/1.1 on sockets that somebody else accepted: Node's own server, with what it does by itself taken in hand. */

import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Connection, RawReply, RawRequest } from '../core/raw.ts';
import type { ConnectionBudget } from './budgets.ts';
import type { Served } from './connection-age.ts';
import type { Fault, TransportLimits } from './faults.ts';
import { H1DownstreamStream, H1Request } from './h1.ts';
import { StreamReply } from './reply.ts';
import type { SessionEnd } from './session-end.ts';

/** The limits of HTTP/1.1; times in milliseconds. */
export interface Http1Limits extends TransportLimits {
  readonly headerTimeoutMs: number;
  readonly keepAliveMs: number;
}

/** The limits of a server, and where it hands requests and upgrades to. */
export interface Http1Options {
  readonly limits: Http1Limits;
  onRequest(request: RawRequest, reply: RawReply): void;
  /** Whether a WebSocket upgrade is wanted; others are answered as if Upgrade had not been sent. */
  wantsUpgrade(request: RawRequest): boolean;
  onUpgrade(request: RawRequest, socket: Duplex, head: Buffer): void;
  /** `onRequest` has thrown; the connection is closed. */
  onDefect(connection: Connection, defect: unknown): void;
  /** The connection was ended below HTTP. */
  onEnded(connection: Connection, end: SessionEnd): void;
}

/** How long a peer may take to close after it was told why, in milliseconds. */
const CLOSING_MS = 1000;

/** What is known of an open connection. */
interface Open {
  readonly connection: Connection;
  readonly budget: ConnectionBudget | undefined;
  /** Requests without a finished answer, in their order. */
  readonly unanswered: Set<{ readonly request: IncomingMessage; readonly response: ServerResponse }>;
  /** Since when nothing has come and nothing is answered, by `performance.now`; what was read until then, in bytes. */
  quietSince: number;
  quietAt: number;
  /** The next answer is the last: what the peer sends behind its request is no request. */
  ending: boolean;
  /** It has reached its age: the next answer says that it is closed. */
  old: boolean;
}

/** Serves HTTP/1.1 with `node:http`. */
export class Http1Server {
  readonly #options: Http1Options;
  readonly #server: http.Server;
  readonly #open = new Map<Duplex, Open>();
  #fading = false;

  constructor(options: Http1Options) {
    this.#options = options;
    const { limits } = options;
    const server = http.createServer({
      // Far above ours, which are answered in the caller's dialect; Node's own end in a bare 431.
      maxHeaderSize: 2 * (limits.maxHeaderBytes + limits.maxUrlBytes),
      headersTimeout: limits.headerTimeoutMs,
      requestTimeout: 0, // bodies have a deadline of their own: by progress, not in all
      keepAliveTimeout: limits.keepAliveMs,
      connectionsCheckingInterval: Math.max(25, Math.min(1000, limits.headerTimeoutMs / 4)),
      requireHostHeader: false, // a missing Host is refused with an answer
      shouldUpgradeCallback: (request: IncomingMessage) =>
        /^websocket$/i.test(request.headers.upgrade ?? '') && options.wantsUpgrade(this.#upgradeRequest(request)),
    } as http.ServerOptions);
    server.maxHeadersCount = 0; // Node would drop the rest silently; ours refuses
    server.on('request', (request, response) => this.#serve(request, response));
    // 100 is sent when the body is wanted, not before admission.
    server.on('checkContinue', (request, response) => this.#serve(request, response));
    server.on('checkExpectation', (request, response) =>
      this.#serve(request, response, { code: 'EXPECTATION_FAILED' }),
    );
    server.on('connect', (request: IncomingMessage, socket: Duplex) => this.#refuseTunnel(request, socket));
    server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      options.onUpgrade(this.#upgradeRequest(request), socket, head);
    });
    server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => this.#clientError(error, socket));
    server.on('timeout', (socket: Socket) => this.#keptTooLong(socket));
    // Node checks headersTimeout only on servers that listen; this one is handed its sockets.
    server.emit('listening');
    this.#server = server;
  }

  /** `budget`: what the peer may do; beyond it the connection is closed. */
  accept(socket: Duplex, connection: Connection, budget?: ConnectionBudget): Served {
    const open: Open = {
      connection,
      budget,
      unanswered: new Set(),
      quietSince: performance.now(),
      quietAt: bytesRead(socket),
      ending: false,
      old: false,
    };
    this.#open.set(socket, open);
    socket.once('close', () => this.#open.delete(socket));
    this.#server.emit('connection', socket);
    return {
      retire() {
        open.old = true;
      },
    };
  }

  /** Whether every answer says `connection: close`; connections without a request stay as they are. */
  fade(faded: boolean): void {
    this.#fading = faded;
  }

  /**
   * Every answer from now on says `connection: close`. A connection without a request is closed when it was quiet for
   * `quietMs`: one that is in use may have a request on its way, which would be lost with it, and gets an answer first.
   * Node's own `closeIdleConnections` also closes one whose answer is not all written.
   */
  drain(quietMs: number): void {
    this.#fading = true;
    const now = performance.now();
    let next = Number.POSITIVE_INFINITY;
    for (const [socket, { unanswered, quietSince, quietAt }] of this.#open) {
      // Where a part of a request is here, its end is not far, or the header timeout.
      if (unanswered.size > 0 || bytesRead(socket) !== quietAt) continue;
      const left = quietSince + quietMs - now;
      if (left <= 0) socket.destroy();
      else next = Math.min(next, left);
    }
    if (next < Number.POSITIVE_INFINITY) setTimeout(() => this.drain(quietMs), Math.ceil(next)).unref();
  }

  destroy(): void {
    this.#fading = true;
    this.#server.close(); // ends the check of headersTimeout
    for (const socket of this.#open.keys()) socket.destroy();
  }

  #serve(request: IncomingMessage, response: ServerResponse, fault?: Fault): void {
    const open = this.#open.get(request.socket)!;
    if (open.ending) return;
    const exchange = { request, response };
    open.unanswered.add(exchange);
    response.once('close', () => {
      open.unanswered.delete(exchange);
      open.quietSince = performance.now();
      open.quietAt = bytesRead(request.socket);
    });
    const stream = new H1DownstreamStream(request, response, () => this.#fading || open.old);
    try {
      const raw = new H1Request(request, stream, open.connection, this.#options.limits, fault);
      open.ending = stream.lastOfConnection;
      const excess = open.budget?.request(raw);
      if (excess !== undefined) {
        this.#options.onEnded(open.connection, excess);
        request.socket.destroy();
        return;
      }
      this.#options.onRequest(raw, new StreamReply(stream, raw.method));
    } catch (defect) {
      // Thrown from an event it would end the process, and every other exchange with it.
      request.socket.destroy();
      this.#options.onDefect(open.connection, defect);
    }
  }

  /** CONNECT: Node has let go of the connection; it gets an answer like any other request, and ends with it. */
  #refuseTunnel(request: IncomingMessage, socket: Duplex): void {
    const response = new http.ServerResponse(request);
    response.shouldKeepAlive = false;
    response.assignSocket(socket as Socket);
    response.once('finish', () => this.#hangUp(socket));
    this.#serve(request, response, { code: 'METHOD_NOT_ALLOWED' });
  }

  /** An upgrade has no response object yet; the stream of its raw request is never used. */
  #upgradeRequest(request: IncomingMessage): H1Request {
    const open = this.#open.get(request.socket)!;
    const stream = new H1DownstreamStream(request, new http.ServerResponse(request), () => this.#fading || open.old);
    return new H1Request(request, stream, open.connection, this.#options.limits);
  }

  /** What the parser refuses has no request to answer in a dialect: a bare status, and the connection ends. */
  #clientError(error: NodeJS.ErrnoException, socket: Duplex): void {
    const open = this.#open.get(socket);
    if (open === undefined || error.code === 'ECONNRESET' || !socket.writable) {
      socket.destroy();
      return;
    }
    // Behind the last request of a connection nothing is read as a request: its answer is on its way.
    if (open.ending && open.unanswered.size > 0) return;
    const [status, end] = parserRefusal(error);
    // The connection ends anyway; its address pays for it.
    if (end.limit === undefined) open.budget?.spend('malformed');
    this.#options.onEnded(open.connection, end);
    const [first, ...others] = open.unanswered;
    // A request that is whole waits for its answer: what is said now would be taken for that.
    const mayAnswer =
      first === undefined || (others.length === 0 && !first.request.complete && !first.response.headersSent);
    if (!mayAnswer) {
      socket.destroy();
      return;
    }
    socket.write(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
    this.#hangUp(socket);
  }

  /** Ends a connection; a peer that does not close its side cannot hold it. */
  #hangUp(socket: Duplex): void {
    socket.end();
    const timer = setTimeout(() => socket.destroy(), CLOSING_MS).unref();
    socket.once('close', () => clearTimeout(timer));
  }

  /** No next request came; with a listener for `timeout`, closing is left to us. */
  #keptTooLong(socket: Socket): void {
    const open = this.#open.get(socket);
    if (open !== undefined) {
      this.#options.onEnded(open.connection, { reason: 'idle', limit: 'limits.keep_alive_ms' });
    }
    socket.destroy();
  }
}

/** What came on a connection so far, in bytes; with TLS those of its records. */
function bytesRead(socket: Duplex): number {
  return (socket as Socket).bytesRead;
}

/** The status line for what Node's parser did not take, and what the log is told. */
function parserRefusal({ code, message }: NodeJS.ErrnoException): [string, SessionEnd] {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return ['431 Request Header Fields Too Large', { reason: 'header too large', limit: 'limits.max_header_bytes' }];
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return ['408 Request Timeout', { reason: 'slow header', limit: 'limits.header_timeout_ms' }];
    default:
      return ['400 Bad Request', { reason: 'malformed HTTP/1.1', code: code ?? message }];
  }
}
