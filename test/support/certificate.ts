/** Certificates for tests, made at run time: any names, either kind of key, any time of validity. */

import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import type { CertificatePair } from '../../src/transport/certificates.ts';

x509.cryptoProvider.set(webcrypto as Crypto);

const DAY_MS = 86_400_000;
const ALGORITHMS = {
  ECDSA: { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' },
  RSA: { name: 'RSASSA-PKCS1-v1_5', modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]), hash: 'SHA-256' },
} as const;

export interface CertificateOptions {
  readonly kind?: keyof typeof ALGORITHMS;
  /** Days from now on; negative ones are over. */
  readonly from?: number;
  readonly to?: number;
}

/** A self-signed certificate for these names; the first is its common name and its source. */
export async function certificateFor(
  names: readonly string[],
  options: CertificateOptions = {},
): Promise<CertificatePair> {
  const { kind = 'ECDSA', from = -1, to = 30 } = options;
  const algorithm = ALGORITHMS[kind];
  const keys = (await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair;
  const now = Date.now();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: `CN=${names[0]}`,
    notBefore: new Date(now + from * DAY_MS),
    notAfter: new Date(now + to * DAY_MS),
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new x509.SubjectAlternativeNameExtension(
        names.map((value): x509.JsonGeneralName => ({ type: /^[\d.]+$|:/.test(value) ? 'ip' : 'dns', value })),
      ),
    ],
  });
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  return {
    certificate: `${certificate.toString('pem')}\n`,
    key: `-----BEGIN PRIVATE KEY-----\n${pkcs8.replace(/.{64}(?=.)/g, '$&\n')}\n-----END PRIVATE KEY-----\n`,
    source: `${names[0]} ${kind}`,
  };
}
