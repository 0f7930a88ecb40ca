// The Console in a real browser, cold and warm: what arrives, in which coding, what the browser asks for again, and what
// is left of it while no ZITADEL answers.
// Harm: chunks that fail to load after an upgrade, and a Console that is gone with the pods.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Browser, type BrowserContext, type CDPSession, chromium, type Page } from 'playwright-core';
import { systemClock } from '../../src/core/clock.ts';
import type { DownstreamStream } from '../../src/core/raw.ts';
import { type StandIn, startStandIn } from '../../src/demo/stand-in.ts';
import { chromiumOptions, trusting } from '../support/chromium.ts';
import { startGateway, type TestGateway, testCertificate } from '../support/gateway.ts';
import { needs } from '../support/programs.ts';

const BROWSER = needs('chromium');
const ENVIRONMENT = '/ui/console/assets/environment.json';
const CALL = '/zitadel.admin.v1.AdminService/Healthz';
const READY = 'html[data-ready=yes]';
/** All lazy chunks, by the loader of the page: their titles. */
const ALL_CHUNKS = `Promise.all(Array.from({ length: self.chunkCount }, (_, i) => self.loadChunk(i + 1)))
  .then((parts) => parts.map((part) => part.title))`;

/** When a page had its 103 and the head of itself, in milliseconds, and what it loaded because of the 103. */
interface Timing {
  readonly interimAt: number;
  readonly finalAt: number;
  readonly hinted: string[];
}
const TIMING = `(() => {
  const [page] = performance.getEntriesByType('navigation');
  const hinted = performance.getEntriesByType('resource').filter(({ initiatorType }) => initiatorType === 'early-hints');
  return {
    interimAt: page.firstInterimResponseStart,
    finalAt: page.finalResponseHeadersStart,
    hinted: hinted.map(({ name }) => new URL(name).pathname),
  };
})()`;

let standIn: StandIn;
let gateway: TestGateway;
let browser: Browser;
let origin: string;
/** How far the gateway's time of day is ahead, in milliseconds. */
let ahead = 0;

before(async () => {
  if (BROWSER.skip !== undefined) return;
  standIn = await startStandIn();
  gateway = await startGateway({
    zitadel: new URL(standIn.url).host,
    clock: { ...systemClock, wall: () => systemClock.wall() + ahead },
    config: { routes: [{ name: 'console', policies: { cache: { single_page_app: { early_hints: true } } } }] },
  });
  origin = `https://localhost:${gateway.port('public')}`;
  browser = await chromium.launch(chromiumOptions(trusting((await testCertificate()).certificate)));
});

after(async () => {
  if (BROWSER.skip !== undefined) return;
  await browser?.close();
  await gateway?.[Symbol.asyncDispose]();
  await standIn?.close();
});

/** What came for a path: the status on the wire, or that nothing was asked. */
interface Came {
  status: number | 'not asked';
  readonly coding: string | undefined;
  readonly protocol: string | undefined;
  /** Bytes of the answer on the wire. */
  bytes: number;
}

/** A tab that notes what comes, and whatever the page complains about. */
class Tab implements AsyncDisposable {
  readonly page: Page;
  readonly came = new Map<string, Came>();
  readonly complaints: string[] = [];
  readonly #paths = new Map<string, string>();

  private constructor(page: Page, devtools: CDPSession) {
    this.page = page;
    page.on('console', (message) => message.type() === 'error' && this.complaints.push(message.text()));
    page.on('pageerror', (error) => this.complaints.push(error.message));
    page.on('requestfailed', (request) => this.complaints.push(`${request.url()} ${request.failure()?.errorText}`));
    const statuses = new Map<string, number>();
    devtools.on('Network.responseReceivedExtraInfo', ({ requestId, statusCode }) => {
      statuses.set(requestId, statusCode);
      const came = this.came.get(this.#paths.get(requestId) ?? '');
      if (came !== undefined) came.status = statusCode;
    });
    devtools.on('Network.responseReceived', ({ requestId, response }) => {
      const { pathname } = new URL(response.url);
      this.#paths.set(requestId, pathname);
      this.came.set(pathname, {
        status: response.fromDiskCache === true ? 'not asked' : (statuses.get(requestId) ?? response.status),
        coding: response.headers['content-encoding'],
        protocol: response.protocol,
        bytes: 0,
      });
    });
    devtools.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
      const came = this.came.get(this.#paths.get(requestId) ?? '');
      if (came !== undefined) came.bytes = encodedDataLength;
    });
  }

  static async open(context: BrowserContext): Promise<Tab> {
    const page = await context.newPage();
    const devtools = await context.newCDPSession(page);
    await devtools.send('Network.enable');
    return new Tab(page, devtools);
  }

  /** Opens the Console, waits until it has drawn its data, and loads all that it loads late. */
  async visit(): Promise<void> {
    await this.page.goto(`${origin}/ui/console/`);
    await this.page.waitForSelector(READY);
    await this.chunks();
  }

  async chunks(): Promise<void> {
    const titles = (await this.page.evaluate(ALL_CHUNKS)) as string[];
    assert.deepEqual(
      titles,
      titles.map((_, i) => `Section ${i + 1}`),
    );
    assert.equal(titles.length, 30);
  }

  get bytes(): number {
    return [...this.came.values()].reduce((sum, { bytes }) => sum + bytes, 0);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.page.close();
  }
}

/** The page arrived, every file of it over HTTP/2 and in Brotli, and nothing is wrong with it. */
function assertWhole({ came, complaints }: Tab): void {
  assert.deepEqual(complaints, []);
  assert.ok(came.size > 35, `${came.size} answers`);
  for (const [path, { status, coding, protocol }] of came) {
    assert.deepEqual([path, status, protocol], [path, 200, 'h2']);
    if (/\.(?:js|css|json)$/.test(path) && path !== ENVIRONMENT) assert.equal(coding, 'br', path);
  }
}

test(
  'the Console arrives in Brotli from the first visit on, and in fewer bytes once the best codings are made',
  BROWSER,
  async () => {
    await using cold = await browser.newContext();
    await using first = await Tab.open(cold);
    await first.visit();
    assertWhole(first);
    assert.equal(gateway.ended.filter(({ record }) => record.cache === 'hit').length, 0);

    await gateway.primary.generation.services.cache.maker.idle();
    const before = gateway.ended.length;
    await using warm = await browser.newContext();
    await using second = await Tab.open(warm);
    await second.visit();
    assertWhole(second);
    assert.ok(second.bytes < first.bytes, `${second.bytes} after ${first.bytes} bytes`);
    const asked = gateway.ended.slice(before).filter(({ record }) => record.answeredBy !== 'cache');
    assert.deepEqual(asked.map(({ exchange }) => exchange.head.path).sort(), [ENVIRONMENT, CALL].sort());
  },
);

test('a second visit asks for the page, which has not changed, and for what is never stored', BROWSER, async () => {
  await using context = await browser.newContext();
  {
    await using tab = await Tab.open(context);
    await tab.visit();
  }
  await using again = await Tab.open(context);
  await again.visit();
  assert.deepEqual(again.complaints, []);
  const asked = [...again.came].filter(([, { status }]) => status !== 'not asked');
  assert.deepEqual(
    asked.map(([path, { status }]) => [path, status]).sort(),
    [
      ['/ui/console/', 304],
      [ENVIRONMENT, 200],
      [CALL, 200],
    ].sort(),
  );
});

test(
  'a browser that waits for the page is told its scripts, loads each of them once, and they fit',
  BROWSER,
  async ({ mock }) => {
    const { store } = gateway.primary.generation.services.cache;
    store.purge({ url: `${origin}/ui/console/` });
    // What counts is what the gateway sent, and what the page has of it: DevTools' event of a 103 does not always come.
    const streams = Object.getPrototypeOf(gateway.ended.at(-1)!.exchange.downstream) as DownstreamStream;
    const informed = mock.method(streams, 'inform');
    const before = gateway.ended.length;
    await using context = await browser.newContext();
    await using tab = await Tab.open(context);
    await tab.visit();
    assert.deepEqual(tab.complaints, []);
    const sent = informed.mock.calls.map(({ arguments: [status, [name, value]] }) => [status, name, value]);
    assert.equal(sent.length, 1);
    const [status, name, link] = sent[0]!;
    assert.deepEqual([status, name], [103, 'link']);
    assert.match(String(link), /<\/ui\/console\/main\.[0-9a-f]+\.js>; rel=modulepreload; as=script/);
    assert.match(String(link), /<\/ui\/console\/styles\.[0-9a-f]+\.css>; rel=preload; as=style/);
    const { interimAt, finalAt, hinted } = (await tab.page.evaluate(TIMING)) as Timing;
    assert.ok(interimAt > 0 && interimAt <= finalAt, `the 103 after ${interimAt} ms, the page after ${finalAt} ms`);
    const named = [...String(link).matchAll(/<([^>]+)>/g)].map(([, path]) => path!);
    // A browser that has the page as soon as the 103 may do nothing with that: the page names the same files.
    for (const path of hinted) assert.ok(named.includes(path), path);
    const paths = gateway.ended.slice(before).map(({ exchange }) => exchange.head.path);
    assert.deepEqual(paths, [...new Set(paths)]);
  },
);

test('while no ZITADEL answers the shell still opens, long after the page has become stale', BROWSER, async () => {
  await standIn.close();
  ahead = 6 * 3600 * 1000;
  await using context = await browser.newContext();
  await using tab = await Tab.open(context);
  const page = await tab.page.goto(`${origin}/ui/console/`);
  assert.equal(page?.status(), 200);
  assert.match((await page?.allHeaders())?.['cache-status'] ?? '', /hit; ttl=-\d+; detail=origin-failed/);
  await tab.page.waitForFunction('self.consoleParts > 0');
  await tab.chunks();
  assert.equal(tab.came.get('/ui/console/assets/i18n/en.json')?.status, 200);
  assert.equal(tab.came.get(ENVIRONMENT)?.status, 502);
  // What a 103 made the browser fetch is not asked for again.
  const failed = [...tab.came].filter(([, { status }]) => status !== 200 && status !== 'not asked');
  assert.deepEqual(
    failed.map(([path]) => path),
    [ENVIRONMENT],
  );
});
