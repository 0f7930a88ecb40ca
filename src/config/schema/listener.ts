import { z } from 'zod';
import { CLIENT_CERTIFICATE_FIELDS } from '../../transport/client-certificates.ts';
import { DEFAULT_CIPHERS } from '../../transport/tls.ts';
import { listenAddress } from '../address.ts';
import { network } from '../network.ts';
import { acme } from './acme.ts';
import { file, name } from './name.ts';

/** A certificate with its key. Which host names it serves is read from the certificate. */
export const certificate = z.strictObject({
  certificate_file: file.describe(
    'PEM file with the certificate and the chain above it, leaf first. It is watched, like the key.',
  ),
  key_file: file.describe('PEM file with the private key (ECDSA or RSA).'),
  passphrase: z
    .string()
    .min(1)
    .optional()
    .meta({ secret: true })
    .describe('Passphrase of an encrypted key; `file:PATH` reads it from a file.'),
});

/** Certificates of clients. */
export const clientCertificates = z.strictObject({
  ca_files: z
    .array(file)
    .min(1)
    .max(100)
    .describe('PEM files with the certificates of the authorities that may have issued those of clients.'),
  mode: z
    .enum(['required', 'optional'])
    .default('required')
    .describe(
      '`required` refuses clients without a certificate, `optional` lets them in. One that does not verify is always refused.',
    ),
  crl_files: z
    .array(file)
    .max(100)
    .default([])
    .describe(
      'PEM files with lists of revoked certificates (CRL). With one, every authority of a chain needs one that is not out of date.',
    ),
  pass_on: z
    .array(z.enum(CLIENT_CERTIFICATE_FIELDS))
    .max(CLIENT_CERTIFICATE_FIELDS.length)
    .default(['subject', 'san', 'fingerprint'])
    .describe(
      'What the upstream is told of a certificate that was verified: X-Client-Cert-Subject, -Issuer, -San, -Serial, -Fingerprint (SHA-256), and `certificate` as Client-Cert of RFC 9440. What clients send under these names never goes on.',
    ),
});

/** TLS of a listener. */
export const listenerTls = z.strictObject({
  certificates: z
    .array(certificate)
    .default([])
    .describe('Certificates, chosen by the server name (SNI); clients that match none get the first.'),
  acme: acme
    .optional()
    .describe(
      'Orders a certificate by ACME, shown to be ours by HTTP-01, and renews it. A self-signed stand-in serves until the first one is there.',
    ),
  min_version: z
    .literal(['1.2', '1.3', 1.2, 1.3])
    .transform((version) => String(version) as '1.2' | '1.3')
    .default('1.2')
    .describe('Lowest TLS version that clients may use.'),
  ciphers: z
    .string()
    .min(1)
    .max(4096)
    .default(DEFAULT_CIPHERS)
    .describe('Cipher suites of TLS 1.2 and 1.3 as an OpenSSL list, preferred first.'),
  development: z
    .boolean()
    .default(false)
    .describe('Makes a self-signed certificate for localhost on first run. For development only.'),
  client_certificates: clientCertificates
    .optional()
    .describe('Asks clients for a certificate (mutual TLS); by default nobody is asked.'),
});

/** A bound socket with its protocols. The scheme that clients see follows from TLS where it is not given. */
export const listener = z
  .strictObject({
    name: name.describe('Name in logs, metrics and `routes[].listeners`.'),
    address: listenAddress.describe(
      'Address and port: "[::]:8443" and ":8443" take IPv4 and IPv6, "0.0.0.0:8443" IPv4 only; port 0 takes a free one.',
    ),
    tls: listenerTls
      .optional()
      .describe('TLS with HTTP/2 and HTTP/1.1 by ALPN. Without it: cleartext HTTP/2 (prior knowledge) and HTTP/1.1.'),
    external_scheme: z
      .enum(['https', 'http'])
      .optional()
      .describe(
        'Scheme that clients see, unless a trusted proxy says otherwise; by default https with `tls`, else http.',
      ),
    trust: z
      .enum(['public', 'internal'])
      .default('public')
      .describe(
        '`internal` keeps x-zitadel-* and X-Forwarded-* of its peers and limits nobody by address: for calls of Login v2.',
      ),
    allow: z
      .array(network)
      .default([])
      .describe('Networks whose peers may use a listener with `trust: internal`; everybody else is refused.'),
    proxy_protocol: z
      .boolean()
      .default(false)
      .describe(
        'Whether every connection begins with a PROXY header, version 1 or 2, of a load balancer in `trusted_proxies`; others are closed. It may take `limits.header_timeout_ms`.',
      ),
    redirect: z
      .strictObject({
        to_port: z
          .int()
          .min(1)
          .max(65_535)
          .default(443)
          .describe('Port of the https address that clients are sent to; 443 is left out of it.'),
      })
      .optional()
      .describe(
        'Makes it a redirect listener: every request is sent to https with status 308. `redirect: {}` will do.',
      ),
  })
  .transform((given) => ({ ...given, external_scheme: given.external_scheme ?? (given.tls ? 'https' : 'http') }))
  .meta({ id: 'listener', title: 'Listener' });
