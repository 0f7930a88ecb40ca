/** A load generator that takes part in the cross-check, and what all of them are asked. */

import { build, type Histogram } from 'hdr-histogram-js';
import type { PlannedRequest, Target } from '../load/plan.ts';
import { percentiles } from '../load/result.ts';

/** What is asked: one request again and again, in a closed loop. */
export interface Task {
  readonly target: Target;
  readonly request: PlannedRequest;
  readonly connections: number;
  /** Requests at once on each connection. */
  readonly streams: number;
  readonly threads: number;
  readonly warmUpMs: number;
  readonly durationMs: number;
  /** CPU time that the server has had so far, in seconds; NaN where nothing tells. Does not reject. */
  readonly serverCpuS: () => Promise<number>;
}

/** What a generator found in the time that counts. */
export interface Reading {
  /** Right answers in a second. */
  readonly rps: number;
  readonly meanMs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Answers that were right by what this generator looks at, and those that were not. */
  readonly answers: number;
  readonly errors: number;
  /** CPU of the whole process of the generator for a request, in microseconds; NaN where there is no /proc. */
  readonly cpuMicros: number;
  /** CPU of the server for a request, in microseconds, or NaN: what the machine's other work disturbs least. */
  readonly serverMicros: number;
}

/** What passed between the begin and the end of the time that counts. */
export interface Span {
  readonly ms: number;
  /** CPU seconds of the generator, and of the server. */
  readonly cpuS: number;
  readonly serverCpuS: number;
}

/** A generator. */
export interface Tool {
  readonly name: string;
  /** Why it cannot do a task; undefined where it can. */
  unable(task: Task): string | undefined;
  /** Rejects with what it said where it ends early or in a way of its own. */
  run(task: Task): Promise<Reading>;
}

/** Three digits from 1 µs on. */
export const newHistogram = (): Histogram =>
  build({ bitBucketSize: 32, autoResize: true, numberOfSignificantValueDigits: 3 });

/** Puts a reading together. `latency` is in microseconds. */
export function readingOf(latency: Histogram, errors: number, { ms, cpuS, serverCpuS }: Span): Reading {
  const { mean, p50, p99 } = percentiles(latency);
  const answers = latency.totalCount;
  return {
    rps: (answers * 1000) / ms,
    meanMs: mean,
    p50Ms: p50,
    p99Ms: p99,
    answers,
    errors,
    cpuMicros: (cpuS * 1e6) / Math.max(1, answers + errors),
    serverMicros: (serverCpuS * 1e6) / Math.max(1, answers + errors),
  };
}
