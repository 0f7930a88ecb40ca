/** The threads that carry out one plan together, and the sum of what they counted. */

import { Worker } from 'node:worker_threads';
import type { Report } from './message.ts';
import type { Plan } from './plan.ts';
import { intervalOf, Tally } from './tally.ts';

const THREAD = new URL('./thread.ts', import.meta.url);

/** What a crew found. */
export interface Findings {
  readonly tally: Tally;
  /** Connections that were opened. */
  readonly opened: number;
  /** CPU time of all generators, in seconds. */
  readonly cpuS: number;
  /** How much of the time the busiest generator was, 0 to 1. */
  readonly busy: number;
}

/** How a plan is carried out. */
export interface CrewOptions {
  readonly threads: number;
  /** Told the sums of all threads so far, a few times a second. */
  readonly onProgress?: (answers: number, errors: number) => void;
  /** Called once, when what is measured begins. */
  readonly onMeasuring?: () => void;
}

/** Runs a plan. Connections, idle ones and the rate are shared out. Rejects where a thread fails. */
export async function runPlan(plan: Plan, { threads, onProgress, onMeasuring }: CrewOptions): Promise<Findings> {
  const count = Math.max(1, Math.min(threads, plan.lines.connections));
  const workers = Array.from({ length: count }, () => new Worker(THREAD));
  try {
    await Promise.all(workers.map(readiness));
    let measuring = false;
    const begun = (): void => {
      if (!measuring) onMeasuring?.();
      measuring = true;
    };
    const sums = workers.map(() => ({ answers: 0, errors: 0 }));
    const reports = await Promise.all(
      workers.map((worker, index) => {
        const done = ending(
          worker,
          (answers, errors) => {
            sums[index] = { answers, errors };
            onProgress?.(
              sums.reduce((sum, one) => sum + one.answers, 0),
              sums.reduce((sum, one) => sum + one.errors, 0),
            );
          },
          begun,
        );
        worker.postMessage({ plan: share(plan, index, count) });
        return done;
      }),
    );
    const tally = new Tally(intervalOf(plan.durationMs));
    for (const report of reports) tally.add(report.tally);
    return {
      tally,
      opened: reports.reduce((sum, { opened }) => sum + opened, 0),
      cpuS: reports.reduce((sum, { cpuS }) => sum + cpuS, 0),
      busy: Math.max(...reports.map(({ busy }) => busy)),
    };
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}

/** What of a plan one of several generators does. */
function share(plan: Plan, index: number, count: number): Plan {
  const part = (whole: number): number => Math.floor(whole / count) + (index < whole % count ? 1 : 0);
  const { lines, rate } = plan;
  return {
    ...plan,
    lines: { ...lines, connections: part(lines.connections), idle: part(lines.idle) },
    rate: rate && { from: rate.from / count, to: rate.to / count },
    seed: plan.seed + index * 7919,
  };
}

async function readiness(worker: Worker): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  worker.once('error', reject);
  worker.once('message', () => resolve());
  await promise;
  worker.off('error', reject);
}

function ending(worker: Worker, onProgress: (answers: number, errors: number) => void, onMeasuring: () => void) {
  const { promise, resolve, reject } = Promise.withResolvers<Extract<Report, { kind: 'done' }>>();
  worker.once('error', reject);
  worker.once('exit', (code) => reject(new Error(`a generator ended with ${code}`)));
  worker.on('message', (report: Report) => {
    if (report.kind === 'progress') onProgress(report.answers, report.errors);
    else if (report.kind === 'measuring') onMeasuring();
    else if (report.kind === 'done') resolve(report);
  });
  return promise;
}
