/** One measure: h2load asks a server for a time, and what it wrote is read. */

import { execFile } from 'node:child_process';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ACCEPT_ENCODING } from './probe.ts';
import type { Running } from './running.ts';

/** How much is asked at once, and for what. */
export interface Load {
  readonly paths: readonly string[];
  readonly clients: number;
  /** Open streams of each client. */
  readonly streams: number;
}

/** What one measure gave. */
export interface Measure {
  readonly answersPerS: number;
  /** Answers for each second of processor time that the server had: what the machine's other work disturbs least. */
  readonly answersPerCpuS: number;
  /** How much of its core the server had, 0 to 1. */
  readonly busy: number;
  /** Times of answers in milliseconds. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly failed: number;
}

/** Where and how long to ask. */
export interface LoadOptions {
  readonly port: number;
  readonly seconds: number;
  /** Cores of h2load, as taskset takes them. */
  readonly cores: string;
  readonly folder: string;
}

/** Asks for a time. Throws what h2load said when it failed or got no answer at all. */
export async function load(server: Running, { paths, clients, streams }: Load, options: LoadOptions): Promise<Measure> {
  const { port, seconds, cores, folder } = options;
  const [uris, log] = [join(folder, 'uris.txt'), join(folder, 'answers.tsv')];
  await writeFile(uris, paths.map((path) => `https://127.0.0.1:${port}${path}\n`).join(''));
  await rm(log, { force: true });
  const flags = ['-c', clients, '-m', streams, '-D', seconds, '-H', `accept-encoding: ${ACCEPT_ENCODING}`].map(String);
  const [cpu, started] = [server.cpuS(), performance.now()];
  const { stdout } = await promisify(execFile)(
    'taskset',
    ['-c', cores, 'h2load', ...flags, `--log-file=${log}`, '-i', uris],
    { maxBuffer: 1 << 24 },
  );
  const [usedS, tookS] = [server.cpuS() - cpu, (performance.now() - started) / 1000];
  const times: number[] = [];
  let failed = 0;
  for (const line of (await readFile(log, 'latin1')).split('\n')) {
    if (line === '') continue;
    const [, status, micros] = line.split('\t');
    if (status === '200') times.push(Number(micros) / 1000);
    else failed += 1;
  }
  if (times.length === 0) throw new Error(`h2load got no answer from port ${port}:\n${stdout}`);
  times.sort((a, b) => a - b);
  return {
    answersPerS: times.length / seconds,
    answersPerCpuS: times.length / Math.max(usedS, 0.01),
    busy: usedS / tookS,
    p50Ms: percentile(times, 0.5),
    p99Ms: percentile(times, 0.99),
    failed,
  };
}

function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;
}

/** The middle of some numbers. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}

/** The middle of some measures, each number by itself; failures are added up. */
export function middle(measures: readonly Measure[]): Measure {
  const of = (key: keyof Measure): number => median(measures.map((measure) => measure[key]));
  return {
    answersPerS: of('answersPerS'),
    answersPerCpuS: of('answersPerCpuS'),
    busy: of('busy'),
    p50Ms: of('p50Ms'),
    p99Ms: of('p99Ms'),
    failed: measures.reduce((sum, { failed }) => sum + failed, 0),
  };
}
