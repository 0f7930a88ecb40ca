/** Listeners as the config says them, with their certificates read and checked. */

import { readFile } from 'node:fs/promises';
import { parseListenAddress } from '../config/address.ts';
import type { Config, ListenerConfig } from '../config/schema.ts';
import type { Events } from '../core/events.ts';
import type { AddressBudgets } from '../transport/budgets.ts';
import { type ConnectionCount, Listener, type RequestSink } from '../transport/listener.ts';
import { type CertificatePair, certificateNames, checkPair, type TlsSettings } from '../transport/tls.ts';

/** What was found out about the certificates of a listener, for the log. */
export interface CertificateNotice {
  readonly file: string;
  readonly names: readonly string[];
  readonly until: Date;
  readonly made: boolean;
}

export interface MadeListener {
  readonly config: ListenerConfig;
  readonly listener: Listener;
  readonly certificates: readonly CertificateNotice[];
}

/** What the listeners of a gateway share. */
export interface ListenerContext {
  readonly limits: Config['limits'];
  /** Where the development certificate is kept. */
  readonly folder: string;
  /** Connections of all listeners, for `limits.max_connections`. */
  readonly count: ConnectionCount;
  /** What the addresses of peers may do, over all listeners. */
  readonly addresses: AddressBudgets;
  /** Whether a peer is in `trusted_proxies` now: a reload may change them. */
  trusted(address: string): boolean;
  readonly sink: RequestSink;
  readonly events: Events;
}

/** Makes a listener; rejects with a message that names the file when a certificate cannot be used. */
export async function makeListener(
  config: ListenerConfig,
  { limits, folder, count, addresses, trusted, sink, events }: ListenerContext,
): Promise<MadeListener> {
  const { host, port } = parseListenAddress(config.address)!;
  const pairs = config.tls === undefined ? [] : await certificatesOf(config.tls, folder);
  const tls: TlsSettings | undefined = config.tls && {
    certificates: pairs.map(({ pair }) => pair),
    minVersion: config.tls.min_version,
    ciphers: config.tls.ciphers,
  };
  const listener = new Listener(
    {
      name: config.name,
      host,
      port,
      tls,
      count,
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
      },
    },
    sink,
    events,
  );
  return { config, listener, certificates: pairs.map(({ notice }) => notice) };
}

async function certificatesOf(
  tls: NonNullable<ListenerConfig['tls']>,
  folder: string,
): Promise<{ pair: CertificatePair; notice: CertificateNotice }[]> {
  const now = Date.now();
  const pairs: { pair: CertificatePair; made: boolean }[] = await Promise.all(
    tls.certificates.map(async ({ certificate_file, key_file, passphrase }) => {
      const [certificate, key] = await Promise.all([pem(certificate_file), pem(key_file)]);
      return { pair: { certificate, key, passphrase, source: certificate_file }, made: false };
    }),
  );
  if (pairs.length === 0) {
    // Loaded only where it is asked for: it brings an ASN.1 library with it.
    const { developmentCertificate } = await import('../transport/development-certificate.ts');
    const { made, ...pair } = await developmentCertificate(folder);
    pairs.push({ pair, made });
  }
  return pairs.map(({ pair, made }) => {
    const until = checkPair(pair, now);
    return { pair, notice: { file: pair.source, names: certificateNames(pair.certificate), until, made } };
  });
}

async function pem(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new Error(`${file}: cannot be read (${(error as NodeJS.ErrnoException).code ?? error})`, { cause: error });
  }
}
