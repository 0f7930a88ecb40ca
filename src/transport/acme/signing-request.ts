/** A new key and the request to certify it, PKCS#10. */

import 'reflect-metadata'; // @peculiar/x509 2.2.0 asks for it and does not bring it
import { webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';

x509.cryptoProvider.set(webcrypto as Crypto);

const ALGORITHMS = {
  ecdsa: { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' },
  rsa: { name: 'RSASSA-PKCS1-v1_5', modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]), hash: 'SHA-256' },
} as const;

/** A kind of key that certificates are ordered for. */
export type KeyKind = keyof typeof ALGORITHMS;

/** A request to certify a key, with the key. */
export interface SigningRequest {
  /** PKCS#8 in PEM form: a secret. */
  readonly key: string;
  /** DER as base64url. */
  readonly csr: string;
}

/** Makes a key, and the request to certify it for these names. The subject is empty: names are in the SAN. */
export async function signingRequest(names: readonly string[], kind: KeyKind): Promise<SigningRequest> {
  const algorithm = ALGORITHMS[kind];
  const keys = (await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair;
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new x509.SubjectAlternativeNameExtension(names.map((value): x509.JsonGeneralName => ({ type: 'dns', value }))),
    ],
  });
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  return {
    key: `-----BEGIN PRIVATE KEY-----\n${pkcs8.replace(/.{64}(?=.)/g, '$&\n')}\n-----END PRIVATE KEY-----\n`,
    csr: Buffer.from(request.rawData).toString('base64url'),
  };
}
