import { z } from 'zod';
import { DEFAULT_CIPHERS } from '../../transport/tls.ts';
import { listenAddress } from '../address.ts';
import { network } from '../network.ts';
import { file, name } from './name.ts';

/** A certificate with its key. Which host names it serves is read from the certificate. */
export const certificate = z.strictObject({
  certificate_file: file.describe('PEM file with the certificate and the chain above it, leaf first.'),
  key_file: file.describe('PEM file with the private key (ECDSA or RSA).'),
  passphrase: z
    .string()
    .min(1)
    .optional()
    .meta({ secret: true })
    .describe('Passphrase of an encrypted key; `file:PATH` reads it from a file.'),
});

/** TLS of a listener. */
export const listenerTls = z.strictObject({
  certificates: z
    .array(certificate)
    .default([])
    .describe('Certificates, chosen by the server name (SNI); clients that match none get the first.'),
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
