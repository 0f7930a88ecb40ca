/** A visit to the Console in Chromium, and what it took. */

import { readFileSync } from 'node:fs';
import { type Browser, type BrowserContext, chromium, type Request } from 'playwright-core';
import { chromiumOptions, trusting } from '../../../test/support/chromium.ts';

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

/** Starts Chromium, which trusts one certificate, in a file: with errors of certificates it would cache nothing. */
export function startBrowser(certificate: string): Promise<Browser> {
  return chromium.launch(chromiumOptions(trusting(readFileSync(certificate))));
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
