/**
 * What the variants of a whole Console cost the requests meanwhile: `node bench/micro/variants.ts [FILES]`. The delay of
 * the event loop is measured before, while and after all codings of the stand-in's files are made (of the first FILES of
 * them, for a short run), with a thread of requests that is idle, and once more with one that computes half of the time.
 * What is made adds the difference: the rest is what the machine and its other work do. One core: `taskset -c 0`.
 */

import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism, loadavg } from 'node:os';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { gzipSync } from 'node:zlib';
import { systemClock } from '../../src/core/clock.ts';
import { consoleFiles } from '../../src/demo/console/files.ts';
import { CODING_NAMES } from '../../src/encoding/coding.ts';
import { VariantMaker } from '../../src/encoding/variants/variant-maker.ts';

/** The resolution of the monitor: what it adds to each delay. */
const RESOLUTION_MS = 1;
/** How long it is measured with nothing to make, before and after. */
const REST_MS = 3000;
const files = [...consoleFiles().values()].slice(0, Number(process.argv[2] ?? Number.POSITIVE_INFINITY));
const sources = files.map(({ body }) => ({
  body: Buffer.from(body),
  digest: createHash('sha256').update(body).digest('base64url'),
}));
const large = { body: Buffer.concat(sources.map(({ body }) => body)).subarray(0, 5_000_000), digest: 'large' };
const total = sources.reduce((sum, { body }) => sum + body.byteLength, 0);
console.log(`${sources.length} files, ${kib(total)}, gzip 6 ${kib(sum(sources.map(({ body }) => gzipSync(body))))}`);

console.log(`cores for this process: ${availableParallelism()}; load of the machine: ${loadavg()[0]!.toFixed(1)}`);

await compare('loop idle', true);
const busy = setInterval(() => {
  const until = performance.now() + 2;
  while (performance.now() < until);
}, 4);
await compare('loop half busy', false);
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
  const idle = maker.idle();
  const nice = await Promise.race([idle, new Promise((resolve) => setTimeout(resolve, 500))]).then(niceness);
  if (told && nice.length > 0)
    console.log(`the nicest of ${nice.length} threads has ${nice.at(-1)}, the others ${nice[0]}`);
  await idle;
  for (const [coding, bytes] of told ? Object.entries(sizes) : [])
    console.log(`  ${coding.padEnd(5)} ${kib(bytes).padStart(9)}, last after ${last[coding]!.toFixed(1)} s`);
  console.log(`all made after ${((performance.now() - begun) / 1000).toFixed(1)} s`);
}

/** The loop at rest, with variants being made, and at rest again. */
async function compare(name: string, told: boolean): Promise<void> {
  const rest = () => delays(() => new Promise((resolve) => setTimeout(resolve, REST_MS)));
  const before = await rest();
  const making = await delays(() => makeAll(told));
  const after = await rest();
  report(`${name}, before`, before);
  report(`${name}, variants`, making);
  report(`${name}, after`, after);
  const p99 = (monitor: typeof before) => monitor.percentile(99) / 1e6;
  const baseline = Math.max(p99(before), p99(after));
  console.log(
    `${name}: the variants add ${(p99(making) - baseline).toFixed(2)} ms at p99 to ${baseline.toFixed(2)} ms`,
  );
}

/** How nice the threads of this process are, the least first; none where the system does not tell. */
function niceness(): number[] {
  try {
    const tasks = readdirSync('/proc/self/task').map((task) => readFileSync(`/proc/self/task/${task}/stat`, 'utf8'));
    // The 19th field; the second one, the name in brackets, may have spaces.
    return tasks.map((stat) => Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16])).sort((a, b) => a - b);
  } catch {
    return [];
  }
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
