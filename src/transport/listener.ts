/** A bound socket: accepts, makes TLS and protocol, stops accepting, drains by a deadline. */

import net, { type AddressInfo, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import tls, { type TLSSocket } from 'node:tls';
import type { Events } from '../core/events.ts';
import type { Connection, RawReply, RawRequest } from '../core/raw.ts';
import { bindProblem } from './bind-problem.ts';
import { type AddressBudgets, ConnectionBudget, type ConnectionRates } from './budgets.ts';
import { canonicalAddress } from './client-address.ts';
import type { Engine, EngineFactory, EngineLimits, SessionEnd } from './engines/engine.ts';
import { ENGINES } from './engines/index.ts';
import { type Http1Limits, Http1Server } from './http1-server.ts';
import { findPeer, type Peer, type ProxyProtocol, rawSocket } from './peer.ts';
import { priorKnowledge } from './prior-knowledge.ts';
import { type TlsSettings, tlsOptions } from './tls.ts';

export interface ListenerLimits extends EngineLimits, Http1Limits {
  /** Open connections over all listeners that share a count; more are closed before TLS. */
  readonly maxConnections: number;
  readonly handshakeTimeoutMs: number;
}

/** How many connections are open over the listeners that share it. */
export interface ConnectionCount {
  open: number;
}

export interface ListenerOptions {
  readonly name: string;
  /** An address; `::` takes IPv4 as well, and stands for all IPv4 addresses on a machine without IPv6. */
  readonly host: string;
  readonly port: number;
  readonly tls?: TlsSettings | undefined;
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
}

/** Where a listener hands requests to. */
export interface RequestSink {
  request(request: RawRequest, reply: RawReply): void;
  /** Whether a WebSocket upgrade is wanted; others are answered as if Upgrade had not been sent. */
  wantsUpgrade(request: RawRequest): boolean;
  upgrade(request: RawRequest, socket: Duplex, head: Buffer): void;
}

type Protocol = 'h2' | 'http/1.1';

let lastConnection = 0;

/** One listener of the config. */
export class Listener {
  readonly name: string;
  readonly #options: ListenerOptions;
  readonly #events: Events;
  readonly #server: net.Server;
  readonly #tls: tls.Server | undefined;
  readonly #http1: Http1Server;
  readonly #engine: Engine;
  readonly #count: ConnectionCount;
  readonly #sockets = new Set<Socket>();
  readonly #budgets = new WeakMap<Socket, ConnectionBudget>();
  readonly #peers = new WeakMap<Socket, Peer>();
  /** Connections whose peer or protocol is not known yet, each with whether its peer has said anything. */
  readonly #undecided = new Map<Socket, () => boolean>();
  readonly #drained = Promise.withResolvers<void>();
  #draining = false;

  constructor(options: ListenerOptions, sink: RequestSink, events: Events) {
    this.name = options.name;
    this.#options = options;
    this.#events = events;
    this.#count = options.count ?? { open: 0 };
    const { limits } = options;
    const onRequest = (request: RawRequest, reply: RawReply): void => sink.request(request, reply);
    const onDefect = ({ peerAddress }: Connection, defect: unknown): void =>
      this.#ended({ reason: 'defect', code: defect instanceof Error ? defect.message : String(defect) }, peerAddress);
    this.#engine = (options.engine ?? ENGINES.node)({
      limits,
      onRequest,
      onDefect,
      onClose: ({ peerAddress }, end) => {
        events.emit('connection_closed', { listener: this.name, protocol: 'h2' });
        if (end !== undefined) this.#ended(end, peerAddress);
      },
    });
    this.#http1 = new Http1Server({
      limits,
      onRequest,
      onDefect,
      wantsUpgrade: (request) => sink.wantsUpgrade(request),
      onUpgrade: (request, socket, head) => sink.upgrade(request, socket, head),
      onEnded: ({ peerAddress }, end) => this.#ended(end, peerAddress),
    });
    this.#tls = options.tls === undefined ? undefined : this.#createTls(options.tls);
    this.#server = net.createServer({ noDelay: true, keepAlive: true, allowHalfOpen: false }, (s) => this.#accept(s));
  }

  /** Binds; rejects with a message that names the listener where the address is taken or not ours. */
  async listen(): Promise<AddressInfo> {
    const { host, port } = this.#options;
    try {
      return await this.#bind(host);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // `[::]` is the default: it must not keep a machine without IPv6 from starting.
      if (host === '::' && (code === 'EAFNOSUPPORT' || code === 'EADDRNOTAVAIL')) return this.#bind('0.0.0.0');
      const address = `${host.includes(':') ? `[${host}]` : host}:${port}`;
      throw new Error(`listener ${this.name}: ${address}: ${bindProblem(code)}`, { cause: error });
    }
  }

  #bind(host: string): Promise<AddressInfo> {
    const { promise, resolve, reject } = Promise.withResolvers<AddressInfo>();
    this.#server.once('error', reject);
    this.#server.listen({ host, port: this.#options.port, ipv6Only: false }, () => {
      this.#server.off('error', reject);
      this.#server.on('error', (error: NodeJS.ErrnoException) => {
        this.#ended({ reason: 'accept failed', code: error.code ?? error.message });
      });
      resolve(this.#server.address() as AddressInfo);
    });
    return promise;
  }

  get connections(): number {
    return this.#sockets.size;
  }

  get streams(): number {
    return this.#engine.streams;
  }

  /** Stops accepting, tells every client to go, and resolves when the last has gone. */
  drain(): Promise<void> {
    this.#draining = true;
    if (this.#server.listening) this.#server.close();
    this.#engine.drain();
    this.#http1.drain();
    for (const [socket, hasSpoken] of this.#undecided) if (!hasSpoken()) socket.destroy();
    if (this.#sockets.size === 0) this.#drained.resolve();
    return this.#drained.promise;
  }

  /** Ends everything at once. */
  destroy(): void {
    this.#draining = true;
    if (this.#server.listening) this.#server.close();
    this.#engine.destroy();
    this.#http1.destroy();
    for (const socket of this.#sockets) socket.destroy();
  }

  #accept(socket: Socket): void {
    socket.on('error', () => {}); // the layers above tell
    const { limits } = this.#options;
    if (this.#count.open >= limits.maxConnections) {
      this.#ended({ reason: 'too many connections', limit: 'limits.max_connections' }, socket.remoteAddress);
      socket.destroy();
      return;
    }
    this.#count.open += 1;
    this.#sockets.add(socket);
    socket.once('close', () => {
      this.#count.open -= 1;
      this.#sockets.delete(socket);
      if (this.#draining && this.#sockets.size === 0) this.#drained.resolve();
    });
    const hasSpoken = findPeer(socket, {
      proxyProtocol: this.#options.proxyProtocol,
      timeoutMs: limits.headerTimeoutMs,
      found: (peer) => {
        this.#undecided.delete(socket);
        this.#peers.set(socket, peer);
        this.#begin(socket, peer);
      },
      refused: (end) => {
        this.#ended(end, socket.remoteAddress);
        socket.destroy();
      },
    });
    if (!socket.destroyed && !this.#peers.has(socket)) this.#awaits(socket, hasSpoken);
  }

  /** A drain ends the connection unless it has said something by then. */
  #awaits(socket: Socket, hasSpoken: () => boolean): void {
    this.#undecided.set(socket, hasSpoken);
    socket.once('close', () => this.#undecided.delete(socket));
  }

  /** The address of the peer is known: TLS and HTTP begin, unless it has used up what it may have. */
  #begin(socket: Socket, peer: Peer): void {
    const refused = this.#charge(socket, peer);
    if (refused !== undefined) {
      this.#ended(refused, peer.address);
      socket.destroy();
    } else if (this.#tls !== undefined) this.#tls.emit('connection', socket);
    else this.#sniff(socket);
  }

  /** Opens the budget of a connection; gives why it may not stay. */
  #charge(socket: Socket, { address, sourceUnknown }: Peer): SessionEnd | undefined {
    const { addresses, rates } = this.#options;
    if (rates === undefined) return undefined;
    const account = sourceUnknown ? undefined : addresses?.open(address, { tls: this.#tls !== undefined });
    if (account === 'exempt') return undefined;
    if (account !== undefined && 'reason' in account) return account;
    const budget = new ConnectionBudget(rates, account);
    this.#budgets.set(socket, budget);
    socket.once('close', () => budget.close());
    return undefined;
  }

  #sniff(socket: Socket): void {
    const hasSpoken = priorKnowledge(socket, {
      timeoutMs: this.#options.limits.headerTimeoutMs,
      decided: (protocol) => {
        this.#undecided.delete(socket);
        this.#serve(socket, protocol);
      },
      late: () => {
        this.#ended({ reason: 'no request', limit: 'limits.header_timeout_ms' }, this.#peers.get(socket)?.address);
        socket.destroy();
      },
    });
    this.#awaits(socket, hasSpoken);
  }

  #createTls(settings: TlsSettings): tls.Server {
    const server = tls.createServer({
      ...tlsOptions(settings),
      handshakeTimeout: this.#options.limits.handshakeTimeoutMs,
    });
    server.on('secureConnection', (socket) => {
      socket.on('error', () => {});
      this.#serve(socket, socket.alpnProtocol === 'h2' ? 'h2' : 'http/1.1');
    });
    server.on('tlsClientError', ({ code, message }: NodeJS.ErrnoException, socket) => {
      const raw = rawSocket(socket);
      const budget = this.#budgets.get(raw);
      const peer = this.#peers.get(raw);
      if (code === 'ERR_TLS_HANDSHAKE_TIMEOUT') {
        budget?.handshakeFailed();
        this.#ended({ reason: 'TLS handshake timeout', limit: 'limits.handshake_timeout_ms' }, peer?.address);
      } else if (raw.bytesRead > (peer?.headerBytes ?? 0)) {
        budget?.handshakeFailed();
        this.#ended({ reason: 'TLS handshake failed', code: code ?? message }, peer?.address);
      } // else a port check of a load balancer: connected, said nothing, left
      socket.destroy();
    });
    return server;
  }

  #serve(socket: Socket | TLSSocket, protocol: Protocol): void {
    const raw = rawSocket(socket);
    const peer = this.#peers.get(raw);
    if (peer === undefined || socket.destroyed) {
      socket.destroy();
      return;
    }
    const secure = socket instanceof tls.TLSSocket;
    lastConnection += 1;
    const connection: Connection = {
      id: lastConnection,
      peerAddress: peer.address,
      proxyAddress: peer.proxyAddress,
      sourceUnknown: peer.sourceUnknown,
      listener: this.name,
      tlsVersion: secure ? (socket.getProtocol() ?? undefined) : undefined,
      serverName: secure && typeof socket.servername === 'string' ? socket.servername : undefined,
    };
    this.#events.emit('connection_opened', { listener: this.name, protocol, tlsVersion: connection.tlsVersion });
    const budget = this.#budgets.get(raw);
    if (protocol === 'h2') {
      this.#engine.accept(socket, connection, budget);
      return;
    }
    socket.once('close', () => this.#events.emit('connection_closed', { listener: this.name, protocol }));
    this.#http1.accept(socket, connection, budget);
  }

  #ended(end: SessionEnd, peerAddress?: string | undefined): void {
    const folded = peerAddress === undefined ? undefined : canonicalAddress(peerAddress);
    this.#events.emit('connection_ended', {
      listener: this.name,
      ...end,
      ...(folded !== undefined && { peerAddress: folded }),
    });
  }
}
