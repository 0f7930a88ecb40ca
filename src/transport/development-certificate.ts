/** A certificate for development: made on first run, kept in a folder, never for anybody else's browser. */

import 'reflect-metadata'; // @peculiar/x509 2.2.0 asks for it and does not bring it
import { createPrivateKey, webcrypto, X509Certificate } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as x509 from '@peculiar/x509';
import type { CertificatePair } from './certificates.ts';

x509.cryptoProvider.set(webcrypto as Crypto);

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
/** Browsers take no leaf that is valid for longer, CA/Browser Forum ballot SC22. */
const DAYS = 397;
/** It is made anew when fewer are left. */
const RENEW_DAYS = 30;
const DAY_MS = 86_400_000;

/** A certificate with its key, both PEM; the key is a secret. */
export interface MadeCertificate {
  readonly certificate: string;
  readonly key: string;
}

/** Makes a self-signed ECDSA certificate for these names and addresses. */
export async function makeCertificate(names: readonly string[], now: number): Promise<MadeCertificate> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const isAddress = (name: string): boolean => /^[\d.]+$|:/.test(name);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: Buffer.from(webcrypto.getRandomValues(new Uint8Array(16))).toString('hex'),
    name: `CN=${names[0]}, O=Gatehouse development`,
    notBefore: new Date(now - DAY_MS),
    notAfter: new Date(now + DAYS * DAY_MS),
    signingAlgorithm: ALGORITHM,
    keys: keys as webcrypto.CryptoKeyPair,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(
        names.map((name) => ({ type: isAddress(name) ? 'ip' : 'dns', value: name }) as x509.JsonGeneralName),
      ),
    ],
  });
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
  return {
    certificate: `${certificate.toString('pem')}\n`,
    key: `-----BEGIN PRIVATE KEY-----\n${pkcs8.toString('base64').replace(/.{64}(?=.)/g, '$&\n')}\n-----END PRIVATE KEY-----\n`,
  };
}

/** The development certificate of a folder; `made` tells whether it was made just now. */
export async function developmentCertificate(
  folder: string,
  now: number = Date.now(),
): Promise<CertificatePair & { readonly made: boolean; readonly file: string }> {
  const file = join(folder, 'development.crt');
  const keyFile = join(folder, 'development.key');
  const found = await readPair(file, keyFile, now);
  if (found !== undefined) return { ...found, source: file, file, made: false };
  const pair = await makeCertificate(['localhost', '*.localhost', '127.0.0.1', '::1'], now);
  await mkdir(folder, { recursive: true });
  await writeFile(keyFile, pair.key, { mode: 0o600 });
  await writeFile(file, pair.certificate);
  return { ...pair, source: file, file, made: true };
}

async function readPair(file: string, keyFile: string, now: number): Promise<MadeCertificate | undefined> {
  try {
    const [certificate, key] = await Promise.all([readFile(file, 'utf8'), readFile(keyFile, 'utf8')]);
    const found = new X509Certificate(certificate);
    const lasts = found.validToDate.getTime() - now > RENEW_DAYS * DAY_MS;
    return lasts && found.checkPrivateKey(createPrivateKey(key)) ? { certificate, key } : undefined;
  } catch {
    return undefined; // none there yet, or not readable as one: a new one is made
  }
}
