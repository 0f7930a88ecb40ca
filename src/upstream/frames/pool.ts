/** The pool for HTTP/2 upstreams, cleartext and TLS, on sessions of the gateway's own. */

import type { Socket } from 'node:net';
import { type Clock, systemClock } from '../../core/clock.ts';
import { GatewayError } from '../../core/errors.ts';
import type { UpstreamStream } from '../../core/raw.ts';
import { connectH2 } from '../connect.ts';
import { connectError } from '../node-error.ts';
import { giveUpWaiting, watchSession } from '../patience.ts';
import type { Address, OpenRequest, PoolObserver, PoolSettings, UpstreamPool } from '../pool.ts';
import { FrameUpstreamSession } from './session.ts';

/** A request that waits for a session, or for room on one. */
interface Waiting {
  readonly request: OpenRequest;
  readonly resolve: (stream: UpstreamStream) => void;
  readonly reject: (error: unknown) => void;
  cancelTimeout: () => void;
}

/** Sessions to one endpoint that speaks HTTP/2. */
export class FramesPool implements UpstreamPool {
  readonly #address: Address;
  readonly #where: string;
  readonly #settings: PoolSettings;
  readonly #observer: PoolObserver;
  readonly #clock: Clock;
  /** Sessions that have begun, with what stops their watch. */
  readonly #sessions = new Map<FrameUpstreamSession, () => void>();
  /** Connections that no session has begun on. */
  readonly #connecting = new Set<Socket>();
  readonly #waiting: Waiting[] = [];
  #streams = 0;
  #draining = false;
  #destroyed = false;

  constructor(address: Address, settings: PoolSettings, observer: PoolObserver, clock: Clock = systemClock) {
    this.#address = address;
    this.#where = `${address.host}:${address.port}`;
    this.#settings = settings;
    this.#observer = observer;
    this.#clock = clock;
  }

  get sessions(): number {
    return this.#sessions.size;
  }

  get streams(): number {
    return this.#streams;
  }

  async open(request: OpenRequest): Promise<UpstreamStream> {
    const session = this.#waiting.length === 0 ? this.#roomiest() : undefined;
    return session === undefined ? await this.#wait(request) : this.#start(session, request);
  }

  drain(): void {
    this.#draining = true;
    for (const session of this.#sessions.keys()) session.retire();
  }

  destroy(): void {
    this.#draining = true;
    this.#destroyed = true;
    for (const socket of this.#connecting) socket.destroy();
    for (const session of this.#sessions.keys()) session.destroy();
    this.#failAll(new GatewayError('CONNECT_FAILED', { detail: `${this.#where}: closed` }));
  }

  /** The session with room that has the fewest streams. */
  #roomiest(): FrameUpstreamSession | undefined {
    let found: FrameUpstreamSession | undefined;
    for (const session of this.#sessions.keys()) {
      if (session.hasRoom && (found === undefined || session.open < found.open)) found = session;
    }
    return found;
  }

  #start(session: FrameUpstreamSession, request: OpenRequest): UpstreamStream {
    if (!request.wanted()) throw new GatewayError('CLIENT_LEFT');
    const stream = session.request(request);
    this.#streams += 1;
    return stream;
  }

  #wait(request: OpenRequest): Promise<UpstreamStream> {
    const { promise, resolve, reject } = Promise.withResolvers<UpstreamStream>();
    const waiting: Waiting = { request, resolve, reject, cancelTimeout() {} };
    this.#waiting.push(waiting);
    this.#connectMore();
    const connecting = (): boolean => this.#connecting.size > 0;
    waiting.cancelTimeout = giveUpWaiting(this.#settings, this.#clock, this.#where, connecting, (error) => {
      this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
      reject(error);
    });
    return promise;
  }

  /** Lets in who waits, whoever came first, as far as there is room. */
  readonly #serve = (): void => {
    while (this.#waiting.length > 0) {
      const session = this.#roomiest();
      if (session === undefined) break;
      const { request, resolve, reject, cancelTimeout } = this.#waiting.shift()!;
      cancelTimeout();
      try {
        resolve(this.#start(session, request));
      } catch (error) {
        reject(error);
      }
    }
    this.#connectMore();
  };

  /** One connection is made at a time: who waits behind it may find room on it. */
  #connectMore(): void {
    const { maxSessions } = this.#settings;
    if (this.#waiting.length === 0 || this.#connecting.size > 0 || this.#sessions.size >= maxSessions) return;
    if (!this.#destroyed) void this.#connect();
  }

  async #connect(): Promise<void> {
    const { connectTimeoutMs } = this.#settings;
    const started = this.#clock.now();
    const { socket, ready } = connectH2(this.#address, this.#settings);
    this.#connecting.add(socket);
    try {
      await ready;
      if (socket.destroyed) throw this.#silent();
    } catch (error) {
      this.#notConnected(socket, error);
      return;
    }
    // A peer that accepts and says nothing would leave every request waiting.
    const left = connectTimeoutMs - (this.#clock.now() - started);
    const cancelTimeout = this.#clock.after(Math.max(0, left), () => {
      const detail = `${this.#where}: no SETTINGS within ${connectTimeoutMs} ms`;
      session.destroy('no SETTINGS', new GatewayError('CONNECT_TIMEOUT', { detail }));
    });
    const session = new FrameUpstreamSession(socket, this.#settings, {
      ready: () => {
        cancelTimeout();
        this.#connecting.delete(socket);
        this.#begun(session);
      },
      room: this.#serve,
      streamClosed: () => {
        this.#streams -= 1;
        this.#observer.streamClosed?.();
      },
      closed: (reason, cause) => {
        cancelTimeout();
        if (this.#connecting.has(socket)) this.#notConnected(socket, cause ?? this.#silent());
        else this.#ended(session, reason);
      },
    });
  }

  #begun(session: FrameUpstreamSession): void {
    this.#sessions.set(
      session,
      watchSession(this.#settings, this.#clock, {
        streams: () => session.open,
        ping: (answered) => session.ping(answered),
        unused: () => session.retire('idle'),
        dead: (reason) => session.destroy(reason),
      }),
    );
    this.#observer.sessionOpened(session.id);
    this.#serve();
    if (this.#draining) session.retire();
  }

  #ended(session: FrameUpstreamSession, reason: string): void {
    this.#sessions.get(session)?.();
    this.#sessions.delete(session);
    this.#observer.sessionClosed(session.id, reason);
    this.#connectMore();
  }

  /** Who waits hears of it, unless there are sessions on which there may be room yet. */
  #notConnected(socket: Socket, error: unknown): void {
    this.#connecting.delete(socket);
    if (this.#sessions.size === 0) this.#failAll(connectError(error, this.#where));
  }

  #silent(): GatewayError {
    const detail = `${this.#where}: closed before its SETTINGS (does it speak HTTP/2?)`;
    return new GatewayError('UPSTREAM_PROTOCOL', { detail });
  }

  #failAll(error: GatewayError): void {
    for (const { reject, cancelTimeout } of this.#waiting.splice(0)) {
      cancelTimeout();
      reject(error);
    }
  }
}
