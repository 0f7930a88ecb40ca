/** A load generator of others that runs for a while: what it wrote, and what of it falls into the time that counts. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fromProc } from '../load/vitals.ts';
import { newHistogram, type Reading, readingOf, type Task } from './tool.ts';

/** It opens its connections first, and must not end while somebody still counts. */
const MARGIN_MS = 500;
const GRACE_MS = 15_000;

/** An answer as a generator wrote it down. */
export interface NotedAnswer {
  /** When it was there, in milliseconds since 1970. */
  readonly endedAt: number;
  readonly latencyMs: number;
  readonly right: boolean;
}

/** How to run it. */
export interface ForeignProgram {
  readonly path: string;
  /** Its arguments, given how long it shall run. */
  readonly args: (seconds: number) => readonly string[];
  /** What it noted, from what it said on its output. Throws where that cannot be read. */
  readonly noted: (stdout: string) => readonly NotedAnswer[] | Promise<readonly NotedAnswer[]>;
}

/** Runs it. Rejects with what it said where it ends with an error, ends early or notes no answer at all. */
export async function runForeign({ path, args, noted }: ForeignProgram, task: Task): Promise<Reading> {
  const { warmUpMs, durationMs } = task;
  const seconds = Math.ceil((warmUpMs + durationMs + MARGIN_MS) / 1000);
  const child = spawn(path, args(seconds), { stdio: ['ignore', 'pipe', 'pipe'] });
  const [stdout, stderr]: [Buffer[], Buffer[]] = [[], []];
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
  const closed = once(child, 'close') as Promise<[code: number | null]>;
  closed.catch(() => {}); // awaited below; it may fail before
  const deadline = setTimeout(() => child.kill('SIGKILL'), seconds * 1000 + GRACE_MS);
  try {
    await once(child, 'spawn');
    const from = await lookAfter(warmUpMs, child.pid!, task);
    const to = await lookAfter(durationMs, child.pid!, task);
    const [code] = await closed;
    const said = Buffer.concat(stdout).toString();
    const fail = (what: string): Error =>
      new Error(`${path} ${what}\n${Buffer.concat(stderr)}${said}`.trimEnd().slice(0, 2000));
    if (code !== 0) throw fail(`ended with ${code}`);
    const answers = await noted(said);
    if (answers.length === 0) throw fail('got no answer');
    return countedBetween(answers, from, to);
  } finally {
    clearTimeout(deadline);
    child.kill('SIGKILL');
  }
}

/** A time, and what had been spent until then, in seconds of CPU. */
export interface Look {
  readonly at: number;
  /** Of the generator and of the server; NaN where nothing tells. */
  readonly cpuS: number;
  readonly serverCpuS: number;
}

async function lookAfter(ms: number, pid: number, { serverCpuS }: Task): Promise<Look> {
  await new Promise((resolve) => setTimeout(resolve, ms));
  const vitals = await fromProc(pid)().catch(() => undefined);
  return { at: Date.now(), cpuS: vitals?.cpuS ?? Number.NaN, serverCpuS: await serverCpuS() };
}

/** What ended between two looks; the same time for answers and CPU, and none of the begin and the end. */
export function countedBetween(answers: readonly NotedAnswer[], from: Look, to: Look): Reading {
  const latency = newHistogram();
  let errors = 0;
  for (const { endedAt, latencyMs, right } of answers) {
    if (endedAt < from.at || endedAt >= to.at) continue;
    if (right) latency.recordValue(Math.max(1, Math.round(latencyMs * 1000)));
    else errors += 1;
  }
  return readingOf(latency, errors, {
    ms: to.at - from.at,
    cpuS: to.cpuS - from.cpuS,
    serverCpuS: to.serverCpuS - from.serverCpuS,
  });
}
