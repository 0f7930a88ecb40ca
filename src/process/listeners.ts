/** Listeners as the config says them. */

import { parseListenAddress } from '../config/address.ts';
import type { Config, ListenerConfig } from '../config/schema.ts';
import type { Events } from '../core/events.ts';
import type { AddressBudgets } from '../transport/budgets.ts';
import { ENGINES } from '../transport/engines/index.ts';
import { type ConnectionCount, Listener, type ListenerOptions, type RequestSink } from '../transport/listener.ts';
import type { TlsSettings } from '../transport/tls.ts';

/** A listener, and the part of the config that it was made from. */
export interface MadeListener {
  readonly config: ListenerConfig;
  readonly listener: Listener;
  /** What of the config it was made from, as text: its own part, and what it has of `limits`. */
  readonly from: { readonly own: string; readonly limits: string };
}

/** What the listeners of a gateway share. */
export interface ListenerContext {
  readonly limits: Config['limits'];
  /** Its certificates, where the config wants TLS. */
  readonly tls: TlsSettings | undefined;
  /** Connections of all listeners, for `limits.max_connections`. */
  readonly count: ConnectionCount;
  /** What the addresses of peers may do, over all listeners. */
  readonly addresses: AddressBudgets;
  /** Whether a peer is in `trusted_proxies` now: a reload may change them. */
  trusted(address: string): boolean;
  readonly sink: RequestSink;
  readonly events: Events;
  /** Whether there is no memory for more connections. */
  readonly memoryShort?: () => boolean;
  /** Takes what is accepted, where it is served in another thread. */
  readonly hand?: ListenerOptions['hand'];
}

/** Makes a listener; throws where OpenSSL does not take its certificates. */
export function makeListener(
  config: ListenerConfig,
  { limits, tls, count, addresses, trusted, sink, events, memoryShort, hand }: ListenerContext,
): MadeListener {
  const { host, port } = parseListenAddress(config.address)!;
  const from = originOf(config, limits);
  const listener = new Listener(
    {
      name: config.name,
      host,
      port,
      tls,
      count,
      engine: ENGINES[limits.http2_engine],
      ...(memoryShort !== undefined && { memoryShort }),
      ...(hand !== undefined && { hand }),
      ...(config.proxy_protocol && { proxyProtocol: { trusted } }),
      // Peers of an internal listener are servers that carry many clients.
      ...(config.trust === 'public' && {
        addresses,
        rates: {
          resets: limits.per_connection.resets_per_s,
          malformed: limits.per_connection.malformed_per_s,
          header_bytes: limits.per_connection.header_bytes_per_s,
        },
      }),
      limits: {
        maxHeaderBytes: limits.max_header_bytes,
        maxHeaderCount: limits.max_header_count,
        maxUrlBytes: limits.max_url_bytes,
        maxConcurrentStreams: limits.max_concurrent_streams,
        streamWindowBytes: limits.stream_window_bytes,
        connectionWindowBytes: limits.connection_window_bytes,
        idleTimeoutMs: limits.idle_timeout_ms,
        headerTimeoutMs: limits.header_timeout_ms,
        maxConnections: limits.max_connections,
        handshakeTimeoutMs: limits.handshake_timeout_ms,
        keepAliveMs: limits.keep_alive_ms,
        maxConnectionAgeMs: limits.max_connection_age_ms,
        maxConnectionAgeGraceMs: limits.max_connection_age_grace_ms,
      },
    },
    sink,
    events,
  );
  return { config, listener, from };
}

/** What a listener is made from; what is not in it a generation reads anew for every request. */
export function originOf(config: ListenerConfig, limits: Config['limits']): MadeListener['from'] {
  const { name, address, tls, trust, proxy_protocol } = config;
  const { per_address: _, ban_s: _banS, ...own } = limits;
  return { own: JSON.stringify([name, address, tls, trust, proxy_protocol]), limits: JSON.stringify(own) };
}
