/** The pool for HTTP/1.1 upstreams, on Node's own client. */

import http, { type ClientRequest } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { GatewayError } from '../core/errors.ts';
import type { UpstreamStream } from '../core/raw.ts';
import { type Connecting, connectTcp, connectTls } from './connect.ts';
import { H1UpstreamStream } from './h1-stream.ts';
import { connectError } from './node-error.ts';
import {
  type Address,
  nextSession,
  type OpenRequest,
  type PoolObserver,
  type PoolSettings,
  type UpstreamPool,
} from './pool.ts';

/** A connection that is kept, from the moment it is begun. */
interface KeptConnection {
  readonly id: number;
  readonly ready: Promise<unknown>;
  connected: boolean;
}

/** Node's agent with connections made by our own connect, with its timeout and its TLS checks. */
class H1Agent extends http.Agent {
  readonly #connect: () => Socket;
  draining = false;

  constructor(connect: () => Socket, settings: PoolSettings) {
    super({
      keepAlive: settings.maxIdleConnections > 0, // Node takes 0 for its default of 256
      maxSockets: settings.maxSessions,
      maxFreeSockets: settings.maxIdleConnections,
      timeout: settings.idleSessionMs,
    });
    this.#connect = connect;
  }

  // At once, not by callback: Node counts a socket towards `maxSockets` when it has it.
  override createConnection(): Duplex {
    return this.#connect();
  }

  // Asked when a socket is done: whether it goes back to the idle ones. The typings have it return nothing.
  override keepSocketAlive(socket: Duplex): boolean {
    return !this.draining && (super.keepSocketAlive(socket) as unknown as boolean);
  }
}

/** Connections to one endpoint that speaks HTTP/1.1. */
export class H1Pool implements UpstreamPool {
  readonly #agent: H1Agent;
  readonly #address: Address;
  readonly #where: string;
  readonly #settings: PoolSettings;
  readonly #observer: PoolObserver;
  readonly #connections = new WeakMap<Duplex, KeptConnection>();
  #sessions = 0;
  #streams = 0;

  constructor(address: Address, settings: PoolSettings, observer: PoolObserver) {
    this.#address = address;
    this.#where = `${address.host}:${address.port}`;
    this.#settings = settings;
    this.#observer = observer;
    this.#agent = new H1Agent(() => this.#connect(), settings);
  }

  get sessions(): number {
    return this.#sessions;
  }

  get streams(): number {
    return this.#streams;
  }

  open(request: OpenRequest): Promise<UpstreamStream> {
    const { promise, resolve, reject } = Promise.withResolvers<UpstreamStream>();
    let client: ClientRequest;
    try {
      client = http.request({
        agent: this.#agent,
        method: request.method,
        path: request.path,
        headers: h1Fields(request),
        maxHeaderSize: this.#settings.maxAnswerHeaderBytes,
      });
    } catch (error) {
      return Promise.reject(connectError(error, this.#where));
    }
    const fail = (error: unknown): void => {
      clearTimeout(timer);
      reject(connectError(error, this.#where));
      client.destroy();
    };
    const timer = setTimeout(() => {
      // With a socket it is being connected, and that has a time of its own.
      if (client.socket === null || client.socket === undefined) fail(this.#waitedInVain());
    }, this.#settings.pendingTimeoutMs).unref();
    client.on('error', fail);
    client.once('socket', (socket) => {
      const connection = this.#connections.get(socket)!;
      const start = (): void => {
        clearTimeout(timer);
        if (client.destroyed) return;
        if (!request.wanted()) {
          fail(new GatewayError('CLIENT_LEFT'));
          return;
        }
        client.off('error', fail);
        resolve(this.#start(client, connection, request));
      };
      if (connection.connected) start();
      else connection.ready.then(start, fail);
    });
    return promise;
  }

  #start(client: ClientRequest, connection: KeptConnection, request: OpenRequest): UpstreamStream {
    this.#streams += 1;
    client.once('close', () => {
      this.#streams -= 1;
      this.#observer.streamClosed?.();
    });
    const stream = new H1UpstreamStream(client, connection.id, request.receiver);
    if (request.ended) stream.end();
    else client.flushHeaders();
    return stream;
  }

  #connect(): Socket {
    const { protocol, tls, connectTimeoutMs } = this.#settings;
    const { socket, ready }: Connecting =
      protocol === 'https'
        ? connectTls(this.#address, tls, ['http/1.1'], connectTimeoutMs)
        : connectTcp(this.#address, connectTimeoutMs);
    const connection: KeptConnection = { id: nextSession(), ready, connected: false };
    this.#connections.set(socket, connection);
    const opened = (): void => {
      connection.connected = true;
      this.#sessions += 1;
      this.#observer.sessionOpened(connection.id);
    };
    socket.once(protocol === 'https' ? 'secureConnect' : 'connect', opened);
    socket.once('close', () => {
      if (!connection.connected) return;
      this.#sessions -= 1;
      this.#observer.sessionClosed(connection.id, 'closed');
    });
    return socket;
  }

  #waitedInVain(): GatewayError {
    const { pendingTimeoutMs, maxSessions } = this.#settings;
    const detail = `${this.#where}: no free connection within ${pendingTimeoutMs} ms, max_sessions ${maxSessions}`;
    return new GatewayError('UPSTREAM_BUSY', { detail });
  }

  drain(): void {
    this.#agent.draining = true;
    for (const sockets of Object.values(this.#agent.freeSockets)) for (const socket of sockets ?? []) socket.destroy();
  }

  destroy(): void {
    this.#agent.destroy();
  }
}

/** The request's fields as HTTP/1.1 wants them: Host first, one Cookie field, a framing. */
function h1Fields(request: OpenRequest): string[] {
  const out = ['host', request.authority];
  let cookies: string | undefined;
  let framed = false;
  for (let i = 0; i < request.fields.length; i += 2) {
    const name = request.fields[i]!;
    const value = request.fields[i + 1]!;
    if (name === 'cookie') {
      // HTTP/2 may split it; HTTP/1.1 has one, RFC 9113 section 8.2.3.
      cookies = cookies === undefined ? value : `${cookies}; ${value}`;
      continue;
    }
    if (name === 'content-length') framed = true;
    out.push(name, value);
  }
  if (cookies !== undefined) out.push('cookie', cookies);
  if (!framed && !request.ended) out.push('transfer-encoding', 'chunked');
  else if (!framed && request.method !== 'GET' && request.method !== 'HEAD') out.push('content-length', '0');
  return out;
}
