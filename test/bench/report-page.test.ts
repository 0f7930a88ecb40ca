// The report of a real run in a real browser: everything is there, nothing is loaded, nothing runs, numbers are those of
// the results.
// Harm: a chart that lost a server, a table that says another number than the run, a report that calls home.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';
import type { Comparison, Result, ResultFile } from '../../bench/load/result.ts';
import { digits, percent, perSecond } from '../../bench/report/numerals.ts';
import { reportPage } from '../../bench/report/page.ts';
import { startStandIn } from '../../src/demo/stand-in.ts';
import { needs, program, type Said, say } from '../support/programs.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const BROWSER = needs('chromium');
const HOSTILE = `</title></script><script>alert(1)</script><img src=x onerror="alert(2)">'"&`;
const MOST_BYTES = 500 * 1024;

let folder: string;
let ran: Said;
let file: ResultFile;
let browser: Browser | undefined;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-report-'));
  const standIn = await startStandIn();
  const url = standIn.url;
  const load = ['--scenario', 'rest-json,grpc-unary', '--target', url, '--direct', url, '--rates', '20%,60%'];
  const time = ['--duration', '0.5', '--warm-up', '0.1', '--connections', '2'];
  const out = ['--json', join(folder, 'run.json'), '--html', join(folder, 'run.html')];
  ran = await say(process.execPath, [join(ROOT, 'bench', 'main.ts'), ...load, ...time, ...out], { cwd: folder });
  await standIn.close();
  assert.equal(ran.code, 0, `${ran.stdout}${ran.stderr}`);
  file = JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8')) as ResultFile;
  if (BROWSER.skip !== undefined) return;
  browser = await chromium.launch({
    executablePath: program('chromium'),
    timeout: 60_000,
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'],
  });
});

after(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A page in the browser, and what it complained about or asked for besides itself. */
interface Opened extends AsyncDisposable {
  readonly page: Page;
  readonly wrong: string[];
}

async function open(path: string, width = 1280): Promise<Opened> {
  const page = await browser!.newPage({ viewport: { width, height: 900 } });
  const wrong: string[] = [];
  const own = pathToFileURL(path).href;
  page.on('console', (message) => wrong.push(message.text()));
  page.on('pageerror', (error) => wrong.push(error.message));
  page.on('dialog', (dialog) => {
    wrong.push(`dialog ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('request', (request) => request.url() !== own && wrong.push(request.url()));
  await page.goto(own);
  return { page, wrong, [Symbol.asyncDispose]: () => page.close() };
}

async function openFile(results: ResultFile, width?: number): Promise<Opened> {
  const path = join(folder, 'made.html');
  writeFileSync(path, reportPage(results));
  return await open(path, width);
}

const texts = (page: Page, selector: string): Promise<string[]> => page.locator(selector).allTextContents();
const count = (page: Page, selector: string): Promise<number> => page.locator(selector).count();

/** Points of a line, as the chart says. */
async function points(page: Page, figure: string, line: string): Promise<number> {
  const found = page.locator(`#scenario-0 [data-figure=${figure}] [data-line="${line}"]`);
  assert.equal(await found.count(), 1, `${figure}: ${line}`);
  const path = (await found.locator('path').first().getAttribute('d'))!;
  const said = Number(await found.getAttribute('data-points'));
  assert.equal(path.match(/[ML]/g)?.length ?? 0, said);
  return said;
}

const of = (server: string, loop: string): Result[] =>
  file.results.filter((one) => one.scenario === 'rest-json' && one.server === server && one.loop === loop);

describe('the report of a run', BROWSER, () => {
  test('is one small page that loads nothing, runs nothing and has no complaints', async () => {
    await using opened = await open(join(folder, 'run.html'));
    assert.deepEqual(opened.wrong, []);
    assert.equal(await count(opened.page, 'script, link, iframe, img, object'), 0);
    assert.ok(readFileSync(join(folder, 'run.html')).length < MOST_BYTES);
  });

  test('has every figure, with as many points as were measured', async () => {
    await using opened = await open(join(folder, 'run.html'));
    const { page } = opened;
    for (const figure of ['knees', 'latencies']) assert.equal(await count(page, `[data-figure=${figure}]`), 1, figure);
    for (const figure of ['percentiles', 'course', 'load']) {
      assert.equal(await count(page, `.scenario [data-figure=${figure}]`), 2, figure);
    }
    const [usual] = of('gatehouse', 'open') as [Result];
    const answered = usual.course.intervals.filter(({ answers }) => answers > 0).length;
    assert.equal(usual.course.intervals.length, 5);
    for (const line of ['p50', 'p99', 'slowest']) assert.equal(await points(page, 'course', line), answered, line);
    for (const line of ['gatehouse p50', 'gatehouse p99', 'direct p99']) {
      assert.equal(await points(page, 'load', line), 2, line);
    }
    for (const line of ['gatehouse', 'direct']) assert.ok((await points(page, 'percentiles', line)) > 15, line);
  });

  test('has the numbers of the results in its table', async () => {
    await using opened = await open(join(folder, 'run.html'));
    const rows = await opened.page.locator('.results tbody tr').all();
    assert.equal(rows.length, file.results.length);
    for (const [index, row] of rows.entries()) {
      const { scenario, server, rps, latencyMs: ms, errors, rate } = file.results[index]!;
      const cells = await row.locator('th, td').allTextContents();
      const load = rate === undefined ? 'closed loop' : `open, ${perSecond(rate.from)} (${percent(rate.share!)})`;
      const numbers = [rps, ms.p50, ms.p90, ms.p99, ms.p999, ms.max].map(digits);
      assert.deepEqual(cells.slice(0, 9), [scenario, server, load, ...numbers]);
      assert.equal(Number(cells[9]!.split(' ')[0]!.replaceAll(',', '')), errors);
    }
  });

  test('says what, where, when, how it was made, and how each figure is made again and read', async () => {
    await using opened = await open(join(folder, 'run.html'));
    const { page } = opened;
    const head = (await page.locator('header').textContent())!;
    const { machine, startedAt, target } = file;
    for (const text of [machine.cpu, machine.node, machine.openssl, startedAt, target, file.command]) {
      assert.ok(head.includes(text), text);
    }
    for (const command of await texts(page, '.scenario .command')) {
      assert.match(
        command,
        /^npm run bench -- .*--rates 20%,60% .*--scenario (rest-json|grpc-unary) --html report\.html$/,
      );
    }
    assert.equal(await count(page, 'figure .command'), await count(page, 'figure'));
    for (const reading of await texts(page, 'figcaption p')) assert.ok(reading.length > 40, reading);
    assert.ok((await texts(page, '.scenario .lead'))[0]!.includes(file.scenarios![0]!.about));
  });

  test('fits a phone, and has its own colours in the dark and black on white on paper', async () => {
    await using opened = await open(join(folder, 'run.html'), 360);
    const { page } = opened;
    const paper = () => page.evaluate('getComputedStyle(document.body).backgroundColor');
    assert.ok(((await page.evaluate('document.documentElement.scrollWidth')) as number) <= 360);
    await page.emulateMedia({ colorScheme: 'light' });
    const light = await paper();
    await page.emulateMedia({ colorScheme: 'dark' });
    assert.notEqual(await paper(), light);
    await page.emulateMedia({ colorScheme: 'dark', media: 'print' });
    assert.equal(await paper(), 'rgb(255, 255, 255)');
    assert.equal(await page.evaluate('getComputedStyle(document.querySelector("h1")).color'), 'rgb(27, 31, 36)');
  });
});

describe('a report of stored results', BROWSER, () => {
  test('is the same as that of the run', async () => {
    const out = join(folder, 'stored.html');
    const { code, stdout } = await say(process.execPath, [
      join(ROOT, 'bench', 'report', 'main.ts'),
      join(folder, 'run.json'),
      '--out',
      out,
    ]);
    assert.deepEqual([code, stdout.toString()], [0, `${out}\n`]);
    assert.equal(readFileSync(out, 'utf8'), readFileSync(join(folder, 'run.html'), 'utf8'));
  });

  test('shows hostile text as text', async () => {
    const hostile = file.results.map((one) => ({
      ...one,
      scenario: HOSTILE,
      server: one.server === 'direct' ? HOSTILE : one.server,
      errorKinds: { [HOSTILE]: 1 },
      errors: 1,
      notCompared: [HOSTILE],
    }));
    await using opened = await openFile({
      ...file,
      startedAt: HOSTILE,
      command: HOSTILE,
      args: ['--host', HOSTILE],
      target: HOSTILE,
      machine: { ...file.machine, cpu: HOSTILE, revision: HOSTILE },
      scenarios: [{ name: HOSTILE, about: HOSTILE }],
      results: hostile,
      skipped: [{ scenario: HOSTILE, server: HOSTILE, why: HOSTILE }],
    });
    assert.deepEqual(opened.wrong, []);
    assert.equal(await count(opened.page, 'script, img'), 0);
    assert.deepEqual(await texts(opened.page, '.scenario h2'), [HOSTILE]);
    const legend = await texts(opened.page, '.legend li');
    assert.ok(
      legend.some((text) => text.includes(HOSTILE)),
      legend.join(' | '),
    );
  });

  test('tells errors first, and the share of answers that were wrong', async () => {
    const results = file.results.map((one, index) =>
      index === 0
        ? { ...one, errors: one.answers, errorKinds: { 'status 429': one.answers } }
        : { ...one, errors: 0, errorKinds: {} },
    );
    await using opened = await openFile({ ...file, results });
    const [first] = await texts(opened.page, '.warnings li');
    assert.match(first!, /^rest-json, gatehouse, closed loop: .* wrong: status 429 \(all errors there: 50%\)$/);
    assert.equal(await count(opened.page, 'td.bad'), 1);
  });

  test('compares servers with bars, whiskers and ratios', async () => {
    const rounds = [1, 2, 3].flatMap((round) =>
      of('gatehouse', 'closed').flatMap((one) => [
        { ...one, round, rps: 1000 + round },
        { ...one, server: 'nginx', round, rps: 500 + round },
        { ...one, server: 'caddy', round, rps: 990 + round * 5 },
      ]),
    );
    const compared = {
      scenario: 'rest-json',
      loop: 'closed',
      against: 'gatehouse',
      measure: 'rps',
      rounds: 3,
    } as const;
    const comparison: Comparison[] = [
      { ...compared, server: 'nginx', ratio: 1.996, spread: [1.98, 2.01], withinNoise: false },
      { ...compared, server: 'caddy', ratio: 1.002, spread: [0.99, 1.01], withinNoise: true },
    ];
    await using opened = await openFile({ ...file, results: rounds, comparison });
    const figure = opened.page.locator('[data-figure=comparison-rps]');
    assert.equal(await figure.locator('[data-bar]').count(), 3);
    assert.equal(await figure.locator('.whisker').count(), 3);
    assert.equal(await figure.locator('h3').textContent(), 'Throughput of gatehouse: 2.00× nginx');
    assert.deepEqual(await figure.locator('.value').allTextContents(), [
      '1,002',
      '502 · 2.00× (1.98–2.01)',
      '1,000 · 1.00× (0.99–1.01) chance?',
    ]);
    const width = async (name: string): Promise<number> =>
      Number(await figure.locator(`[data-bar=${name}] rect`).getAttribute('width'));
    assert.ok(Math.abs((await width('nginx')) / (await width('gatehouse')) - 502 / 1002) < 0.01);
    assert.deepEqual(opened.wrong, []);
  });

  test('without a course or a histogram has the other figures, and says why', async () => {
    const results = file.results.map(({ course: _, ...rest }) => ({ ...rest, histogram: 'none' }) as unknown as Result);
    await using opened = await openFile({ ...file, results });
    assert.equal(await count(opened.page, '[data-figure=course], [data-figure=percentiles]'), 0);
    assert.equal(await count(opened.page, '[data-figure=load]'), 2);
    assert.match((await texts(opened.page, '.scenario > .reading'))[0]!, /No latency over time.*No percentile curve/);
  });

  test('of a ramp shows its intervals at the rates they had', async () => {
    const [one] = of('gatehouse', 'open') as [Result];
    const intervals = Array.from({ length: 10 }, (_, at) => ({
      answers: 5,
      errors: 0,
      p50Ms: 1,
      p99Ms: 2 + at,
      maxMs: 20,
    }));
    const ramp: Result = { ...one, rate: { from: 100, to: 1100 }, course: { intervalMs: 100, intervals } };
    await using opened = await openFile({ ...file, results: [ramp] });
    for (const line of ['p50', 'p99']) assert.equal(await points(opened.page, 'load', line), 10);
    assert.deepEqual(opened.wrong, []);
  });
});
