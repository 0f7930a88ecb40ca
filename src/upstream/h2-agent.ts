/** http2-wrapper's Agent with its measured defects mended; sessions to one endpoint, over TLS or cleartext. */

import type { ClientHttp2Session, SecureClientSessionOptions, Settings } from 'node:http2';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { Agent } from 'http2-wrapper';
import type { Clock } from '../core/clock.ts';
import { GatewayError } from '../core/errors.ts';
import { connectH2 } from './connect.ts';
import type { Address, PoolSettings } from './pool.ts';

/** Parts of the Agent that its typings leave out. */
const internals = Agent as unknown as { readonly kGracefullyClosing: symbol; readonly kCurrentStreamCount: symbol };

/** A session as the Agent marks it. */
export type AgentSession = ClientHttp2Session & { [internal: symbol]: unknown };

/** Who waits for a session. `resolve` is called when a stream may be opened, and must do so at once or not at all. */
export interface Waiter {
  resolve(session: AgentSession): void;
  reject(error: unknown): void;
}

/** On a socket: to be called when SETTINGS came. */
const SETTINGS_CAME = Symbol('SETTINGS came');

/**
 * The defects of http2-wrapper 2.2.4 that are worked round here, each with a test of the same name:
 * - "h2c opens a session per request": the pool looks a session up by `https://<servername>:<port>`, and a plain
 *   socket has no servername; it is given one, and the origin is always spelled `https:`.
 * - "after a GOAWAY requests fail until its last stream is done": the lookup does not see a session that was told to
 *   go; it is marked as closing.
 * - "an ORIGIN frame revives a session that was told to go": it clears that mark; ORIGIN is not listened to.
 * - "the fullest session is preferred": the least loaded one is.
 * - "32 MiB stream windows": one reader that stops would buffer that much.
 * - "no connect or SETTINGS timeout": both are bounded, together.
 * - "a certificate is matched by name a second time": `tls.connect` has verified it, or was told not to.
 * - "an unused session holds the process": it is only let go of when its first stream closes.
 */
export class H2Agent extends Agent {
  readonly #origin: URL;
  readonly #address: Address;
  readonly #settings: PoolSettings;
  readonly #clock: Clock;
  readonly #sessionOptions: SecureClientSessionOptions;
  #connecting = 0;
  /** Connections that no SETTINGS have come on. */
  readonly #speechless = new Set<Socket>();

  constructor(address: Address, settings: PoolSettings, clock: Clock) {
    super({ maxSessions: settings.maxSessions, maxEmptySessions: settings.maxSessions });
    this.#address = address;
    this.#settings = settings;
    this.#clock = clock;
    const name = settings.tls.serverName ?? address.host;
    this.#origin = new URL(`https://${name.includes(':') ? `[${name}]` : name}:${address.port}`);
    this.#sessionOptions = {
      settings: {
        enablePush: false,
        initialWindowSize: settings.streamWindowBytes,
        maxHeaderListSize: settings.maxAnswerHeaderBytes,
      },
      // Node counts what waits to be written too: at its default of 10 MB full windows fail each other's streams.
      maxSessionMemory: 256,
      maxHeaderListPairs: 1024,
      maxSendHeaderBlockLength: 256 * 1024,
    };
    this.on('session', (session: AgentSession) => {
      (session.socket as unknown as { [SETTINGS_CAME]: () => void })[SETTINGS_CAME]();
      session.unref();
      session.removeAllListeners('origin');
      this.#capStreams(session);
      session.on('goaway', () => this.retire(session));
    });
  }

  /** A connection is being made: whoever waits will hear of it. */
  get connecting(): boolean {
    return this.#connecting > 0;
  }

  /** Hands a session with room to the waiter: at once where there is one, else when there is. */
  take(waiter: Waiter): void {
    const open = (session: AgentSession): void => {
      if (session.closed) {
        // The Agent closes idle sessions to make room without marking them.
        this.retire(session);
        this.take(waiter);
      } else {
        waiter.resolve(session);
      }
    };
    const listeners = [{ resolve: open, reject: (error: unknown) => waiter.reject(error) }];
    // The typings say one listener, the code takes an array.
    void this.getSession(this.#origin, this.#sessionOptions, listeners as never);
  }

  /** No new streams on this session. */
  retire(session: AgentSession): void {
    session[internals.kGracefullyClosing] = true;
    if (session[internals.kCurrentStreamCount] === 0) session.close();
  }

  streamCount(session: AgentSession): number {
    return session[internals.kCurrentStreamCount] as number;
  }

  // The options are the same for all requests; the Agent would spell them out for each.
  override normalizeOptions(): string {
    return 'all';
  }

  /** Called with the number of streams of a session and the lowest so far, -1 before the first. */
  protected _isBetterSession(streams: number, lowest: number): boolean {
    return lowest === -1 || streams < lowest;
  }

  /** A peer that names no limit would get everything on one connection. */
  #capStreams(session: ClientHttp2Session): void {
    const cap = this.#settings.maxStreamsPerSession;
    const prototype = Object.getPrototypeOf(session) as ClientHttp2Session;
    const remote = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(prototype), 'remoteSettings')!.get!;
    let capped: Settings | undefined;
    session.prependListener('remoteSettings', () => {
      capped = undefined;
    });
    Object.defineProperty(session, 'remoteSettings', {
      get() {
        if (capped === undefined) {
          const settings = remote.call(session) as Settings;
          capped = { ...settings, maxConcurrentStreams: Math.min(settings.maxConcurrentStreams ?? cap, cap) };
        }
        return capped;
      },
    });
  }

  // The Agent's signature has more; it is called with the origin, and the address is ours.
  override async createConnection(): Promise<TLSSocket> {
    const started = this.#clock.now();
    this.#connecting += 1;
    let socket: Socket;
    try {
      socket = await this.#connect();
    } catch (error) {
      this.#connecting -= 1;
      throw error;
    }
    this.#expectSettings(socket, this.#settings.connectTimeoutMs - (this.#clock.now() - started));
    return socket as TLSSocket;
  }

  async #connect(): Promise<Socket> {
    const socket = await connectH2(this.#address, this.#settings).ready;
    if (this.#settings.protocol !== 'h2c')
      Object.defineProperty(socket, 'getPeerX509Certificate', { value: undefined });
    Object.defineProperty(socket, 'servername', { value: this.#origin.hostname });
    return socket;
  }

  // The Agent knows of sessions only: a connection that no SETTINGS have come on would stay.
  override destroy(...how: Parameters<Agent['destroy']>): void {
    super.destroy(...how);
    for (const socket of [...this.#speechless]) socket.destroy();
  }

  /** A peer that accepts and says nothing would leave every request pending. */
  #expectSettings(socket: Socket, ms: number): void {
    const cancelTimeout = this.#clock.after(ms, () => {
      const detail = `${this.#address.host}:${this.#address.port}: no SETTINGS within ${this.#settings.connectTimeoutMs} ms`;
      socket.destroy(new GatewayError('CONNECT_TIMEOUT', { detail }));
    });
    this.#speechless.add(socket);
    const over = (): void => {
      if (!this.#speechless.delete(socket)) return;
      cancelTimeout();
      this.#connecting -= 1;
    };
    Object.defineProperty(socket, SETTINGS_CAME, { value: over });
    socket.once('close', over);
    // An alert of TLS 1.3 comes after the handshake, as where a client certificate is missed: Node tells of it and leaves
    // socket and session open.
    socket.once('error', (error) => socket.destroy(error));
  }
}
