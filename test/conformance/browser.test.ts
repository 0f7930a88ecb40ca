// A real browser through the gateway: the Console over HTTP/2, logins with cookies, errors read from another origin,
// events as they come, a WebSocket.
// Harm: "Unknown Content-type received." (zitadel/zitadel#4455, #7655) and blocked CSPs (#4475) show in browsers only.

import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type BrowserContext, chromium, type Page } from 'playwright-core';
import { WEBSOCKET_PATH } from '../../src/demo/login-stand-in.ts';
import { USERS } from '../../src/demo/state.ts';
import { chromiumOptions } from '../support/chromium.ts';
import { needs } from '../support/programs.ts';
import { type Stage, startStage } from './stage.ts';

const BROWSER = needs('chromium');

let stage: Stage;
let context: BrowserContext;
let profile: string;
/** The gateway by the name that its certificate is for. */
let origin: string;
/** The same port under another name: another origin. */
let elsewhere: string;

before(async () => {
  if (BROWSER.skip !== undefined) return;
  stage = await startStage({
    config: {
      upstreams: { gone: { endpoints: ['127.0.0.1:1'] } },
      routes: [
        { name: 'gone', paths: ['/v2/gone'], upstream: 'gone', form: 'rest' },
        { name: 'gone-page', paths: ['/ui/gone'], upstream: 'gone', form: 'html' },
        { name: 'login-v2', websocket: true },
        {
          name: 'limited',
          paths: ['/v2/limited'],
          class: 'limited',
          policies: { rate_limit: { limits: { browser: { key: ['address'], requests: 1, period_s: 3600 } } } },
        },
      ],
    },
  });
  profile = await mkdtemp(join(tmpdir(), 'gatehouse-browser-'));
  context = await chromium.launchPersistentContext(profile, {
    ...chromiumOptions('--ignore-certificate-errors'),
    ignoreHTTPSErrors: true,
  });
  const port = stage.gateway.port('public');
  origin = `https://localhost:${port}`;
  elsewhere = `https://127.0.0.1:${port}`;
});

after(async () => {
  if (BROWSER.skip !== undefined) return;
  await context?.close();
  await stage?.[Symbol.asyncDispose]();
  if (profile !== undefined) await rm(profile, { recursive: true, force: true });
});

/** A page, and whatever it complained about. */
async function open(): Promise<{ page: Page; complaints: string[] } & AsyncDisposable> {
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => {
    // Browsers ask every host for one; ZITADEL has none there.
    const { url } = message.location();
    if (message.type() === 'error' && !url.endsWith('/favicon.ico')) complaints.push(`${message.text()} ${url}`);
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('requestfailed', (request) => complaints.push(`${request.url()} ${request.failure()?.errorText}`));
  return { page, complaints, [Symbol.asyncDispose]: () => page.close() };
}

test('the Console loads over HTTP/2, every file of it, without a complaint', BROWSER, async () => {
  await using opened = await open();
  const { page, complaints } = opened;
  await page.goto(`${origin}/ui/console/`);
  await page.waitForSelector('html[data-ready=yes]');
  const loaded = await page.evaluate(() =>
    [...performance.getEntriesByType('navigation' as 'resource'), ...performance.getEntriesByType('resource')].map(
      (entry) => {
        const { name, nextHopProtocol, responseStatus } = entry as PerformanceResourceTiming & {
          responseStatus: number;
        };
        return { name, nextHopProtocol, responseStatus };
      },
    ),
  );
  assert.ok(loaded.length >= 10, `${loaded.length} files`);
  for (const { name, nextHopProtocol, responseStatus } of loaded) {
    assert.deepEqual([nextHopProtocol, responseStatus], ['h2', 200], name);
  }
  const text = await page.innerText('cnsl-root');
  assert.match(text, new RegExp(`api: ${origin}`));
  // gRPC-Web from the page: the trailers came through.
  assert.match(text, /healthz: 200 grpc-status: ?0/i);
  assert.deepEqual(complaints, []);
});

test('a person logs in: form, cookie, CSRF token, wrong and right password', BROWSER, async () => {
  await using opened = await open();
  const { page, complaints } = opened;
  await page.goto(`${origin}/ui/login/login`);
  await page.waitForSelector('html[data-ready=yes]');
  const [{ loginName, password }] = [USERS[0]!];
  await page.fill('input[name=loginName]', loginName);
  await page.click('button');
  await page.fill('input[name=password]', 'wrong');
  await page.click('button');
  assert.match(await page.innerText('.error'), /Username or Password is invalid/);
  await page.fill('input[name=password]', password);
  await page.click('button');
  await page.waitForURL(`${origin}/ui/console/`);
  const names = (await context.cookies(origin)).map(({ name }) => name);
  assert.ok(names.includes('__Host-zitadel.login.csrf'), names.join());
  assert.ok(names.includes('__Host-zitadel.useragent'), names.join());
  await page.waitForSelector('html[data-ready=yes]');
  assert.deepEqual(complaints, []);
});

/** What a script of another origin reads of an answer. */
async function readFromElsewhere(
  page: Page,
  path: string,
  init: object = {},
): Promise<{ status: number; code: number }> {
  // An answer without a CSP, which would be in the way.
  await page.goto(`${elsewhere}/demo/echo`);
  return page.evaluate(
    async ([url, options]) => {
      const answer = await fetch(url, options);
      const { code } = (await answer.json()) as { code: number };
      return { status: answer.status, code };
    },
    [origin + path, init] as const,
  );
}

test('a script from another origin reads refusals: status and code', BROWSER, async () => {
  await using opened = await open();
  const { page } = opened;
  assert.deepEqual(await readFromElsewhere(page, '/no/such/path'), { status: 404, code: 5 });
  assert.deepEqual(await readFromElsewhere(page, '/v2/gone'), { status: 502, code: 14 });
  const withCookies = { credentials: 'include' };
  assert.deepEqual(await readFromElsewhere(page, '/system/v1/healthz', withCookies), { status: 403, code: 7 });
});

// A browser sends the call only after a preflight with an ok status: https://fetch.spec.whatwg.org/#cors-preflight-fetch
test('it reads them where a preflight comes first, too', BROWSER, async () => {
  await using opened = await open();
  const call = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' };
  assert.deepEqual(await readFromElsewhere(opened.page, '/v2/gone', call), { status: 502, code: 14 });
});

test('it reads of a rate limit when to come again, and what is left', BROWSER, async () => {
  await using opened = await open();
  const { page } = opened;
  await page.goto(`${elsewhere}/demo/echo`);
  const read = await page.evaluate(async (url) => {
    await fetch(url).catch(() => {}); // an answer of ZITADEL itself, whatever it is
    const answer = await fetch(url);
    const { code } = (await answer.json()) as { code: number };
    const [wait, left] = ['retry-after', 'ratelimit'].map((name) => answer.headers.get(name));
    return { status: answer.status, code, wait: Number(wait), left };
  }, `${origin}/v2/limited`);
  assert.deepEqual([read.status, read.code], [429, 8]);
  assert.ok(read.wait > 3000 && read.wait <= 3600, `${read.wait} s`);
  assert.match(read.left ?? '', /^"browser";r=0;t=\d+$/);
});

test('events arrive one by one, not when the answer is over', BROWSER, async () => {
  await using opened = await open();
  const { page } = opened;
  await page.goto(`${origin}/demo/status?status=200`);
  const times = await page.evaluate(
    (url) =>
      new Promise<number[]>((resolve, reject) => {
        const source = new EventSource(url);
        const seen: number[] = [];
        source.addEventListener('tick', () => {
          seen.push(performance.now());
          if (seen.length < 4) return;
          source.close();
          resolve(seen);
        });
        source.onerror = () => reject(new Error('the source failed'));
      }),
    '/demo/sse?n=4&ms=120',
  );
  // All at once would be a buffer; the slowest machine does not merge more than two of three pauses of 120 ms.
  const spread = times.at(-1)! - times[0]!;
  assert.ok(spread > 100, `four events within ${Math.round(spread)} ms`);
});

test('Login v2 is a page with its scripts, and its WebSocket echoes', BROWSER, async () => {
  await using opened = await open();
  const { page, complaints } = opened;
  await page.goto(`${origin}/`);
  assert.match(await page.innerText('h1'), /Login v2/);
  const scripts = await page.evaluate(() =>
    performance.getEntriesByType('resource').map((entry) => (entry as PerformanceResourceTiming).nextHopProtocol),
  );
  assert.ok(scripts.length >= 3);
  assert.deepEqual([...new Set(scripts)], ['h2']);
  const echoed = await page.evaluate(
    (url) =>
      new Promise<string>((resolve, reject) => {
        const socket = new WebSocket(url);
        socket.onopen = () => socket.send('over the gate');
        socket.onmessage = async ({ data }) => {
          resolve(typeof data === 'string' ? data : await (data as Blob).text());
          socket.close();
        };
        socket.onerror = () => reject(new Error('no WebSocket'));
      }),
    origin.replace('https', 'wss') + WEBSOCKET_PATH,
  );
  assert.equal(echoed, 'over the gate');
  assert.deepEqual(complaints, []);
});

test('an error is a page that a person can read, with the request id', BROWSER, async () => {
  await using opened = await open();
  const { page } = opened;
  const answer = await page.goto(`${origin}/ui/gone`);
  assert.equal(answer?.status(), 502);
  assert.match(await page.innerText('h1'), /^502 /);
  assert.ok((await page.innerText('code')).length > 8);
  if (process.env.GATEHOUSE_SCREENSHOT) await page.screenshot({ path: process.env.GATEHOUSE_SCREENSHOT });
});
