/** A visit to the Console in Chromium, and what it took. */

import { createHash, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type Browser, type BrowserContext, chromium, type Request } from 'playwright-core';
import { find } from '../../../test/support/programs.ts';

const READY = 'html[data-ready=yes]';
const TIMEOUT_MS = 120_000;

/** Scripts of the page; texts, because nothing here has the names of a browser. */
const WATCH = `new MutationObserver(() => {
  if (document.documentElement?.dataset.ready === 'yes') self.readyAt ??= performance.now();
}).observe(document, { attributes: true, subtree: true, attributeFilter: ['data-ready'] })`;
const TIMES = `({
  readyMs: self.readyAt,
  files: [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')].map(
    ({ name, startTime, responseStart, responseEnd }) => ({
      name: new URL(name).pathname,
      from: startTime,
      first: responseStart || startTime,
      to: responseEnd,
    }),
  ),
})`;

/** One file of a visit; times are milliseconds after the visit began. */
export interface Loaded {
  readonly name: string;
  readonly from: number;
  /** The first byte came. */
  readonly first: number;
  readonly to: number;
}

/** What one visit took. */
export interface Visit {
  /** Milliseconds until the page has drawn its data. */
  readonly readyMs: number;
  /** Bytes of all answers on the wire, heads included, TLS not. */
  readonly bytes: number;
  /** Answers over the wire with a body, 304s, and those from the cache of the browser. */
  readonly whole: number;
  readonly notModified: number;
  readonly fromCache: number;
  readonly files: readonly Loaded[];
}

/** Starts Chromium, which trusts one certificate: with errors of certificates it would cache nothing. */
export async function startBrowser(certificate: string): Promise<Browser> {
  const executablePath = find('chromium');
  if (executablePath === undefined) throw new Error('chromium is not installed');
  return await chromium.launch({
    executablePath,
    timeout: 60_000,
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      `--ignore-certificate-errors-spki-list=${fingerprint(certificate)}`,
    ],
  });
}

/** SHA-256 of the public key of a certificate file, in base64. */
function fingerprint(certificate: string): string {
  const { publicKey } = new X509Certificate(readFileSync(certificate));
  return createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('base64');
}

/** Opens the Console in a tab of its own. Throws where a request failed or the page complained. */
export async function visit(context: BrowserContext, port: number): Promise<Visit> {
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('requestfailed', (request: Request) => complaints.push(`${request.url()} ${request.failure()?.errorText}`));
  const devtools = await context.newCDPSession(page);
  const counts = { bytes: 0, whole: 0, notModified: 0, fromCache: 0 };
  const cached = new Set<string>();
  const statuses = new Map<string, number>();
  await devtools.send('Network.enable');
  devtools.on('Network.requestServedFromCache', ({ requestId }) => cached.add(requestId));
  devtools.on('Network.responseReceived', ({ requestId, response }) => {
    if (response.fromDiskCache === true) cached.add(requestId);
  });
  // What the page sees as a 200 may be a 304 on the wire: this is what came.
  devtools.on('Network.responseReceivedExtraInfo', ({ requestId, statusCode }) => statuses.set(requestId, statusCode));
  devtools.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
    counts.bytes += encodedDataLength;
    if (statuses.get(requestId) === 304) counts.notModified += 1;
    else if (cached.has(requestId)) counts.fromCache += 1;
    else counts.whole += 1;
  });
  await page.addInitScript({ content: WATCH });
  await page.goto(`https://127.0.0.1:${port}/ui/console/`, { timeout: TIMEOUT_MS });
  await page.waitForSelector(READY, { timeout: TIMEOUT_MS });
  const { readyMs, files } = (await page.evaluate(TIMES)) as Pick<Visit, 'readyMs' | 'files'>;
  await page.close();
  if (complaints.length > 0) throw new Error(complaints.join('\n'));
  return { readyMs, files, ...counts };
}
