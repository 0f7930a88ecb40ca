/**
 * The Console in Chromium, with and without the gateway: bytes on the wire and the time until it has drawn its data.
 * `node bench/console/browser/main.ts`. All servers run on this machine, beside the browser.
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Browser } from 'playwright-core';
import { makeCertificate } from '../certificate.ts';
import { warm } from '../probe.ts';
import { table } from '../report.ts';
import { freePorts, type Running, run } from '../running.ts';
import { site } from '../site.ts';
import { chart } from './chart.ts';
import { Gateways } from './gateways.ts';
import { startBrowser, type Visit, visit } from './visit.ts';

const USAGE = `Usage: node bench/console/browser/main.ts [options]

  --runs N          visits of each kind; the middle one counts (5)
  --rtt MS          round trip of the slower network (40)
  --mbit N          its rate, each way (10)
  --slow-page MS    what the origin takes for the page where 103 is measured (200)
  --only A,B        only these: loads, hints
  --chart FILE      writes the waterfalls over the slower network, as an SVG
  --screenshot FILE writes a picture of the Console, as a PNG
`;

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '5' },
    rtt: { type: 'string', default: '40' },
    mbit: { type: 'string', default: '10' },
    'slow-page': { type: 'string', default: '200' },
    only: { type: 'string', default: 'loads,hints' },
    chart: { type: 'string' },
    screenshot: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

const WARM_MS = 180_000;
const ALL_CORES = `0-${cpus().length - 1}`;
const say = (text: string): void => void process.stdout.write(`${text}\n`);
const [runs, rtt, mbit, slowPage] = [values.runs, values.rtt, values.mbit, values['slow-page']].map(Number) as [
  number,
  number,
  number,
  number,
];

if (values.help) say(USAGE);
else await measure();

async function measure(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-browser-bench-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const certificate = makeCertificate(folder);
  await using stack = new AsyncDisposableStack();
  const [clear, tls, slow] = (await freePorts(3)) as [number, number, number];
  const standIn = [join(import.meta.dirname, 'stand-in.ts'), ...[clear, tls, slow].map(String)];
  stack.use(await node([...standIn, certificate.certificate, certificate.key, String(slowPage)], clear));
  const browser = stack.adopt(await startBrowser(certificate.certificate), (one) => one.close());
  const gateways = new Gateways(folder, certificate, ALL_CORES);
  say(`${cpus()[0]!.model.trim()}, ${cpus().length} cores, Node ${process.version}, ${browser.version()}`);
  const only = values.only.split(',');
  if (only.includes('loads')) await loads({ browser, gateways, clear, tls, stack });
  if (only.includes('hints')) await hints({ browser, gateways, slow, stack });
}

interface Stage {
  readonly browser: Browser;
  readonly gateways: Gateways;
  readonly stack: AsyncDisposableStack;
}

/** Four ways to the Console, over loopback and over a slower network. */
async function loads({ browser, gateways, clear, tls, stack }: Stage & { clear: number; tls: number }): Promise<void> {
  const warmed = stack.use(await gateways.start('warm', clear));
  await filled(warmed.port);
  if (values.screenshot !== undefined) await picture(browser, warmed.port, values.screenshot);
  const networks = [
    { name: 'loopback', through: async (port: number) => ({ port, [Symbol.asyncDispose]: async () => {} }) },
    { name: `${mbit} Mbit/s, ${rtt} ms`, through: slower },
  ];
  for (const { name, through } of networks) {
    const direct = stack.use(await through(tls));
    const stored = stack.use(await through(warmed.port));
    // Another port is another host, with answers of its own.
    await filled(stored.port);
    const middles: { title: string; visit: Visit }[] = [];
    const all = new Map<string, Visit[]>();
    const add = (title: string, one: Visit): void => void all.set(title, [...(all.get(title) ?? []), one]);
    for (let i = 0; i < runs; i += 1) {
      add('no gateway', await fresh(browser, direct.port));
      {
        await using gateway = await gateways.start('cold', clear);
        await using way = await through(gateway.port);
        add('gateway, nothing stored', await fresh(browser, way.port));
      }
      const [first, second] = await twice(browser, stored.port);
      add('gateway, stored', first);
      add('the same browser again', second);
    }
    const rows = [...all].map(([title, visits]) => {
      const one = middle(visits);
      middles.push({ title, visit: one });
      const { bytes, readyMs, whole, notModified, fromCache } = one;
      const [fast, late] = [Math.min, Math.max].map((pick) => pick(...visits.map((each) => each.readyMs)).toFixed(0));
      const counts = [whole, notModified, fromCache].map(String);
      return [title, bytes.toLocaleString('en-US'), readyMs.toFixed(0), `${fast}-${late}`, ...counts];
    });
    say(`\n${name}\n${table([['', 'bytes', 'ready ms', 'from-to', '200', '304', 'not asked'], ...rows])}`);
    if (values.chart !== undefined && through === slower) writeFileSync(values.chart, chart(middles));
  }
}

/** What 103 gains: the page takes its time, its files are stored, and the browser has nothing. */
async function hints({ browser, gateways, slow, stack }: Stage & { slow: number }): Promise<void> {
  const rows: string[][] = [];
  const both = new Map<boolean, Visit[]>([false, true].map((on) => [on, []]));
  const entrants = [];
  for (const on of [false, true]) {
    const gateway = stack.use(await gateways.start(on ? 'hints' : 'no-hints', slow, on));
    await filled(gateway.port);
    const way = stack.use(await slower(gateway.port));
    await filled(way.port);
    entrants.push({ on, gateway, port: way.port });
  }
  for (let i = 0; i < runs; i += 1) {
    for (const { on, gateway, port } of entrants) {
      await gateway.purge(`https://127.0.0.1:${port}/ui/console/`);
      both.get(on)!.push(await fresh(browser, port));
    }
  }
  for (const [on, visits] of both) {
    const { readyMs } = middle(visits);
    const [fast, late] = [Math.min, Math.max].map((pick) => pick(...visits.map((each) => each.readyMs)).toFixed(0));
    rows.push([on ? '103' : 'without', readyMs.toFixed(0), `${fast}-${late}`]);
  }
  say(`\npage after ${slowPage} ms, ${mbit} Mbit/s, ${rtt} ms\n${table([['', 'ready ms', 'from-to'], ...rows])}`);
}

/** A visit with a browser that knows nothing. */
async function fresh(browser: Browser, port: number): Promise<Visit> {
  const context = await browser.newContext();
  try {
    return await visit(context, port);
  } finally {
    await context.close();
  }
}

/** A visit with a browser that knows nothing, and another one with the same. */
async function twice(browser: Browser, port: number): Promise<readonly [Visit, Visit]> {
  const context = await browser.newContext();
  try {
    return [await visit(context, port), await visit(context, port)];
  } finally {
    await context.close();
  }
}

/** Waits until every file is stored in its best coding. */
async function filled(port: number): Promise<void> {
  const all = site();
  // The stand-in has no small file.
  const files = all.files.filter((file) => file !== all.small);
  const late = await warm(
    port,
    { ...all, files },
    ({ cacheStatus, coding, sized }) =>
      /\bhit\b/.test(cacheStatus) && sized && (coding === 'br' || coding === 'identity'),
    WARM_MS,
  );
  if (late !== undefined) say(`not settled: ${late}`);
}

async function slower(port: number): Promise<Running & { readonly port: number }> {
  const [own] = (await freePorts(1)) as [number];
  const link = await node([join(import.meta.dirname, 'link.ts'), ...[own, port, rtt, mbit].map(String)], own);
  return Object.assign(link, { port: own });
}

function node(args: readonly string[], port: number): Promise<Running> {
  return run({ command: [process.execPath, ...args], cores: ALL_CORES, port });
}

async function picture(browser: Browser, port: number, file: string): Promise<void> {
  const page = await browser.newPage({ viewport: { width: 800, height: 300 } });
  await page.goto(`https://127.0.0.1:${port}/ui/console/`);
  await page.waitForSelector('html[data-ready=yes]');
  await page.screenshot({ path: file });
  await page.context().close();
}

function middle(visits: readonly Visit[]): Visit {
  return visits.toSorted((a, b) => a.readyMs - b.readyMs)[visits.length >> 1]!;
}
