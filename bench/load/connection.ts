/** A client's connection, of either version of HTTP. */

import { once } from 'node:events';
import net from 'node:net';
import tls from 'node:tls';
import type { Call } from './call.ts';
import { H1Connection } from './h1-connection.ts';
import { H2Connection } from './h2-connection.ts';
import type { Target } from './plan.ts';

/** What a connection tells of its calls. */
export interface Listener {
  /** The whole answer is here. */
  answered(call: Call): void;
  /** No answer will come. `unprocessed`: the server says that it did nothing, and the call may be sent again. */
  failed(call: Call, why: string, unprocessed: boolean): void;
  /** It takes no more calls, or more than before. */
  changed(): void;
}

/** A connection that is open. */
export interface Connection {
  /** How many calls more it takes now. */
  readonly room: number;
  readonly inFlight: number;
  /** It takes no more calls; those on their way may still be answered. */
  readonly over: boolean;
  send(call: Call): void;
  /** Gives up calls that were sent before a time. */
  expire(before: number): void;
  close(): void;
}

/** What is needed to open one. */
export interface Opening {
  readonly target: Target;
  readonly streams: number;
  /** A TLS session to resume. */
  readonly session: Buffer | undefined;
  readonly timeoutMs: number;
  /** Told of TLS sessions that the next connection can resume. */
  readonly onSession: ((session: Buffer) => void) | undefined;
}

/** An open connection with what its handshake was. */
export interface Opened {
  readonly connection: Connection;
  readonly resumed: boolean;
}

/** Opens a connection and speaks first. Rejects with a short reason. */
export async function openConnection(opening: Opening, listener: Listener): Promise<Opened> {
  const { target } = opening;
  const socket = target.tls ? secured(opening) : net.connect({ host: target.host, port: target.port });
  socket.setNoDelay(true);
  const timer = setTimeout(() => socket.destroy(new Error('timeout')), opening.timeoutMs);
  try {
    await once(socket, target.tls ? 'secureConnect' : 'connect');
  } catch (error) {
    socket.destroy();
    const { code, message } = error as NodeJS.ErrnoException;
    throw new Error(`connect: ${code ?? message}`);
  } finally {
    clearTimeout(timer);
  }
  if (target.tls && target.protocol === 'h2' && (socket as tls.TLSSocket).alpnProtocol !== 'h2') {
    socket.destroy();
    throw new Error('connect: the server does not speak HTTP/2');
  }
  const resumed = target.tls && (socket as tls.TLSSocket).isSessionReused();
  const connection =
    target.protocol === 'h2'
      ? new H2Connection(socket, target, opening.streams, listener)
      : new H1Connection(socket, target, listener);
  return { connection, resumed };
}

function secured({ target, session, onSession }: Opening): tls.TLSSocket {
  const name = target.authority.replace(/:\d+$/, '');
  const socket = tls.connect({
    host: target.host,
    port: target.port,
    // An address is no server name (RFC 6066 section 3).
    ...(net.isIP(name.replace(/^\[|\]$/g, '')) === 0 && { servername: name }),
    ALPNProtocols: [target.protocol],
    rejectUnauthorized: target.verify,
    ...(target.offer !== undefined && { ciphers: target.offer.ciphers, ecdhCurve: target.offer.groups }),
    ...(session !== undefined && { session }),
  });
  if (onSession !== undefined) socket.on('session', onSession);
  return socket;
}
