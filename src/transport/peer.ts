/** Who is at the other end of a new connection: the socket's peer, or whom a PROXY header names. */

import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { canonicalAddress } from '../core/address.ts';
import { type ProxyHeader, ProxyHeaderError, parseProxyHeader } from './proxy-protocol.ts';
import type { SessionEnd } from './session-end.ts';

/** The other end of a connection. */
export interface Peer {
  /** In canonical form. */
  readonly address: string;
  /** The load balancer that named the address, or that could not. */
  readonly proxyAddress?: string;
  /** The load balancer could not say whose connection it is; `address` is its own then, and must not be trusted. */
  readonly sourceUnknown?: true;
  /** How many bytes came before the connection itself. */
  readonly headerBytes: number;
}

/** Who may, and must, begin with a PROXY header. */
export interface ProxyProtocol {
  /** Whether a peer, in canonical form, is in `trusted_proxies`; asked for every connection. */
  trusted(address: string): boolean;
}

/** How the peer is found out, and who hears of it. */
export interface PeerOptions {
  /** Where there is none, the peer is the socket's and is found at once. */
  readonly proxyProtocol: ProxyProtocol | undefined;
  /** How long a PROXY header may take, in milliseconds. */
  readonly timeoutMs: number;
  /** What came behind the header is back in the socket. */
  found(peer: Peer): void;
  /** The connection must be closed. `reason` is one of a few fixed texts: nothing in it comes from the peer. */
  refused(end: SessionEnd): void;
}

/** Finds the peer of a connection; the returned function tells whether anything of a PROXY header has come. */
export function findPeer(socket: Socket, options: PeerOptions): () => boolean {
  const address = canonicalAddress(socket.remoteAddress ?? '');
  if (address === undefined) {
    socket.destroy(); // it has left already
    return () => false;
  }
  const { proxyProtocol } = options;
  if (proxyProtocol === undefined) {
    options.found({ address, headerBytes: 0 });
    return () => true;
  }
  // Before anything is read: whoever may not speak of others is not listened to.
  if (!proxyProtocol.trusted(address)) {
    options.refused({ reason: 'a PROXY listener takes trusted proxies only', limit: 'trusted_proxies' });
    return () => false;
  }
  return readHeader(socket, address, options);
}

function readHeader(socket: Socket, address: string, options: PeerOptions): () => boolean {
  const timer = setTimeout(() => {
    stop();
    options.refused({ reason: 'no PROXY header', limit: 'limits.header_timeout_ms' });
  }, options.timeoutMs).unref();
  let seen: Buffer = Buffer.alloc(0);
  function onReadable(): void {
    for (let chunk: Buffer | null = socket.read(); chunk !== null; chunk = socket.read()) {
      seen = seen.length === 0 ? chunk : Buffer.concat([seen, chunk]);
      let header: ProxyHeader | undefined;
      try {
        header = parseProxyHeader(seen);
      } catch (error) {
        stop();
        if (!(error instanceof ProxyHeaderError)) throw error;
        options.refused({ reason: error.message, limit: 'listeners[].proxy_protocol' });
        return;
      }
      if (header === undefined) continue;
      stop();
      if (seen.length > header.length) socket.unshift(seen.subarray(header.length));
      options.found(peerOf(header, address));
      return;
    }
  }
  function stop(): void {
    clearTimeout(timer);
    socket.off('readable', onReadable);
    socket.off('close', stop);
  }
  socket.once('close', stop);
  socket.on('readable', onReadable);
  return () => seen.length > 0;
}

function peerOf({ kind, source, length: headerBytes }: ProxyHeader, address: string): Peer {
  if (source !== undefined) return { address: source, proxyAddress: address, headerBytes };
  if (kind === 'local') return { address, headerBytes };
  return { address, proxyAddress: address, sourceUnknown: true, headerBytes };
}

/**
 * The connection under a TLS socket, else the socket itself; Node 26.10 has it in a private field, and counts what came
 * only there.
 */
export function rawSocket(socket: Socket | TLSSocket): Socket {
  return (socket as TLSSocket & { readonly _parent?: Socket })._parent ?? socket;
}
