import { once } from 'node:events';
import http from 'node:http';
import http2 from 'node:http2';
import net from 'node:net';

/** A key and certificate in PEM form. */
export interface KeyPair {
  readonly key: string | Buffer;
  readonly cert: string | Buffer;
}

/** One accepted TCP connection and what runs on it. */
export interface Connection {
  readonly id: number;
  readonly socket: net.Socket;
  session: http2.ServerHttp2Session | undefined;
  readonly streams: Set<http2.ServerHttp2Stream>;
  /** Streams above this id are refused: a GOAWAY with this id has been sent. */
  refuseAbove: number | undefined;
}

/** What a listener is made of. */
export interface ListenerOptions {
  readonly host: string;
  readonly port: number;
  readonly tls: KeyPair | undefined;
  readonly maxConcurrentStreams: number;
  readonly onRequest: (request: http.IncomingMessage, reply: http.ServerResponse, connection: Connection) => void;
}

type Accept = 'serve' | 'mute';

/** The server HTTP/2 settings of golang.org/x/net/http2, which ZITADEL leaves at their defaults. */
const GO_WINDOW_BYTES = 1 << 20;
const GO_MAX_HEADER_LIST_BYTES = 1 << 20;

/**
 * A bound socket that speaks HTTP/1.1 and HTTP/2 on one port: by prior knowledge when in the clear (the first bytes of
 * the client preface decide, RFC 9113 section 3.4), by ALPN when there is a key pair.
 */
export class Listener {
  readonly connections = new Set<Connection>();
  /** All HTTP/2 sessions since the start. */
  sessions = 0;
  /** What happens to new connections: `mute` accepts them and never says a word. */
  accept: Accept = 'serve';
  readonly #options: ListenerOptions;
  readonly #byPeer = new Map<string, Connection>();
  readonly #h1: http.Server;
  readonly #h2: http2.Http2Server | http2.Http2SecureServer;
  #front: net.Server;
  #ids = 0;
  #port = 0;

  private constructor(options: ListenerOptions) {
    this.#options = options;
    const onRequest = (request: unknown, reply: unknown) =>
      this.#onRequest(request as http.IncomingMessage, reply as http.ServerResponse);
    const settings = {
      maxConcurrentStreams: options.maxConcurrentStreams,
      initialWindowSize: GO_WINDOW_BYTES,
      maxHeaderListSize: GO_MAX_HEADER_LIST_BYTES,
    };
    // ZITADEL sets no read, header or idle timeouts and no header limit (cmd/start/start.go): neither does this.
    const http1Options: http.ServerOptions = {
      maxHeaderSize: GO_MAX_HEADER_LIST_BYTES,
      requestTimeout: 0,
      headersTimeout: 0,
      keepAliveTimeout: 0,
    };
    this.#h1 = http.createServer(http1Options, onRequest);
    const h2Options = { settings, maxHeaderListPairs: 4096, maxSessionMemory: 256 };
    this.#h2 = options.tls
      ? http2.createSecureServer(
          { ...h2Options, ...options.tls, allowHTTP1: true, http1Options: http1Options as object },
          onRequest,
        )
      : http2.createServer(h2Options, onRequest);
    this.#h2.on('session', (session: http2.ServerHttp2Session) => this.#onSession(session));
    // A session that dies under a test is the test's business, not an error of the process.
    this.#h2.on('sessionError', () => {});
    this.#front = this.#makeFront();
  }

  static async open(options: ListenerOptions): Promise<Listener> {
    const listener = new Listener(options);
    await listener.#bind(options.port);
    return listener;
  }

  get port(): number {
    return this.#port;
  }

  get openSessions(): number {
    let open = 0;
    for (const connection of this.connections) if (connection.session && !connection.session.destroyed) open += 1;
    return open;
  }

  /** Stops listening and cuts every connection, as the end of a process does: no GOAWAY, no last chunk. */
  async stop(): Promise<void> {
    if (!this.#front.listening) return this.cut();
    const closed = once(this.#front, 'close');
    this.#front.close();
    this.cut();
    await closed;
  }

  /** Takes no more connections; those that are open go on. */
  stopListening(): void {
    if (this.#front.listening) this.#front.close();
  }

  /** Listens again on the port it had. */
  async restart(): Promise<void> {
    if (this.#front.listening) return;
    this.#front = this.#makeFront();
    await this.#bind(this.#port);
  }

  /** Resets every connection. */
  cut(): void {
    for (const { socket } of this.connections) socket.resetAndDestroy();
  }

  async #bind(port: number): Promise<void> {
    this.#front.listen(port, this.#options.host);
    await once(this.#front, 'listening');
    this.#port = (this.#front.address() as net.AddressInfo).port;
  }

  #makeFront(): net.Server {
    return net.createServer({ noDelay: true }, (socket) => this.#onConnection(socket));
  }

  #onConnection(socket: net.Socket): void {
    const peer = peerOf(socket);
    this.#ids += 1;
    const connection: Connection = {
      id: this.#ids,
      socket,
      session: undefined,
      streams: new Set(),
      refuseAbove: undefined,
    };
    this.connections.add(connection);
    this.#byPeer.set(peer, connection);
    socket.on('error', () => {});
    socket.on('close', () => {
      this.connections.delete(connection);
      this.#byPeer.delete(peer);
    });
    if (this.accept === 'mute') return;
    if (this.#options.tls) this.#h2.emit('connection', socket);
    else this.#sniff(socket);
  }

  /** node:http2 in the clear does not speak HTTP/1.1, so the first three bytes choose the server. */
  #sniff(socket: net.Socket): void {
    let seen = Buffer.alloc(0);
    const onReadable = () => {
      for (let chunk = socket.read() as Buffer | null; chunk !== null; chunk = socket.read() as Buffer | null) {
        seen = Buffer.concat([seen, chunk]);
      }
      const start = seen.toString('latin1', 0, 3);
      if (seen.length < 3 && 'PRI'.startsWith(start)) return;
      socket.off('readable', onReadable);
      socket.unshift(seen);
      (start === 'PRI' ? this.#h2 : this.#h1).emit('connection', socket);
    };
    socket.on('readable', onReadable);
  }

  #onSession(session: http2.ServerHttp2Session): void {
    this.sessions += 1;
    const connection = this.#byPeer.get(peerOf(session.socket));
    session.on('error', () => {});
    session.setLocalWindowSize(GO_WINDOW_BYTES);
    if (!connection) return;
    connection.session = session;
    session.on('stream', (stream) => {
      connection.streams.add(stream);
      stream.on('close', () => connection.streams.delete(stream));
      stream.on('error', () => {});
    });
  }

  #onRequest(request: http.IncomingMessage, reply: http.ServerResponse): void {
    const connection = this.#byPeer.get(peerOf(request.socket));
    if (!connection) return void request.socket.destroy();
    this.#options.onRequest(request, reply, connection);
  }
}

/** The peer as a key: over TLS the session has another socket object than the one accepted, but the same peer. */
function peerOf(socket: net.Socket): string {
  return `${socket.remoteAddress} ${socket.remotePort}`;
}
