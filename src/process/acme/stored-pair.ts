/** The certificate that ACME has stored for a listener, or a stand-in until it has. */

import { type CertificatePair, checkPair } from '../../transport/certificates.ts';
import { makeCertificate } from '../../transport/development-certificate.ts';
import { type AcmeConfig, certificateFile, readSecret } from './files.ts';

/** A pair, and what is to be told of it. */
export interface StoredPair {
  readonly pair: CertificatePair;
  readonly warnings: readonly string[];
}

/** Stand-ins by file: the same each time it is asked for, so that nothing seems to change. */
const standIns = new Map<string, Promise<CertificatePair>>();

/**
 * Reads it. Where it is not there or not usable: a self-signed stand-in with `standIn`, else rejects with the reason.
 * `now` in milliseconds since the epoch.
 */
export async function storedPair(config: AcmeConfig, now: number, standIn: boolean): Promise<StoredPair> {
  const file = certificateFile(config);
  let problem: string;
  try {
    const pair = await readStored(file);
    if (pair !== undefined) {
      checkPair(pair, now);
      standIns.delete(file);
      return { pair, warnings: [] };
    }
    problem = `${file}: there is no certificate yet`;
  } catch (error) {
    problem = (error as Error).message;
  }
  if (!standIn) throw new Error(problem);
  let made = standIns.get(file);
  if (made === undefined) {
    made = makeCertificate(config.names, now).then((one) => ({ ...one, source: file }));
    standIns.set(file, made);
  }
  const warning = `a self-signed stand-in is in use until the authority has issued a certificate (${problem})`;
  return { pair: await made, warnings: [warning] };
}

/** What is in a file, not checked; undefined where there is no file. */
export async function readStored(file: string): Promise<CertificatePair | undefined> {
  const text = await readSecret(file);
  if (text === undefined) return undefined;
  const key = /-----BEGIN PRIVATE KEY-----[^-]+-----END PRIVATE KEY-----\n?/.exec(text)?.[0] ?? '';
  return { key, certificate: text.replace(key, ''), source: file };
}
