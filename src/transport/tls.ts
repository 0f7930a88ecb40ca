/** Certificates by server name, with settings that are safe by default. */

import { X509Certificate } from 'node:crypto';
import {
  createSecureContext,
  type SecureContext,
  type SecureContextOptions,
  type TLSSocket,
  type TlsOptions,
} from 'node:tls';
import { canonicalAddress } from './client-address.ts';

/** A certificate chain and its key, PEM. */
export interface CertificatePair {
  readonly certificate: string;
  readonly key: string;
  readonly passphrase?: string | undefined;
  /** Where it came from, for messages. */
  readonly source: string;
}

export interface TlsSettings {
  /** The first is the default for names that none covers and for clients without SNI. */
  readonly certificates: readonly CertificatePair[];
  readonly minVersion: '1.2' | '1.3';
  /** OpenSSL cipher list; the default is Mozilla's "intermediate", which is also what HTTP/2 allows. */
  readonly ciphers?: string | undefined;
}

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

/** The names that a certificate covers, lower-case: DNS names and addresses of its SAN. */
export function certificateNames(pem: string): string[] {
  const { subjectAltName } = new X509Certificate(pem);
  const names: string[] = [];
  for (const entry of (subjectAltName ?? '').split(', ')) {
    const match = /^(?:DNS|IP Address):(.+)$/.exec(entry);
    if (match) names.push(canonicalAddress(match[1]!) ?? match[1]!.toLowerCase());
  }
  return names;
}

/** Checks that key and certificate belong together and are valid now; gives the end of validity, throws with the reason. */
export function checkPair(pair: CertificatePair, now: number): Date {
  const certificate = readCertificate(pair);
  try {
    createSecureContext(identities([pair]));
  } catch (error) {
    const mismatch = (error as NodeJS.ErrnoException).code === 'ERR_OSSL_X509_KEY_VALUES_MISMATCH';
    const problem = mismatch
      ? 'the key does not belong to this certificate'
      : `its key cannot be read (${reason(error)})`;
    throw new Error(`${pair.source}: ${problem}`, { cause: error });
  }
  const { validFromDate, validToDate } = certificate;
  if (now > validToDate.getTime()) throw new Error(`${pair.source}: the certificate expired on ${certificate.validTo}`);
  if (now < validFromDate.getTime()) {
    throw new Error(`${pair.source}: the certificate is not valid before ${certificate.validFrom}`);
  }
  return validToDate;
}

function readCertificate({ certificate, source }: CertificatePair): X509Certificate {
  try {
    return new X509Certificate(certificate);
  } catch (error) {
    throw new Error(`${source}: this is no certificate in PEM form`, { cause: error });
  }
}

/** What OpenSSL says, without the numbers of its own. */
function reason(error: unknown): string {
  return (error as Error).message.replace(/^error:[0-9A-F]+:/, '').replaceAll('::', ': ');
}

/** Options for `tls.createServer`: several certificates by SNI, an ECDSA and an RSA one for the same name together. */
export function tlsOptions(settings: TlsSettings): TlsOptions {
  const shared = {
    minVersion: settings.minVersion === '1.3' ? ('TLSv1.3' as const) : ('TLSv1.2' as const),
    ciphers: settings.ciphers ?? DEFAULT_CIPHERS,
    honorCipherOrder: true,
    // Chains of three RSA certificates shrink from 4.5 KB to 2.5 KB, which fits the initial congestion window.
    certificateCompression: ['brotli', 'zlib'],
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
    let context = bySet.get(set);
    if (context === undefined) {
      context = contextsByKey(pairs, shared);
      bySet.set(set, context);
    }
    contexts.set(name, context);
  }
  return {
    ...shared,
    ...identities(defaults),
    ALPNProtocols: ['h2', 'http/1.1'],
    SNICallback(this: TLSSocket, name: string, done: (error: null, context: SecureContext | undefined) => void) {
      const lower = name.toLowerCase();
      const found = contexts.get(byName.has(lower) ? lower : `*${lower.slice(lower.indexOf('.'))}`);
      done(null, found && contextFor(found, this)); // undefined: the default
    },
  } as TlsOptions;
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
