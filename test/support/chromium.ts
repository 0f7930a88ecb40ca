/** Chromium without a window, a sandbox or talk of its own to the network; tests and measurements drive it. */

import { createHash, X509Certificate } from 'node:crypto';
import type { LaunchOptions } from 'playwright-core';
import { find } from './programs.ts';

const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** How Chromium is launched; `more` flags for this one. Throws where it is not installed. */
export function chromiumOptions(...more: readonly string[]): LaunchOptions {
  const executablePath = find('chromium');
  if (executablePath === undefined) throw new Error('chromium is not installed');
  return { executablePath, timeout: 60_000, args: [...FLAGS, ...more] };
}

/**
 * The flag with which Chromium trusts the key of this certificate, in PEM. A browser stores nothing of what came with an
 * error of certificates: with this flag there is none.
 */
export function trusting(certificate: string | Buffer): string {
  const key = new X509Certificate(certificate).publicKey.export({ type: 'spki', format: 'der' });
  return `--ignore-certificate-errors-spki-list=${createHash('sha256').update(key).digest('base64')}`;
}
