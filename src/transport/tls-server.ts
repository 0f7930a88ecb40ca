/** The TLS of a listener: handshakes on sockets that it is given, with certificates that change while it runs. */

import type { Socket } from 'node:net';
import tls, { type SecureContext, type TLSSocket } from 'node:tls';
import type { ClientCertificate } from '../core/raw.ts';
import { clientOf, refusalCode } from './client-certificates.ts';
import { rawSocket } from './peer.ts';
import type { SessionEnd } from './session-end.ts';
import { type TlsSettings, tlsOptions } from './tls.ts';

/** What OpenSSL calls it when a client has no certificate and must have one. */
const NO_CERTIFICATE = 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE';

/** What the TLS of a listener is made with, and who hears of handshakes. */
export interface TlsServerOptions {
  /** The name of the listener. */
  readonly listener: string;
  readonly settings: TlsSettings;
  readonly handshakeTimeoutMs: number;
  /** Milliseconds since the epoch. */
  now(): number;
  /** A handshake is over; `client` is who showed a certificate. */
  onSecure(socket: TLSSocket, client: ClientCertificate | undefined): void;
  /** One has failed; the socket below it is closed. */
  onFailed(end: SessionEnd, socket: Socket): void;
}

/** The TLS of one listener. */
export class TlsServer {
  readonly #options: TlsServerOptions;
  readonly #server: tls.Server;
  #settings: TlsSettings;
  #contextOf: ReturnType<typeof tlsOptions>['contextOf'];
  #ticketKey: Buffer | undefined;

  /** Throws where OpenSSL does not take the certificates. */
  constructor(options: TlsServerOptions) {
    const { settings, listener, handshakeTimeoutMs } = options;
    this.#options = options;
    this.#settings = settings;
    const { contextOf, ...rest } = tlsOptions(settings, { listener });
    this.#contextOf = contextOf;
    const contextFor = (name: string, socket: TLSSocket): SecureContext | undefined => this.#contextOf(name, socket);
    this.#server = tls.createServer({
      ...rest,
      handshakeTimeout: handshakeTimeoutMs,
      SNICallback(this: TLSSocket, name: string, done: (error: null, context: SecureContext | undefined) => void) {
        done(null, contextFor(name, this)); // undefined: the default
      },
    } as tls.TlsOptions);
    this.#server.on('secureConnection', (socket) => this.#secure(socket));
    this.#server.on('tlsClientError', (error, socket) => this.#failed(error, socket));
  }

  /** Begins a handshake. */
  accept(socket: Socket): void {
    this.#server.emit('connection', socket);
  }

  /**
   * Uses other certificates from the next handshake on; those under way, and connections, keep theirs. Throws, and nothing
   * has changed, where OpenSSL does not take them.
   */
  use(settings: TlsSettings): void {
    const { listener } = this.#options;
    const { contextOf, ...rest } = tlsOptions(settings, { listener, ticketKey: this.#ticketKey });
    this.#server.setSecureContext(rest);
    // Node 26.10 has no other way to change whether clients are asked; it reads both for each connection.
    Object.assign(this.#server, { requestCert: rest.requestCert, rejectUnauthorized: rest.rejectUnauthorized });
    this.#contextOf = contextOf;
    this.#settings = settings;
  }

  /** Encrypts tickets with a key that others know too: 48 bytes. */
  setTicketKey(key: Buffer): void {
    this.#ticketKey = key;
    this.#server.setTicketKeys(key);
  }

  #secure(socket: TLSSocket): void {
    socket.on('error', () => {});
    const { clientCertificates } = this.#settings;
    if (clientCertificates === undefined) {
      this.#options.onSecure(socket, undefined);
      return;
    }
    const found = clientOf(socket, clientCertificates, this.#options.now());
    if ('client' in found) this.#options.onSecure(socket, found.client);
    else this.#end(found, socket);
  }

  #failed({ code, message }: NodeJS.ErrnoException, socket: TLSSocket): void {
    if (code === 'ERR_TLS_HANDSHAKE_TIMEOUT') {
      this.#end({ reason: 'TLS handshake timeout', limit: 'limits.handshake_timeout_ms' }, socket);
    } else if (code === NO_CERTIFICATE) {
      this.#end({ reason: 'client certificate missing', code }, socket);
    } else if (socket.authorizationError) {
      // Node closes it before anybody hears of it, and then tells of a connection that was lost.
      this.#end({ reason: 'client certificate refused', code: refusalCode(socket) }, socket);
    } else this.#end({ reason: 'TLS handshake failed', code: code ?? message }, socket);
  }

  #end(end: SessionEnd, socket: TLSSocket): void {
    this.#options.onFailed(end, rawSocket(socket));
    socket.destroy();
  }
}
