/** One certificate for all servers of a run, made by openssl: ECDSA P-256, valid for a day. */

import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Where the certificate lies: key, certificate, and both in one file as HAProxy wants it. */
export interface CertificateFiles {
  readonly key: string;
  readonly certificate: string;
  readonly both: string;
}

/** Makes the certificate in a folder. Throws what openssl says. */
export function makeCertificate(folder: string): CertificateFiles {
  const files = { key: join(folder, 'tls.key'), certificate: join(folder, 'tls.crt'), both: join(folder, 'tls.pem') };
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1'];
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1'];
  execFileSync('openssl', ['req', '-x509', ...curve, ...names, '-keyout', files.key, '-out', files.certificate], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  writeFileSync(files.both, readFileSync(files.certificate, 'utf8') + readFileSync(files.key, 'utf8'));
  return files;
}
