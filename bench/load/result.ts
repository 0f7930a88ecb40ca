/** What one measurement found, as it stands in the JSON and as tables and reports read it. */

import { encodeIntoCompressedBase64, type Histogram } from 'hdr-histogram-js';
import type { Findings } from './crew.ts';
import type { Machine } from './machine.ts';
import type { Plan, Rate } from './plan.ts';
import { intervalOf, type Tally } from './tally.ts';
import type { Vitals } from './vitals.ts';

/** Percentiles in milliseconds. */
export interface Percentiles {
  readonly min: number;
  readonly mean: number;
  readonly p50: number;
  readonly p75: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

/** What the server spent. Undefined: its source does not tell. */
export interface ServerCost {
  /** CPU seconds for a thousand requests, wrong answers too. */
  readonly cpuSPer1000: number | undefined;
  /** Cores that were busy, on average. */
  readonly cores: number | undefined;
  readonly rssBytes: number | undefined;
  /** Share of the time that went into garbage collections. */
  readonly gcShare: number | undefined;
  readonly loopP99Ms: number | undefined;
  readonly loopMaxMs: number | undefined;
}

/** One measurement. */
export interface Result {
  readonly scenario: string;
  /** `gatehouse`, `direct`, or another server that was measured beside it. */
  readonly server: string;
  /** Which of several, from 1; 0 where there is one only. */
  readonly round: number;
  readonly loop: 'closed' | 'open';
  /** Requests a second that were sent, at the begin and the end; open loop. */
  readonly rate: Rate | undefined;
  readonly protocol: string;
  readonly tls: boolean;
  readonly connections: number;
  readonly streams: number;
  readonly idle: number;
  readonly warmUpS: number;
  readonly durationS: number;
  readonly answers: number;
  /** Right answers in a second. */
  readonly rps: number;
  readonly bytesPerS: number;
  readonly errors: number;
  readonly errorKinds: Readonly<Record<string, number>>;
  /** Errors of warm-up, which count nowhere else. */
  readonly warmUpErrors: Readonly<Record<string, number>>;
  /** From when the request was due; in closed loop that is when it was made. */
  readonly latencyMs: Percentiles;
  /** From when it was written to its connection: what a generator without a schedule would say. */
  readonly serviceMs: Percentiles;
  /** The latency, HDR V2 compressed, base64, in microseconds. */
  readonly histogram: string;
  /** Right answers by when they were due; in closed loop, when they ended. At most 120 intervals. */
  readonly course: Course;
  readonly connectionsOpened: number;
  readonly serverCost: ServerCost | undefined;
  readonly generator: {
    readonly threads: number;
    readonly cpuMicrosPerRequest: number;
    /** How much of the time the busiest thread was, 0 to 1. Near 1 it is the generator that was measured. */
    readonly busy: number;
    /** How late it sent, 99th percentile, in milliseconds; open loop. It is part of the latency. */
    readonly lateP99Ms: number;
  };
  /** Requests whose bodies were not compared, as they differ each time. */
  readonly notCompared: readonly string[];
}

/** A measurement over its time, the first interval first. */
export interface Course {
  readonly intervalMs: number;
  readonly intervals: readonly Interval[];
}

/** An interval of it. Percentiles are 0 where nothing was answered. */
export interface Interval {
  readonly answers: number;
  readonly errors: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** What is compared. Latencies are milliseconds, `cpu` is CPU seconds for a thousand requests, `rss` bytes. */
export const COMPARED = ['rps', 'p50', 'p90', 'p99', 'cpu', 'rss'] as const;

/** One measure of a peer set against the gateway's, over the rounds that both had. */
export interface Comparison {
  readonly scenario: string;
  readonly loop: 'closed' | 'open';
  /** Of the open loop. */
  readonly rate?: Result['rate'];
  /** The peer. */
  readonly server: string;
  readonly against: 'gatehouse';
  readonly measure: (typeof COMPARED)[number];
  /** The gateway's median through the peer's. */
  readonly ratio: number;
  /** The least and the most of the ratios of rounds, each of two measurements that stood side by side. */
  readonly spread: readonly [least: number, most: number];
  readonly rounds: number;
  /** The values of the one reach into those of the other, or there was one round: chance would do. */
  readonly withinNoise: boolean;
}

/** What could not be measured. The scenario is `all` where a peer takes no part at all. */
export interface Skipped {
  readonly scenario: string;
  readonly server: string;
  readonly why: string;
}

/** A file of results. */
export interface ResultFile {
  readonly format: 'gatehouse-bench/1';
  readonly startedAt: string;
  readonly command: string;
  /** Its options, so that parts of it can be run again; not in files of old and of `bench:compare`. */
  readonly args?: readonly string[];
  readonly target: string;
  readonly pinned: boolean;
  readonly machine: Machine;
  /** What the scenarios are, in a sentence each; not in files of old. */
  readonly scenarios?: readonly { readonly name: string; readonly about: string }[];
  readonly results: readonly Result[];
  readonly skipped: readonly Skipped[];
  /** Where peers were measured beside the gateway. */
  readonly comparison?: readonly Comparison[];
}

/** What belongs to a measurement besides the plan and the findings. */
export interface Circumstances {
  readonly scenario: string;
  readonly server: string;
  readonly round: number;
  readonly threads: number;
  readonly before: Vitals | undefined;
  readonly after: Vitals | undefined;
  readonly notCompared: readonly string[];
}

/** Puts a result together. */
export function resultOf(plan: Plan, { tally, opened, cpuS, busy }: Findings, about: Circumstances): Result {
  const seconds = plan.durationMs / 1000;
  const errors = tally.errorCount;
  const { target, lines, rate } = plan;
  return {
    scenario: about.scenario,
    server: about.server,
    round: about.round,
    loop: rate === undefined ? 'closed' : 'open',
    rate,
    protocol: target.protocol,
    tls: target.tls,
    connections: lines.connections,
    streams: lines.streams,
    idle: lines.idle,
    warmUpS: plan.warmUpMs / 1000,
    durationS: seconds,
    answers: tally.answers,
    rps: tally.answers / seconds,
    bytesPerS: tally.bytes / seconds,
    errors,
    errorKinds: Object.fromEntries(tally.errors),
    warmUpErrors: Object.fromEntries(tally.unmeasured),
    latencyMs: percentiles(tally.latency),
    serviceMs: percentiles(tally.service),
    histogram: encodeIntoCompressedBase64(tally.latency),
    course: courseOf(plan.durationMs, tally),
    connectionsOpened: opened,
    serverCost: costOf(about, tally.answers + errors, seconds),
    generator: {
      threads: about.threads,
      cpuMicrosPerRequest: (cpuS * 1e6) / Math.max(1, tally.answers + errors),
      busy,
      lateP99Ms: at(tally.late, 99),
    },
    notCompared: about.notCompared,
  };
}

function courseOf(durationMs: number, { intervals }: Tally): Course {
  const intervalMs = intervalOf(durationMs);
  return {
    intervalMs,
    // Also those at the end in which nothing came back.
    intervals: Array.from({ length: Math.ceil(durationMs / intervalMs) }, (_, index) => {
      const found = intervals[index];
      if (found === undefined) return { answers: 0, errors: 0, p50Ms: 0, p99Ms: 0, maxMs: 0 };
      const { answers, errors, latency } = found;
      return { answers, errors, p50Ms: at(latency, 50), p99Ms: at(latency, 99), maxMs: at(latency, 100) };
    }),
  };
}

function costOf({ before, after }: Circumstances, requests: number, seconds: number): ServerCost | undefined {
  if (before === undefined || after === undefined) return undefined;
  const spent = (key: 'cpuS' | 'gcS'): number | undefined =>
    before[key] === undefined || after[key] === undefined ? undefined : after[key] - before[key];
  const [cpu, gc] = [spent('cpuS'), spent('gcS')];
  return {
    cpuSPer1000: cpu === undefined ? undefined : (cpu * 1000) / Math.max(1, requests),
    cores: cpu === undefined ? undefined : cpu / seconds,
    rssBytes: after.rssBytes,
    gcShare: gc === undefined ? undefined : gc / seconds,
    loopP99Ms: after.loopP99Ms,
    loopMaxMs: after.loopMaxMs,
  };
}

/** The usual percentiles of a histogram of microseconds. */
export function percentiles(histogram: Histogram): Percentiles {
  const some = histogram.totalCount > 0;
  return {
    min: some ? histogram.minNonZeroValue / 1000 : 0,
    mean: some ? histogram.mean / 1000 : 0,
    p50: at(histogram, 50),
    p75: at(histogram, 75),
    p90: at(histogram, 90),
    p99: at(histogram, 99),
    p999: at(histogram, 99.9),
    max: at(histogram, 100),
  };
}

function at(histogram: Histogram, percentile: number): number {
  return histogram.totalCount > 0 ? histogram.getValueAtPercentile(percentile) / 1000 : 0;
}
