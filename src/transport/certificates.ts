/** Certificates before they are used: their chain put in order, checked against their key and the time. */

import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { canonicalAddress } from '../core/address.ts';
import { subjectOf } from './distinguished-name.ts';

/** A certificate chain and its key, PEM. */
export interface CertificatePair {
  readonly certificate: string;
  readonly key: string;
  readonly passphrase?: string | undefined;
  /** Where it came from, for messages. */
  readonly source: string;
}

/** A pair that may be used, and what is to be known of it. */
export interface CheckedPair {
  /** Its chain is in order, leaf first. */
  readonly pair: CertificatePair;
  /** The names that it covers, lower-case. */
  readonly names: readonly string[];
  readonly subject: string;
  readonly issuer: string;
  readonly from: Date;
  /** When the first certificate of the chain ends. */
  readonly until: Date;
  /** SHA-256 of the leaf, as OpenSSL shows it. */
  readonly fingerprint: string;
  /** Kind and size of the key: `EC prime256v1`, `RSA 2048`. */
  readonly key: string;
  /** What some clients may stumble over. */
  readonly warnings: readonly string[];
}

const BLOCK = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;
/** More certificates in one file are a bundle of roots, not a chain. */
const MAX_CHAIN = 16;
const MIN_RSA_BITS = 2048;
/** The curves that browsers take, as OpenSSL calls them. */
const CURVES = new Set(['prime256v1', 'secp384r1', 'secp521r1']);
/** Server authentication and any purpose: RFC 5280 section 4.2.1.12. */
const FOR_SERVERS = new Set(['1.3.6.1.5.5.7.3.1', '2.5.29.37.0']);
/** The TLS feature extension, by which a certificate demands a stapled OCSP answer: RFC 7633. */
const TLS_FEATURE = Buffer.from('06082b06010505070118', 'hex');

/** The names that a certificate covers, lower-case: DNS names and addresses of its SAN. */
export function certificateNames(pem: string): string[] {
  return namesOf(new X509Certificate(pem));
}

/** Checks that a pair can be used now; throws with the source and the reason. `now` in milliseconds since the epoch. */
export function checkPair(pair: CertificatePair, now: number): CheckedPair {
  const refuse = (problem: string, cause?: unknown): never => {
    throw new Error(`${pair.source}: ${problem}`, { cause });
  };
  const found = readChain(pair.certificate, refuse);
  const key = readKey(pair, refuse);
  const leaf = found.find((certificate) => certificate.checkPrivateKey(key));
  if (leaf === undefined) return refuse('the key does not belong to this certificate');
  const chain = chainOf(leaf, found);
  for (const certificate of chain) checkTime(certificate, certificate === leaf, now, refuse);
  const { keyUsage } = leaf;
  if (keyUsage !== undefined && !keyUsage.some((usage) => FOR_SERVERS.has(usage))) {
    refuse('the certificate is not for servers: its extended key usage lacks serverAuth');
  }
  const strength = strengthOf(key, refuse);
  const ordered = { ...pair, certificate: chain.map(String).join('') };
  try {
    createSecureContext({ cert: ordered.certificate, key: pair.key, passphrase: pair.passphrase });
  } catch (error) {
    refuse(`OpenSSL does not take it (${reason(error)})`, error);
  }
  return {
    pair: ordered,
    names: namesOf(leaf),
    subject: subjectOf(leaf.subject),
    issuer: subjectOf(leaf.issuer),
    from: leaf.validFromDate,
    until: new Date(Math.min(...chain.map(({ validToDate }) => validToDate.getTime()))),
    fingerprint: leaf.fingerprint256,
    key: strength,
    warnings: warningsOf(chain, found),
  };
}

function namesOf({ subjectAltName }: X509Certificate): string[] {
  const names: string[] = [];
  for (const entry of (subjectAltName ?? '').split(', ')) {
    const match = /^(?:DNS|IP Address):(.+)$/.exec(entry);
    if (match) names.push(canonicalAddress(match[1]!) ?? match[1]!.toLowerCase());
  }
  return names;
}

type Refuse = (problem: string, cause?: unknown) => never;

function readChain(pem: string, refuse: Refuse): X509Certificate[] {
  const blocks = pem.match(BLOCK) ?? [];
  if (blocks.length === 0) refuse('this is no certificate in PEM form');
  if (blocks.length > MAX_CHAIN) {
    refuse(`has ${blocks.length} certificates, expected the chain of one, ${MAX_CHAIN} at most`);
  }
  return blocks.map((block, index) => {
    try {
      return new X509Certificate(block);
    } catch (error) {
      return refuse(`certificate ${index + 1} in it cannot be read (${reason(error)})`, error);
    }
  });
}

function readKey({ key, passphrase }: CertificatePair, refuse: Refuse): KeyObject {
  try {
    return createPrivateKey({ key, ...(passphrase !== undefined && { passphrase }) });
  } catch (error) {
    // `BEGIN ENCRYPTED PRIVATE KEY` of PKCS#8, `Proc-Type: 4,ENCRYPTED` of older ones.
    if (passphrase === undefined && key.includes('ENCRYPTED')) {
      return refuse('its key is encrypted: passphrase is missing', error);
    }
    return refuse(`its key cannot be read (${reason(error)})`, error);
  }
}

/** The leaf, whoever issued it, and so on, whatever the order they came in. */
function chainOf(leaf: X509Certificate, found: readonly X509Certificate[]): X509Certificate[] {
  const chain = [leaf];
  const left = new Set(found);
  left.delete(leaf);
  for (let last: X509Certificate | undefined = leaf; last !== undefined; ) {
    if (last.checkIssued(last)) break;
    const below: X509Certificate = last;
    last = [...left].find((one) => below.checkIssued(one) && below.verify(one.publicKey));
    if (last === undefined) break;
    left.delete(last);
    chain.push(last);
  }
  return chain;
}

function checkTime(certificate: X509Certificate, isLeaf: boolean, now: number, refuse: Refuse): void {
  const what = isLeaf ? 'the certificate' : `the certificate of ${subjectOf(certificate.subject)} in its chain`;
  if (now > certificate.validToDate.getTime()) refuse(`${what} expired on ${certificate.validTo}`);
  if (now < certificate.validFromDate.getTime()) refuse(`${what} is not valid before ${certificate.validFrom}`);
}

function strengthOf(key: KeyObject, refuse: Refuse): string {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  if (type === 'rsa') {
    const bits = details?.modulusLength ?? 0;
    if (bits < MIN_RSA_BITS) refuse(`its RSA key has ${bits} bits, expected ${MIN_RSA_BITS} at least`);
    return `RSA ${bits}`;
  }
  if (type === 'ec') {
    const curve = details?.namedCurve ?? '';
    if (!CURVES.has(curve)) refuse(`its key is on the curve ${curve}, expected one of ${[...CURVES].join(', ')}`);
    return `EC ${curve}`;
  }
  return refuse(`its key is of kind ${type}, expected ECDSA or RSA`);
}

function warningsOf(chain: readonly X509Certificate[], found: readonly X509Certificate[]): string[] {
  const warnings: string[] = [];
  const leaf = chain[0]!;
  if (leaf !== found[0]) warnings.push('the certificate is not the first in its file: it was put there');
  else if (chain.some((certificate, index) => certificate !== found[index])) {
    warnings.push('the chain is not in order: it was put in order');
  }
  const left = found.length - chain.length;
  if (left > 0) warnings.push(`${left} in the file belong to another chain: left out`);
  // Who names where its issuer is to be had was not issued by a root.
  if (chain.length === 1 && leaf.infoAccess?.includes('CA Issuers') && !leaf.checkIssued(leaf)) {
    warnings.push('the chain above it is missing: some clients will refuse it; use the file with the full chain');
  }
  if (namesOf(leaf).length === 0) warnings.push('it has no names (subjectAltName): clients will refuse it');
  if (leaf.raw.includes(TLS_FEATURE)) {
    warnings.push('it demands OCSP stapling (must-staple), which is not done here: some clients will refuse it');
  }
  return warnings;
}

/** What OpenSSL says, without the numbers of its own. */
function reason(error: unknown): string {
  return (error as Error).message.replace(/^error:[0-9A-F]+:/, '').replaceAll('::', ': ');
}
