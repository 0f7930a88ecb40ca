/**
 * Where the gateway's time goes in a scenario of the bench: `npm run bench:profile -- grpc-unary`; with `--heap`, what it
 * allocates. The profile opens as a flame graph in the developer tools of Chromium and in https://www.speedscope.app.
 */

import { copyFileSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { mainProfile, profileFlags } from './console/cpu-profile.ts';
import { heapSamplingFlags, sampleHeap } from './console/heap-profile.ts';
import { type HeapProfile, heapTables } from './console/heap-table.ts';
import { profileTables } from './console/profile-table.ts';
import { measure } from './load/measure.ts';
import { Probe } from './load/probe.ts';
import { readScenarios } from './load/scenario.ts';
import { targetOf } from './load/target.ts';
import { fromMetrics } from './load/vitals.ts';
import { startGround } from './stage/ground.ts';

const USAGE = `Usage: npm run bench:profile -- SCENARIO [options]

  --duration S   seconds that are profiled (10)
  --warm-up S    seconds before (5)
  --heap         what is allocated, garbage too, in place of time
  --no-log       without access lines
  --out FILE     where the profile goes (SCENARIO.cpuprofile, SCENARIO.heapprofile)
`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  allowNegative: true,
  options: {
    duration: { type: 'string', default: '10' },
    'warm-up': { type: 'string', default: '5' },
    heap: { type: 'boolean', default: false },
    log: { type: 'boolean', default: true },
    out: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
const [name] = positionals;
if (values.help) process.stdout.write(USAGE);
else if (name === undefined || positionals.length > 1) {
  process.stderr.write(USAGE);
  process.exitCode = 2;
} else await profile(name);

async function profile(asked: string): Promise<void> {
  const [scenario] = readScenarios([asked]);
  const [durationMs, warmUpMs] = [seconds('duration'), seconds('warm-up')];
  const timeoutMs = 10_000;
  const ground = await startGround({
    accessLog: values.log,
    flags: values.heap ? heapSamplingFlags : profileFlags,
  });
  await using stack = new AsyncDisposableStack();
  stack.use(ground);
  const target = targetOf(ground.url, { protocol: scenario!.protocol, authority: undefined, verify: false });
  using probe = new Probe(target, timeoutMs);
  const rehearsal = await probe.rehearse(scenario!, []);
  const server = { name: 'gatehouse', target, vitals: fromMetrics(ground.metricsUrl, undefined) };
  const effort = {
    ...{ warmUpMs, durationMs, timeoutMs, threads: 1, seed: 1 },
    ...{ spin: false, connections: undefined, streams: undefined },
  };
  const sampled = values.heap ? sampleHeap(ground, warmUpMs) : undefined;
  const result = await measure({
    ...{ scenario: scenario!, rehearsal, server, effort },
    rate: undefined,
    onProgress: () => {},
  });
  const to = Number(process.hrtime.bigint()) / 1000;
  const cpu = result.serverCost?.cpuSPer1000;
  const head = `${scenario!.name}: ${Math.round(result.rps)} answers a second under the profiler, ${result.errors} errors, ${cpu?.toFixed(3) ?? '-'} CPU seconds for a thousand`;
  let file: string;
  let tables: string[];
  if (sampled === undefined) {
    await ground.stopGateway();
    const found = mainProfile(ground.folder);
    file = found.file;
    tables = profileTables(found.content, { from: to - durationMs * 1000, to }, result.answers);
  } else {
    file = await sampled();
    tables = heapTables(JSON.parse(readFileSync(file, 'utf8')) as HeapProfile, result.answers);
  }
  const out = resolve(values.out ?? `${scenario!.name}.${values.heap ? 'heap' : 'cpu'}profile`);
  copyFileSync(file, out);
  process.stdout.write(`${[head, ...tables].join('\n')}\n\n${out}\n`);
}

function seconds(option: 'duration' | 'warm-up'): number {
  const given = Number(values[option]);
  if (!(given > 0)) throw new Error(`--${option}: expected a number of seconds above 0`);
  return given * 1000;
}
