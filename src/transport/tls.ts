/** Certificates by server name, with settings that are safe by default. */

import { createHash, X509Certificate } from 'node:crypto';
import {
  createSecureContext,
  type SecureContext,
  type SecureContextOptions,
  type TLSSocket,
  type TlsOptions,
} from 'node:tls';
import { type CertificatePair, certificateNames } from './certificates.ts';
import type { ClientCertificateSettings } from './client-certificates.ts';

/** What the config says of the TLS of a listener, with certificates read. */
export interface TlsSettings {
  /** The first is the default for names that none covers and for clients without SNI. */
  readonly certificates: readonly CertificatePair[];
  readonly minVersion: '1.2' | '1.3';
  /** OpenSSL cipher list; the default is Mozilla's "intermediate", which is also what HTTP/2 allows. */
  readonly ciphers?: string | undefined;
  /** Clients are asked for a certificate; nobody is where it is not given. */
  readonly clientCertificates?: ClientCertificateSettings | undefined;
}

/** What a listener adds to its settings. */
export interface TlsContext {
  /** The name of the listener. */
  readonly listener: string;
  /** See ticket-keys.ts; Node's own where it is not given. */
  readonly ticketKey?: Buffer | undefined;
}

/** How long a session can be resumed, in seconds; OpenSSL's own is two hours. */
const SESSION_S = 3600;

/** Mozilla's intermediate configuration 5.7: AEAD with forward secrecy only, as RFC 9113 section 9.2.2 asks. */
export const DEFAULT_CIPHERS = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':');

/**
 * Options for `tls.createServer` and `setSecureContext`: several certificates by SNI, an ECDSA and an RSA one for the same
 * name together. Throws where OpenSSL does not take them.
 */
export function tlsOptions(settings: TlsSettings, context: TlsContext): TlsOptions & ServerNames {
  const clients = settings.clientCertificates;
  const shared = {
    minVersion: settings.minVersion === '1.3' ? ('TLSv1.3' as const) : ('TLSv1.2' as const),
    ciphers: settings.ciphers ?? DEFAULT_CIPHERS,
    honorCipherOrder: true,
    // Chains of three RSA certificates shrink from 4.5 KB to 2.5 KB, which fits the initial congestion window.
    certificateCompression: ['brotli', 'zlib'],
    sessionTimeout: SESSION_S,
    sessionIdContext: sessionContext(settings, context.listener),
    // Also for contexts by name, whose authorities count for those who ask for it: without them any public one would do.
    ...(clients !== undefined && { ca: [...clients.authorities] }),
    ...(clients !== undefined && clients.revoked.length > 0 && { crl: [...clients.revoked] }),
  } as SecureContextOptions;
  const byName = new Map<string, CertificatePair[]>();
  for (const pair of settings.certificates) {
    for (const name of certificateNames(pair.certificate)) byName.set(name, [...(byName.get(name) ?? []), pair]);
  }
  const first = settings.certificates[0];
  const defaults = first ? (byName.get(certificateNames(first.certificate)[0] ?? '') ?? [first]) : [];
  const contexts = new Map<string, ContextsByKey>();
  const bySet = new Map<string, ContextsByKey>();
  for (const [name, pairs] of byName) {
    // The default context serves all its certificates by itself.
    if (sameSet(pairs, defaults)) continue;
    const set = pairs.map((pair) => pair.source).join('\n');
    let made = bySet.get(set);
    if (made === undefined) {
      made = contextsByKey(pairs, shared);
      bySet.set(set, made);
    }
    contexts.set(name, made);
  }
  return {
    ...shared,
    ...identities(defaults),
    ALPNProtocols: ['h2', 'http/1.1'],
    requestCert: clients !== undefined,
    // Who has none is told so by TLS itself. Where a certificate may be absent it is `clientOf` that refuses a bad one.
    rejectUnauthorized: clients?.required ?? false,
    // Kept by the server itself only where it is among its options: setTicketKeys is forgotten with the next certificate.
    ...(context.ticketKey !== undefined && { ticketKeys: context.ticketKey }),
    contextOf(name, socket) {
      const lower = name.toLowerCase();
      const found = contexts.get(byName.has(lower) ? lower : `*${lower.slice(lower.indexOf('.'))}`);
      return found && contextFor(found, socket);
    },
  };
}

/** Contexts by server name. */
export interface ServerNames {
  /** Undefined for the default one. */
  contextOf(name: string, socket: TLSSocket): SecureContext | undefined;
}

/**
 * What a session belongs to: one that began elsewhere, or when other clients were let in, is not resumed, so that nobody
 * keeps what they were. The same in all replicas; Node's own is made of the command line.
 */
function sessionContext({ clientCertificates: clients }: TlsSettings, listener: string): string {
  const hash = createHash('sha256').update(listener);
  if (clients !== undefined) {
    hash.update(JSON.stringify([clients.required, clients.authorities, clients.revoked]));
  }
  return hash.digest('hex').slice(0, 32); // as many bytes as OpenSSL takes
}

/** Node 26.10 takes one certificate from a context that SNICallback gives, so each kind of key has its own. */
interface ContextsByKey {
  readonly ec: SecureContext | undefined;
  readonly other: SecureContext | undefined;
}

function contextsByKey(pairs: readonly CertificatePair[], shared: SecureContextOptions): ContextsByKey {
  const isEc = ({ certificate }: CertificatePair): boolean =>
    new X509Certificate(certificate).publicKey.asymmetricKeyType === 'ec';
  const contextOf = (pair: CertificatePair | undefined): SecureContext | undefined =>
    pair && createSecureContext({ ...shared, ...identities([pair]) });
  return { ec: contextOf(pairs.find(isEc)), other: contextOf(pairs.find((pair) => !isEc(pair))) };
}

/** The smaller and faster kind where the client takes it. */
function contextFor({ ec, other }: ContextsByKey, socket: TLSSocket): SecureContext | undefined {
  if (ec === undefined || other === undefined) return ec ?? other;
  return socket.getSharedSigalgs().some((algorithm) => algorithm.startsWith('ECDSA+')) ? ec : other;
}

function sameSet(some: readonly CertificatePair[], others: readonly CertificatePair[]): boolean {
  return some.length === others.length && some.every((pair, index) => pair === others[index]);
}

function identities(pairs: readonly CertificatePair[]): Pick<SecureContextOptions, 'cert' | 'key'> {
  return {
    cert: pairs.map((pair) => pair.certificate),
    key: pairs.map((pair) => ({
      pem: pair.key,
      ...(pair.passphrase !== undefined && { passphrase: pair.passphrase }),
    })),
  };
}
