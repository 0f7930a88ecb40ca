/** The command of the micro-benchmarks: `npm run bench:micro -- --help`. */

import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { thisMachine } from '../load/machine.ts';
import { columns } from '../load/table.ts';
import { CASE_FILES, SCRIPTS } from './files.ts';
import type { Measurement } from './measurement.ts';
import type { Task } from './thread.ts';

const HELP = `Usage: npm run bench:micro -- [NAME...] [options]

  NAME         a file of cases or a script; all files of cases where none is given
  --list       say which there are
  --ms N       how long each case is measured, in milliseconds (300)
  --json FILE  write the measurements and what they were made on
`;

const MIN_MS = 1;
const MAX_MS = 60_000;
/** Below it a 99th percentile is one sample. */
const ENOUGH_SAMPLES = 100;

const options = {
  list: { type: 'boolean', default: false },
  ms: { type: 'string', default: '300' },
  json: { type: 'string' },
  help: { type: 'boolean', default: false },
} as const;

try {
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  if (values.help) process.stdout.write(HELP);
  else if (values.list) process.stdout.write(list());
  else await run(named(positionals), milliseconds(values.ms), values.json);
} catch (error) {
  const { message, cause } = error as Error;
  process.stderr.write(`bench:micro: ${message}${cause instanceof Error ? `: ${cause.message}` : ''}\n`);
  process.exitCode = 2;
}

function list(): string {
  const files = Object.entries(CASE_FILES).map(([name, { about }]) => `  ${name.padEnd(18)}${about}\n`);
  const scripts = Object.entries(SCRIPTS).map(([name, { about }]) => `  ${name.padEnd(18)}${about}\n`);
  return `Files of cases\n${files.join('')}Scripts, which run only when they are named\n${scripts.join('')}`;
}

function named(names: readonly string[]): readonly string[] {
  if (names.length === 0) return Object.keys(CASE_FILES);
  for (const name of names) {
    if (!Object.hasOwn(CASE_FILES, name) && !Object.hasOwn(SCRIPTS, name))
      throw new Error(`no '${name}': expected ${[...Object.keys(CASE_FILES), ...Object.keys(SCRIPTS)].join(', ')}`);
  }
  return [...new Set(names)];
}

function milliseconds(text: string): number {
  const ms = Number(text);
  if (/^\d+$/.test(text) && ms >= MIN_MS && ms <= MAX_MS) return ms;
  throw new Error(`--ms: expected a whole number from ${MIN_MS} to ${MAX_MS}, not '${text}'`);
}

async function run(names: readonly string[], ms: number, json: string | undefined): Promise<void> {
  const measurements: Measurement[] = [];
  for (const name of names) {
    if (Object.hasOwn(SCRIPTS, name)) runScript(name);
    else measurements.push(...(await runFile({ file: name, ms })));
  }
  if (json === undefined) return;
  const made = { machine: thisMachine(), at: new Date().toISOString(), ms, measurements };
  writeFileSync(json, `${JSON.stringify(made, undefined, 2)}\n`);
}

async function runFile(task: Task): Promise<Measurement[]> {
  const found: Measurement[] = [];
  const thread = new Worker(new URL('./thread.ts', import.meta.url), { workerData: task });
  thread.on('message', (measurement: Measurement) => found.push(measurement));
  await once(thread, 'exit').catch((error: Error) => {
    throw new Error(`${task.file}: ${error.message}`, { cause: error.cause });
  });
  const rows = found.map(({ name, p50, p99, bytes, samples }) => [
    name,
    nanoseconds(p50),
    samples < ENOUGH_SAMPLES ? '-' : nanoseconds(p99),
    Math.round(bytes).toLocaleString('en'),
  ]);
  process.stdout.write(`${columns([[task.file, 'ns/op', 'p99', 'B/op'], ...rows])}\n`);
  return found;
}

/** Whole ones where they are many; below ten the first decimal says something. */
function nanoseconds(ns: number): string {
  return ns < 10 ? ns.toFixed(1) : Math.round(ns).toLocaleString('en');
}

function runScript(name: string): void {
  const [first] = SCRIPTS[name]!.args?.match(/^[^[].*/) ?? [];
  const args = ['--expose-gc', join(import.meta.dirname, `${name}.ts`), ...(first === undefined ? [] : [first])];
  process.stdout.write(`${name}: ${SCRIPTS[name]!.about}\n`);
  const { status } = spawnSync(process.execPath, args, { stdio: 'inherit' });
  if (status !== 0) throw new Error(`${name}: ended with ${status}`);
}
