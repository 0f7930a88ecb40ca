/** Certificate authorities for tests, made at run time: chains, clients, lists of what is revoked. */

import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import type { CertificatePair } from '../../src/transport/certificates.ts';

x509.cryptoProvider.set(webcrypto as Crypto);

const DAY_MS = 86_400_000;
const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

type Names = readonly string[];

export interface IssueOptions {
  /** Days from now on; negative ones are over. */
  readonly from?: number;
  readonly to?: number;
  /** The whole distinguished name; `CN=` and the first name by default. */
  readonly subject?: string;
  readonly use?: 'server' | 'client' | 'mail';
  /** Where the certificate of the authority is to be had. */
  readonly issuerAt?: string;
  /** It demands a stapled OCSP answer. */
  readonly mustStaple?: boolean;
}

export interface Issued extends CertificatePair {
  /** The certificate alone; `certificate` has the chain up to, and without, the root. */
  readonly leaf: string;
  readonly serial: string;
}

export interface Authority {
  /** PEM. */
  readonly certificate: string;
  issue(names: Names, options?: IssueOptions): Promise<Issued>;
  /** Another authority below this one. */
  below(name: string, options?: Pick<IssueOptions, 'from' | 'to'>): Promise<Authority>;
  /** A list of revoked serial numbers, PEM; `to` is the day of its next update. */
  revoke(serials: readonly string[], to?: number): Promise<string>;
}

const serial = (): string => {
  const bytes = Buffer.from(webcrypto.getRandomValues(new Uint8Array(12)));
  bytes[0] = 0x41; // positive, and without a leading zero
  return bytes.toString('hex');
};

const pem = (label: string, der: ArrayBuffer): string =>
  `-----BEGIN ${label}-----\n${Buffer.from(der)
    .toString('base64')
    .replace(/.{64}(?=.)/g, '$&\n')}\n-----END ${label}-----\n`;

async function keyPair(): Promise<webcrypto.CryptoKeyPair> {
  return (await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair;
}

const dates = ({ from = -1, to = 30 }: Pick<IssueOptions, 'from' | 'to'>) => ({
  notBefore: new Date(Date.now() + from * DAY_MS),
  notAfter: new Date(Date.now() + to * DAY_MS),
});

const AUTHORITY = [
  new x509.BasicConstraintsExtension(true, undefined, true),
  new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
];
const USES = {
  server: x509.ExtendedKeyUsage.serverAuth,
  client: x509.ExtendedKeyUsage.clientAuth,
  mail: x509.ExtendedKeyUsage.emailProtection,
} as const;

/** A root. */
export async function makeAuthority(name: string): Promise<Authority> {
  const keys = await keyPair();
  const root = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serial(),
    name: `CN=${name}`,
    ...dates({}),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: AUTHORITY,
  });
  return authority(root, keys, '');
}

/** `above` is the chain that comes with what it issues. */
function authority(own: x509.X509Certificate, keys: webcrypto.CryptoKeyPair, above: string): Authority {
  const certificate = `${own.toString('pem')}\n`;
  const sign = (subject: string, publicKey: webcrypto.CryptoKey, extensions: x509.Extension[], options: IssueOptions) =>
    x509.X509CertificateGenerator.create({
      serialNumber: serial(),
      subject,
      issuer: own.subject,
      ...dates(options),
      signingAlgorithm: ALGORITHM,
      publicKey,
      signingKey: keys.privateKey,
      extensions,
    });
  return {
    certificate,
    async issue(names, options = {}) {
      const { use = 'server', subject = `CN=${names[0]}`, issuerAt, mustStaple } = options;
      const leafKeys = await keyPair();
      const general = names.map((value): x509.JsonGeneralName => {
        if (value.includes('@')) return { type: 'email', value };
        return { type: /^[\d.]+$|:/.test(value) ? 'ip' : 'dns', value };
      });
      const made = await sign(
        subject,
        leafKeys.publicKey,
        [
          new x509.ExtendedKeyUsageExtension([USES[use]]),
          ...(general.length > 0 ? [new x509.SubjectAlternativeNameExtension(general)] : []),
          ...(issuerAt === undefined ? [] : [new x509.AuthorityInfoAccessExtension({ caIssuers: issuerAt })]),
          ...(mustStaple ? [new x509.Extension('1.3.6.1.5.5.7.1.24', false, Buffer.from('3003020105', 'hex'))] : []),
        ],
        options,
      );
      const leaf = `${made.toString('pem')}\n`;
      return {
        leaf,
        certificate: `${leaf}${above}`,
        key: pem('PRIVATE KEY', await webcrypto.subtle.exportKey('pkcs8', leafKeys.privateKey)),
        source: names[0] ?? subject,
        serial: made.serialNumber,
      };
    },
    async below(name, options = {}) {
      const ownKeys = await keyPair();
      const made = await sign(`CN=${name}`, ownKeys.publicKey, AUTHORITY, options);
      return authority(made, ownKeys, `${made.toString('pem')}\n${above}`);
    },
    async revoke(serials, to = 7) {
      const list = await x509.X509CrlGenerator.create({
        issuer: own.subject,
        thisUpdate: new Date(Date.now() - DAY_MS),
        nextUpdate: new Date(Date.now() + to * DAY_MS),
        signingAlgorithm: ALGORITHM,
        signingKey: keys.privateKey,
        entries: serials.map((serialNumber) => ({ serialNumber, revocationDate: new Date(Date.now() - DAY_MS) })),
      });
      return pem('X509 CRL', list.rawData);
    },
  };
}
