/** What one measurement found, as it stands in the JSON and as tables and reports read it. */

import { encodeIntoCompressedBase64, type Histogram } from 'hdr-histogram-js';
import type { Findings } from './crew.ts';
import type { Machine } from './machine.ts';
import type { Plan } from './plan.ts';
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
  readonly loop: 'closed' | 'open';
  /** Requests a second that were sent, at the begin and the end; open loop. */
  readonly rate: { readonly from: number; readonly to: number } | undefined;
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
  readonly seconds: readonly SecondResult[];
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

/** A second of it. */
export interface SecondResult {
  readonly answers: number;
  readonly errors: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** What could not be measured. */
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
  readonly target: string;
  readonly pinned: boolean;
  readonly machine: Machine;
  readonly results: readonly Result[];
  readonly skipped: readonly Skipped[];
}

/** What belongs to a measurement besides the plan and the findings. */
export interface Circumstances {
  readonly scenario: string;
  readonly server: string;
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
    seconds: tally.seconds.slice(0, Math.ceil(seconds)).map((second) => ({
      answers: second.answers,
      errors: second.errors,
      p50Ms: at(second.latency, 50),
      p99Ms: at(second.latency, 99),
      maxMs: at(second.latency, 100),
    })),
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
