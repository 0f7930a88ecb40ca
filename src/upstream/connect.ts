/** A TCP or TLS connection to an endpoint, within a time. */

import net, { isIP, type Socket } from 'node:net';
import tls, { type TLSSocket } from 'node:tls';
import { GatewayError } from '../core/errors.ts';
import type { Address, PoolSettings, TlsClientSettings } from './pool.ts';

/** A socket that is being connected; `ready` rejects with what Node says, or with CONNECT_TIMEOUT. */
export interface Connecting<T extends Socket = Socket> {
  readonly socket: T;
  readonly ready: Promise<T>;
}

/** Connects by TCP; both address families where the name has both (Node's own Happy Eyeballs). */
export function connectTcp(address: Address, timeoutMs: number): Connecting {
  const socket = net.connect({ host: address.host, port: address.port, noDelay: true, keepAlive: true });
  return connecting(socket, 'connect', timeoutMs, `${address.host}:${address.port}`);
}

/** Connects by TCP and TLS and checks the certificate unless told not to; `alpn` in order of preference. */
export function connectTls(
  address: Address,
  settings: TlsClientSettings,
  alpn: readonly string[],
  timeoutMs: number,
): Connecting<TLSSocket> {
  const serverName = settings.serverName ?? address.host;
  const socket = tls.connect({
    host: address.host,
    port: address.port,
    ALPNProtocols: [...alpn],
    // An address is no name for SNI, RFC 6066 section 3; Node then verifies against the address itself.
    ...(isIP(serverName) === 0 && { servername: serverName }),
    ...(settings.ca !== undefined && { ca: settings.ca }),
    ...(settings.certificate !== undefined && { cert: settings.certificate }),
    ...(settings.key !== undefined && { key: settings.key }),
    // Safe by default; skipping must be spelled out in the config.
    rejectUnauthorized: !settings.insecureSkipVerify,
  });
  socket.setNoDelay(true);
  socket.setKeepAlive(true);
  return connecting(socket, 'secureConnect', timeoutMs, `${address.host}:${address.port} as ${serverName}`);
}

/** Connects for HTTP/2: by TCP, or by TLS where the protocol says so, and then h2 must be agreed on (UPSTREAM_PROTOCOL). */
export function connectH2(
  address: Address,
  { protocol, tls, connectTimeoutMs }: Pick<PoolSettings, 'protocol' | 'tls' | 'connectTimeoutMs'>,
): Connecting {
  if (protocol === 'h2c') return connectTcp(address, connectTimeoutMs);
  const { socket, ready } = connectTls(address, tls, ['h2'], connectTimeoutMs);
  const agreed = ready.then(() => {
    if (socket.alpnProtocol === 'h2') return socket;
    socket.destroy();
    const detail = `${address.host}:${address.port} does not speak h2 over TLS`;
    throw new GatewayError('UPSTREAM_PROTOCOL', { detail });
  });
  agreed.catch(() => {}); // whoever waits for it is told all the same
  return { socket, ready: agreed };
}

function connecting<T extends Socket>(socket: T, event: string, timeoutMs: number, where: string): Connecting<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const timer = setTimeout(() => {
    const what = event === 'connect' ? 'connection' : 'TLS handshake';
    socket.destroy(new GatewayError('CONNECT_TIMEOUT', { detail: `${where}: no ${what} within ${timeoutMs} ms` }));
  }, timeoutMs).unref();
  // Stays: whoever owns the socket later looks at `close`.
  socket.on('error', reject);
  socket.once('close', () => {
    clearTimeout(timer);
    reject(new GatewayError('CONNECT_FAILED', { detail: `${where}: closed` }));
  });
  socket.once(event, () => {
    clearTimeout(timer);
    resolve(socket);
  });
  promise.catch(() => {}); // an HTTP/1.1 connection may fail when nobody waits for it any more
  return { socket, ready: promise };
}
