/** Bounds that a run must keep: against a baseline, or by themselves. */

import type { Result } from './result.ts';

/** What can be bounded, and how it reads in a result; undefined where it was not measured. */
export const MEASURES: Readonly<Record<string, (result: Result) => number | undefined>> = {
  rps: ({ rps }) => rps,
  mean: ({ latencyMs }) => latencyMs.mean,
  p50: ({ latencyMs }) => latencyMs.p50,
  p90: ({ latencyMs }) => latencyMs.p90,
  p99: ({ latencyMs }) => latencyMs.p99,
  p999: ({ latencyMs }) => latencyMs.p999,
  max: ({ latencyMs }) => latencyMs.max,
  errors: ({ errors }) => errors,
  cpu: ({ serverCost }) => serverCost?.cpuSPer1000,
  rss: ({ serverCost }) => serverCost?.rssBytes,
};

/** One bound: `p99>+10%` fails where p99 is more than a tenth above the baseline, `errors>0` where there is any. */
export interface Threshold {
  readonly text: string;
  readonly measure: string;
  readonly above: boolean;
  readonly value: number;
  /** A change in percent against the baseline; otherwise the number itself, latencies in milliseconds. */
  readonly relative: boolean;
}

/** Reads bounds with commas between them. Throws what cannot be read. */
export function readThresholds(text: string): Threshold[] {
  return text.split(',').map((part) => {
    const found = /^\s*(\w+)\s*([<>])\s*([+-]?\d+(?:\.\d+)?)\s*(%|ms)?\s*$/.exec(part);
    const [, measure = '', sign, value, unit] = found ?? [];
    if (found === null || !Object.hasOwn(MEASURES, measure)) {
      throw new Error(
        `--fail-if: cannot read '${part}'; like p99>+10%, rps<-5%, errors>0, of ${Object.keys(MEASURES).join(', ')}`,
      );
    }
    return { text: part.trim(), measure, above: sign === '>', value: Number(value), relative: unit === '%' };
  });
}

/** What is out of bounds, a line each. Results are compared with those of the same scenario, server and loop. */
export function exceeded(
  thresholds: readonly Threshold[],
  results: readonly Result[],
  baseline: readonly Result[] | undefined,
): string[] {
  const lines: string[] = [];
  for (const result of results) {
    const { scenario, server, loop } = result;
    const before = counterpart(result, baseline ?? []);
    for (const threshold of thresholds) {
      const { measure, above, relative, text } = threshold;
      const now = MEASURES[measure]!(result);
      const was = before === undefined ? undefined : MEASURES[measure]!(before);
      const name = `${scenario}, ${loop} loop${server === 'gatehouse' ? '' : `, ${server}`}`;
      if (now === undefined) lines.push(`${name}: ${measure} was not measured (${text})`);
      else if (relative && was === undefined) lines.push(`${name}: the baseline has no ${measure} (${text})`);
      else {
        const bound = relative ? was! * (1 + threshold.value / 100) : threshold.value;
        if (above ? now <= bound : now >= bound) continue;
        const change = was === undefined ? '' : `, was ${short(was)}${was === 0 ? '' : ` (${percent(now / was - 1)})`}`;
        lines.push(`${name}: ${measure} is ${short(now)}${change}: ${text}`);
      }
    }
  }
  return lines;
}

/** Where a baseline has open loops at several rates: the one at the same share of the knee, or at the same rate. */
function counterpart({ scenario, server, loop, rate }: Result, baseline: readonly Result[]): Result | undefined {
  const same = baseline.filter((one) => one.scenario === scenario && one.server === server && one.loop === loop);
  if (rate === undefined || same.length <= 1) return same[0];
  if (rate.share !== undefined) return same.find((one) => one.rate?.share === rate.share);
  return same.find((one) => one.rate?.from === rate.from && one.rate.to === rate.to);
}

function short(value: number): string {
  return value >= 100 ? String(Math.round(value)) : value.toPrecision(3);
}

function percent(share: number): string {
  return `${share >= 0 ? '+' : ''}${(share * 100).toFixed(1)}%`;
}
