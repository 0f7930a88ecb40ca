import { z } from 'zod';
import { file } from './name.ts';

/** A DNS name, without wildcards: those cannot be shown to be ours by HTTP-01. */
const dnsName = z
  .string()
  .toLowerCase()
  .max(253)
  .regex(/^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*(?!\d+$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/, {
    error: 'expected a DNS name without wildcards, such as login.example.com; others in their xn-- form',
  });

/** Certificates that are ordered by ACME, RFC 8555. */
export const acme = z.strictObject({
  names: z
    .array(dnsName)
    .min(1)
    .max(100)
    .describe('Names of the certificate, no wildcards. Port 80 of each must reach a listener without `tls`.'),
  storage_directory: file.describe(
    'Directory that is kept over restarts and that nobody else may read: it gets the key of the account, and certificates with their keys.',
  ),
  agree_to_terms: z.literal(true).describe('Says that you agree to the terms of service of the certificate authority.'),
  directory: z
    .url({ protocol: /^https$/ })
    .default('https://acme-v02.api.letsencrypt.org/directory')
    .describe(
      "URL of the authority's ACME directory. To try things out take https://acme-staging-v02.api.letsencrypt.org/directory.",
    ),
  email: z.email().optional().describe('Where the authority may write to; many never do.'),
  key_type: z.enum(['ecdsa', 'rsa']).default('ecdsa').describe('Kind of key: ECDSA on P-256, or RSA with 2048 bits.'),
  ca_file: file
    .optional()
    .describe('PEM file with authorities that are trusted for calls to `directory`, beside the usual ones.'),
  external_account: z
    .strictObject({
      key_id: z.string().min(1).max(1024).describe('Name of the key.'),
      hmac_key: z
        .string()
        .regex(/^[\w-]{16,1024}=*$/, { error: 'expected the key as base64url, 16 characters or more' })
        .meta({ secret: true })
        .describe('The key as base64url; `file:PATH` reads it from a file.'),
    })
    .optional()
    .describe('What the authority gave you to tie the account to one that it knows (EAB).'),
  preferred_issuer: z
    .string()
    .min(1)
    .max(256)
    .optional()
    .describe('Of several chains that are offered take the one whose last certificate this common name has issued.'),
  profile: z
    .string()
    .min(1)
    .max(64)
    .optional()
    .describe("Kind of certificate, where the authority offers several, such as Let's Encrypt's `tlsserver`."),
  renew_before_days: z
    .int()
    .min(1)
    .max(365)
    .optional()
    .describe(
      'Days before its end that a certificate is renewed; by default a third of its life. Where the authority suggests a time (ARI), that one is taken.',
    ),
  max_orders_per_day: z
    .int()
    .min(1)
    .max(100)
    .default(10)
    .describe(
      'Orders in 24 hours for all certificates of one directory and storage, failed ones and restarts included.',
    ),
});
