/**
 * What the variants of a whole Console cost the requests meanwhile: `node bench/micro/variants.ts`. The delay of the
 * event loop is measured before and while all codings of the stand-in's files are made, with a thread of requests that
 * is idle, and once more with one that computes half of the time.
 */

import { createHash } from 'node:crypto';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { gzipSync } from 'node:zlib';
import { systemClock } from '../../src/core/clock.ts';
import { consoleFiles } from '../../src/demo/console/files.ts';
import { CODING_NAMES } from '../../src/encoding/coding.ts';
import { VariantMaker } from '../../src/encoding/variants/variant-maker.ts';

/** The resolution of the monitor: what it adds to each delay. */
const RESOLUTION_MS = 1;
const sources = [...consoleFiles().values()].map(({ body }) => ({
  body: Buffer.from(body),
  digest: createHash('sha256').update(body).digest('base64url'),
}));
const large = { body: Buffer.concat(sources.map(({ body }) => body)).subarray(0, 5_000_000), digest: 'large' };
const total = sources.reduce((sum, { body }) => sum + body.byteLength, 0);
console.log(`${sources.length} files, ${kib(total)}, gzip 6 ${kib(sum(sources.map(({ body }) => gzipSync(body))))}`);

report('nothing to do', await delays(() => new Promise((resolve) => setTimeout(resolve, 2000))));
report('variants, loop idle', await delays(() => makeAll(true)));
const busy = setInterval(() => {
  const until = performance.now() + 2;
  while (performance.now() < until);
}, 4);
report('loop half busy', await delays(() => new Promise((resolve) => setTimeout(resolve, 2000))));
report('variants, loop half busy', await delays(() => makeAll(false)));
clearInterval(busy);

{
  using maker = newMaker();
  const first = performance.now();
  maker.make(sources[0]!, ['gzip'], () => {});
  console.log(`make() returned after ${(performance.now() - first).toFixed(2)} ms with the start of the thread,`);
  await maker.idle();
  const second = performance.now();
  maker.make(large, ['gzip'], () => {});
  console.log(`  after ${(performance.now() - second).toFixed(2)} ms with the thread there and a body of 5 MB`);
  await maker.idle();
}
console.log(`peak resident size ${Math.round(process.resourceUsage().maxRSS / 1024)} MiB`);

function newMaker(): VariantMaker {
  return new VariantMaker({ clock: systemClock, maxQueuedBytes: 64_000_000, maxJobs: 1000, onFailure: console.error });
}

async function makeAll(told: boolean): Promise<void> {
  using maker = newMaker();
  const begun = performance.now();
  const sizes: Record<string, number> = {};
  const last: Record<string, number> = {};
  for (const source of sources)
    maker.make(source, CODING_NAMES, (coding, coded) => {
      sizes[coding] = (sizes[coding] ?? 0) + (coded ?? source.body).byteLength;
      last[coding] = (performance.now() - begun) / 1000;
    });
  console.log(`all queued within ${(performance.now() - begun).toFixed(1)} ms`);
  await maker.idle();
  for (const [coding, bytes] of told ? Object.entries(sizes) : [])
    console.log(`  ${coding.padEnd(5)} ${kib(bytes).padStart(9)}, last after ${last[coding]!.toFixed(1)} s`);
  console.log(`all made after ${((performance.now() - begun) / 1000).toFixed(1)} s`);
}

async function delays(work: () => Promise<unknown>) {
  const monitor = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  monitor.enable();
  await work();
  monitor.disable();
  return monitor;
}

function report(name: string, monitor: Awaited<ReturnType<typeof delays>>): void {
  const ms = (nanoseconds: number) => (nanoseconds / 1e6).toFixed(2).padStart(6);
  const parts = [50, 99, 99.9].map((part) => `p${part} ${ms(monitor.percentile(part))}`);
  console.log(`${name.padEnd(26)} ${parts.join('  ')}  max ${ms(monitor.max)} ms`);
}

function sum(bodies: readonly Uint8Array[]): number {
  return bodies.reduce((bytes, body) => bytes + body.byteLength, 0);
}

function kib(bytes: number): string {
  return `${Math.round(bytes / 1024)} KiB`;
}
