/** Results for a terminal. */

import type { Percentiles, Result } from './result.ts';

/** Milliseconds with three digits that count. */
export function millis(ms: number): string {
  return ms >= 100 ? ms.toFixed(0) : ms >= 10 ? ms.toFixed(1) : ms.toFixed(2);
}

const MIB = 1024 * 1024;
/** Medians of the begin and the end of an open loop that are further apart are those of a queue that grows. */
const GROWN_TIMES = 3;
const GROWN_MS = 50;
const HEAD = ['scenario', 'server', 'loop', 'req/s', 'p50', 'p90', 'p99', 'p99.9', 'max', 'errors'];
const COST = ['CPU s/1k', 'RSS MiB', 'loop p99', 'GC'];

/** Columns that line up, a line each, numbers to the right. Latencies are milliseconds. */
export function resultTable(results: readonly Result[]): string {
  const rows = results.map((result) => {
    const { serverCost: cost, latencyMs: ms } = result;
    const or = (value: number | undefined, text: (value: number) => string): string =>
      value === undefined ? '-' : text(value);
    return [
      result.scenario,
      result.server,
      result.loop === 'closed' ? 'closed' : `open ${rateText(result)}`,
      Math.round(result.rps).toString(),
      ...(['p50', 'p90', 'p99', 'p999', 'max'] as const).map((key: keyof Percentiles) => millis(ms[key])),
      errorText(result),
      or(cost?.cpuSPer1000, (s) => s.toFixed(3)),
      or(cost?.rssBytes, (bytes) => (bytes / MIB).toFixed(0)),
      or(cost?.loopP99Ms, millis),
      or(cost?.gcShare, (share) => `${(share * 100).toFixed(1)}%`),
    ];
  });
  return columns([[...HEAD, ...COST], ...rows]);
}

/** What each direct answer and the one through the gateway differ by, where both were measured. */
export function addedTable(results: readonly Result[]): string | undefined {
  const rows: string[][] = [];
  for (const direct of results.filter(({ server }) => server === 'direct')) {
    const through = results.find(
      (one) => one.server === 'gatehouse' && one.scenario === direct.scenario && rateText(one) === rateText(direct),
    );
    // At a rate of its own each, the difference of two closed loops says nothing.
    if (through === undefined || direct.loop === 'closed') continue;
    const added = (key: keyof Percentiles): string => millis(through.latencyMs[key] - direct.latencyMs[key]);
    rows.push([direct.scenario, rateText(direct), added('p50'), added('p90'), added('p99')]);
  }
  return rows.length === 0 ? undefined : columns([['added by the gateway, ms', 'req/s', 'p50', 'p90', 'p99'], ...rows]);
}

/** Errors by what they were, and what makes numbers doubtful; a line each. */
export function remarks(results: readonly Result[]): string[] {
  const lines = new Set<string>();
  for (const result of results) {
    const name = `${result.scenario}, ${result.server}, ${result.loop} loop`;
    for (const [why, count] of Object.entries(result.errorKinds)) lines.add(`${name}: ${count} × ${why}`);
    if (result.notCompared.length > 0) {
      lines.add(`${result.scenario}: bodies differ each time and were not compared: ${result.notCompared.join(', ')}`);
    }
    const { busy, lateP99Ms } = result.generator;
    if (busy > 0.9 && result.loop === 'closed') {
      lines.add(`${name}: the generator was ${(busy * 100).toFixed(0)}% busy: the server may do more (--threads)`);
    }
    const grown = result.loop === 'open' ? growth(result) : undefined;
    if (grown !== undefined) lines.add(`${name}: ${grown}: the server did not keep up with the rate`);
    if (result.loop === 'open' && lateP99Ms > Math.max(2, result.latencyMs.p99 / 4)) {
      lines.add(`${name}: the generator was ${millis(lateP99Ms)} ms late (p99), which is in the latencies`);
    }
  }
  return [...lines];
}

/** How the latency went from the first to the last quarter, where calls piled up; undefined where they did not. */
export function growth({ course: { intervals } }: Result): string | undefined {
  const quarter = Math.floor(intervals.length / 4);
  if (quarter === 0) return undefined;
  const medianOf = (some: Result['course']['intervals']): number => {
    const p50s = some.filter(({ answers }) => answers > 0).map(({ p50Ms }) => p50Ms);
    return p50s.sort((a, b) => a - b)[p50s.length >> 1] ?? Number.NaN;
  };
  const [first, last] = [medianOf(intervals.slice(0, quarter)), medianOf(intervals.slice(-quarter))];
  if (!(last > first * GROWN_TIMES && last > first + GROWN_MS)) return undefined;
  return `p50 went from ${millis(first)} ms in the first quarter to ${millis(last)} ms in the last`;
}

function errorText({ errors, answers }: Result): string {
  if (errors === 0) return '0';
  const share = (errors * 100) / (errors + answers);
  return `${errors} (${share < 1 ? share.toFixed(2) : share.toFixed(0)}%)`;
}

function rateText({ rate }: Result): string {
  if (rate === undefined) return '';
  const [from, to] = [Math.round(rate.from), Math.round(rate.to)];
  return from === to ? String(from) : `${from}..${to}`;
}

/** Pads cells; the first three columns are text. */
export function columns(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, index) => Math.max(...rows.map((row) => row[index]!.length)));
  const texts = rows[0]![1] === 'server' ? 3 : 1;
  return rows
    .map((row) =>
      row
        .map((cell, index) => (index < texts ? cell.padEnd(widths[index]!) : cell.padStart(widths[index]!)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
