/** The files that the TLS of a listener is read from, and what they say; checked before anybody uses it. */

import { X509Certificate } from 'node:crypto';
import { open } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import type { ListenerConfig } from '../config/schema.ts';
import { type CertificatePair, type CheckedPair, checkPair } from '../transport/certificates.ts';
import type { ClientCertificateSettings } from '../transport/client-certificates.ts';
import type { TlsSettings } from '../transport/tls.ts';
import { certificateFile } from './acme/files.ts';

/** What the config of a listener says of TLS. */
export type ListenerTls = NonNullable<ListenerConfig['tls']>;

/** A certificate of a listener. */
export interface FoundCertificate extends CheckedPair {
  /** It is a development certificate that was made just now. */
  readonly made: boolean;
}

/** All that a listener needs for TLS. */
export interface ReadTls {
  readonly settings: TlsSettings;
  readonly certificates: readonly FoundCertificate[];
}

/** The largest file that is read, in bytes: thousands of authorities, or a long list of revoked certificates. */
const MAX_BYTES = 8_388_608;

/** The files of a listener, to be followed. */
export function filesOf({ certificates, acme, client_certificates: clients }: ListenerTls): string[] {
  const files = certificates.flatMap(({ certificate_file, key_file }) => [certificate_file, key_file]);
  if (acme !== undefined) files.push(certificateFile(acme));
  if (clients !== undefined) files.push(...clients.ca_files, ...clients.crl_files);
  return [...new Set(files)];
}

/**
 * Reads and checks; rejects with a message that names the file where something cannot be used. A development certificate
 * is kept in `folder`; `now` in milliseconds since the epoch. With `standIn` one takes the place of what ACME has not got.
 */
export async function readTls(tls: ListenerTls, folder: string, now: number, standIn: boolean): Promise<ReadTls> {
  const certificates = (await pairsOf(tls, folder, now, standIn)).map(({ pair, made, doubts = [] }) => {
    const checked = checkPair(pair, now);
    return { ...checked, made, warnings: [...checked.warnings, ...doubts] };
  });
  const clients = tls.client_certificates;
  return {
    certificates,
    settings: {
      certificates: certificates.map(({ pair }) => pair),
      minVersion: tls.min_version,
      ciphers: tls.ciphers,
      ...(clients !== undefined && { clientCertificates: await clientsOf(clients) }),
    },
  };
}

interface Found {
  readonly pair: CertificatePair;
  readonly made: boolean;
  readonly doubts?: readonly string[];
}

async function pairsOf(
  { certificates, acme }: ListenerTls,
  folder: string,
  now: number,
  standIn: boolean,
): Promise<Found[]> {
  if (certificates.length === 0 && acme === undefined) {
    // Loaded only where it is asked for: it brings an ASN.1 library with it.
    const { developmentCertificate } = await import('../transport/development-certificate.ts');
    const { made, ...pair } = await developmentCertificate(folder, now);
    return [{ pair, made }];
  }
  const found: Promise<Found>[] = certificates.map(async ({ certificate_file, key_file, passphrase }) => {
    const [certificate, key] = await Promise.all([textOf(certificate_file), textOf(key_file)]);
    return { pair: { certificate, key, passphrase, source: certificate_file }, made: false };
  });
  if (acme !== undefined) found.push(kept(acme, now, standIn));
  return Promise.all(found);
}

async function kept(acme: NonNullable<ListenerTls['acme']>, now: number, standIn: boolean): Promise<Found> {
  const { storedPair } = await import('./acme/stored-pair.ts');
  const { pair, warnings } = await storedPair(acme, now, standIn);
  return { pair, made: false, doubts: warnings };
}

/** Reads the authorities of clients, and their lists of what is revoked. */
export async function clientsOf(
  clients: NonNullable<ListenerTls['client_certificates']>,
): Promise<ClientCertificateSettings> {
  const [authorities, revoked] = await Promise.all([
    Promise.all(clients.ca_files.map(textOf)),
    Promise.all(clients.crl_files.map(textOf)),
  ]);
  for (const [index, pem] of authorities.entries()) authority(pem, clients.ca_files[index]!);
  for (const [index, crl] of revoked.entries()) revocations(crl, clients.crl_files[index]!);
  return { authorities, revoked, required: clients.mode === 'required', passOn: [...new Set(clients.pass_on)] };
}

function authority(pem: string, file: string): void {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length === 0) throw new Error(`${file}: this is no certificate in PEM form`);
  for (const block of blocks) {
    let certificate: X509Certificate;
    try {
      certificate = new X509Certificate(block);
    } catch (error) {
      throw new Error(`${file}: a certificate in it cannot be read`, { cause: error });
    }
    if (!certificate.ca) {
      throw new Error(`${file}: ${certificate.subject.replaceAll('\n', ', ')} is no authority (CA:TRUE is missing)`);
    }
  }
}

function revocations(crl: string, file: string): void {
  try {
    createSecureContext({ crl });
  } catch (error) {
    throw new Error(`${file}: this is no list of revoked certificates (CRL) in PEM form`, { cause: error });
  }
}

/** A file as bytes; rejects with its name where it cannot be read or is too long. */
export async function bytesOf(file: string): Promise<Buffer> {
  let size: number;
  try {
    await using handle = await open(file, 'r');
    ({ size } = await handle.stat());
    if (size <= MAX_BYTES) return await handle.readFile();
  } catch (error) {
    throw new Error(`${file}: cannot be read (${(error as NodeJS.ErrnoException).code ?? error})`, { cause: error });
  }
  throw new Error(`${file}: has ${size} bytes, expected ${MAX_BYTES} at most`);
}

async function textOf(file: string): Promise<string> {
  return (await bytesOf(file)).toString('utf8');
}
