/** A bound socket: accepts, makes TLS and protocol, stops accepting, drains by a deadline. */

import type { AddressInfo, Socket } from 'node:net';
import tls, { type TLSSocket } from 'node:tls';
import { canonicalAddress } from '../core/address.ts';
import { systemClock } from '../core/clock.ts';
import type { Events } from '../core/events.ts';
import type { ClientCertificate, Connection, RawReply, RawRequest } from '../core/raw.ts';
import { BoundSocket } from './bound-socket.ts';
import { ConnectionBudget } from './budgets.ts';
import { limitAge, type Served } from './connection-age.ts';
import type { Engine } from './engines/engine.ts';
import { ENGINES } from './engines/index.ts';
import { Http1Server } from './http1-server.ts';
import type { ConnectionCount, ListenerOptions, RequestSink } from './listener-options.ts';
import { findPeer, type Peer, rawSocket } from './peer.ts';
import { priorKnowledge } from './prior-knowledge.ts';
import type { SessionEnd } from './session-end.ts';
import type { TlsSettings } from './tls.ts';
import { TlsServer } from './tls-server.ts';

export type { ConnectionCount, ListenerLimits, ListenerOptions, RequestSink } from './listener-options.ts';

type Protocol = 'h2' | 'http/1.1';

let lastConnection = 0;

/** One listener of the config. */
export class Listener {
  readonly name: string;
  readonly #options: ListenerOptions;
  readonly #events: Events;
  /** Another listener's from when that has taken it. */
  #bound: BoundSocket | undefined;
  readonly #tls: TlsServer | undefined;
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
    this.#engine = (options.engine ?? ENGINES.frames)({
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
    this.#bound = new BoundSocket(this, { paused: options.hand !== undefined });
  }

  /** Binds; rejects with a message that names the listener where the address is taken or not ours. */
  listen(): Promise<AddressInfo> {
    const { host, port } = this.#options;
    return this.#bound!.listen(host, port);
  }

  /** Where it is bound; undefined where it is not. */
  get address(): AddressInfo | undefined {
    return this.#bound?.address;
  }

  /** Accepts from now on what another listener has accepted until now, on the socket of that one. */
  takeSocket(from: Listener): void {
    this.#bound = from.#bound!;
    this.#bound.taker = this;
    from.#bound = undefined;
  }

  get connections(): number {
    return this.#sockets.size;
  }

  get streams(): number {
    return this.#engine.streams;
  }

  /** Encrypts TLS tickets with a key that others know too: 48 bytes. */
  setTicketKeys(key: Buffer): void {
    this.#tls?.setTicketKey(key);
  }

  /** Uses other certificates from the next handshake on; see `TlsServer.use`. */
  useTls(settings: TlsSettings): void {
    this.#tls?.use(settings);
  }

  /** Whether answers over HTTP/1.1 say that their connection is closed; streams of HTTP/2 begin as before. */
  fade(faded: boolean): void {
    this.#http1.fade(faded);
  }

  /**
   * Stops accepting, and lets every client go in its own time: HTTP/2 is told so, an idle connection of HTTP/1.1 is not
   * closed while its client may be sending. Resolves when the last has gone.
   */
  retire(): Promise<void> {
    this.#http1.fade(true);
    return this.#leave();
  }

  /** The same, and connections of HTTP/1.1 without a request are closed when they were quiet for so many milliseconds. */
  drain(quietMs = 0): Promise<void> {
    this.#http1.drain(quietMs);
    for (const [socket, hasSpoken] of this.#undecided) if (!hasSpoken()) socket.destroy();
    return this.#leave();
  }

  #leave(): Promise<void> {
    this.#draining = true;
    this.#bound?.close();
    this.#engine.drain();
    if (this.#sockets.size === 0) this.#drained.resolve();
    return this.#drained.promise;
  }

  /** Ends everything at once. */
  destroy(): void {
    this.#draining = true;
    this.#bound?.close();
    this.#engine.destroy();
    this.#http1.destroy();
    for (const socket of this.#sockets) socket.destroy();
  }

  /** See `Taker`. */
  acceptFailed(code: string): void {
    this.#ended({ reason: 'accept failed', code });
  }

  /** Serves a connection that was accepted here or elsewhere. */
  accept(socket: Socket): void {
    socket.on('error', () => {}); // the layers above tell
    const { limits } = this.#options;
    if (this.#count.open >= limits.maxConnections) {
      this.#ended({ reason: 'too many connections', limit: 'limits.max_connections' }, socket.remoteAddress);
      socket.destroy();
      return;
    }
    if (this.#options.memoryShort?.() === true) {
      this.#ended({ reason: 'memory is short', limit: 'overload.memory_percent' }, socket.remoteAddress);
      socket.destroy();
      return;
    }
    if (this.#options.hand !== undefined) {
      this.#options.hand(this.name, socket);
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
    } else if (this.#tls !== undefined) this.#tls.accept(socket);
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

  #createTls(settings: TlsSettings): TlsServer {
    return new TlsServer({
      listener: this.name,
      settings,
      handshakeTimeoutMs: this.#options.limits.handshakeTimeoutMs,
      now: this.#options.now ?? Date.now,
      onSecure: (socket, client) => this.#serve(socket, socket.alpnProtocol === 'h2' ? 'h2' : 'http/1.1', client),
      onFailed: (end, socket) => {
        const peer = this.#peers.get(socket);
        // A port check of a load balancer: connected, said nothing, left.
        if (end.limit === undefined && socket.bytesRead <= (peer?.headerBytes ?? 0)) return;
        this.#budgets.get(socket)?.handshakeFailed();
        this.#ended(end, peer?.address);
      },
    });
  }

  #serve(socket: Socket | TLSSocket, protocol: Protocol, client?: ClientCertificate): void {
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
      ...(client !== undefined && { clientCertificate: client }),
    };
    this.#events.emit('connection_opened', { listener: this.name, protocol, tlsVersion: connection.tlsVersion });
    const budget = this.#budgets.get(raw);
    if (protocol === 'h2') {
      this.#age(raw, this.#engine.accept(socket, connection, budget), peer);
      return;
    }
    socket.once('close', () => this.#events.emit('connection_closed', { listener: this.name, protocol }));
    this.#age(raw, this.#http1.accept(socket, connection, budget), peer);
  }

  #age(socket: Socket, served: Served, peer: Peer): void {
    const { limits, after = systemClock.after } = this.#options;
    const { maxConnectionAgeMs = 0, maxConnectionAgeGraceMs = 0 } = limits;
    limitAge(socket, served, { maxConnectionAgeMs, maxConnectionAgeGraceMs }, { after, random: Math.random }, () => {
      this.#ended({ reason: 'too old', limit: 'limits.max_connection_age_grace_ms' }, peer.address);
      socket.destroy();
    });
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
