/** The figure of latencies by percentile: the whole of each histogram, and not only the few numbers of a table. */

import type { Histogram } from 'hdr-histogram-js';
import { type Figure, figure } from './figure.ts';
import { ACROSS, type Line, lineChart, type Point, UP } from './line-chart.ts';
import type { Markup } from './markup.ts';
import { latenciesOf, loadText, type Measured, type ScenarioFindings } from './measured.ts';
import { tickMillis, time } from './numerals.ts';
import { ninesOf, percentileOf, percentileScale, scaleOf } from './scale.ts';
import type { ReportSubject } from './subject.ts';

/** Between two points, in nines. */
const STEP = 0.06;
/** Beyond five nines a bench of minutes has no answers. */
const MOST_NINES = 5;
const NAMED = [50, 90, 99, 99.9, 99.99];

/** The figure; undefined where no histogram can be read. */
export function percentileFigure(
  subject: ReportSubject,
  scenario: ScenarioFindings,
  command: string,
): Markup | undefined {
  const { told } = scenario;
  const lines: Line[] = [];
  let last = 90;
  for (const server of scenario.servers) {
    const measured = scenario.beside(server, told);
    const latencies = measured && latenciesOf(measured);
    if (latencies === undefined) continue;
    lines.push({ name: server, look: subject.look(server), points: curve(latencies) });
    last = Math.max(last, lastPercentile(latencies));
  }
  if (lines.length === 0) return undefined;
  const y = scaleOf(
    lines.flatMap(({ points }) => points.map((point) => point!.y)),
    UP,
  );
  const parts: Figure = {
    kind: 'percentiles',
    about: `Latency by percentile · ${loadText(told)}`,
    finding: finding(scenario, told),
    picture: lineChart({
      about: `Latency by percentile of ${scenario.name}`,
      x: {
        title: 'percent of answers that are faster',
        scale: percentileScale(last, ACROSS),
        text: (value) => String(value),
      },
      y: { title: 'latency in ms', scale: y, text: tickMillis },
      lines,
    }),
    reading:
      'At 99, one answer in a hundred took longer than the line is high. The flatter a line, the more alike are all answers; at its right end stand the slowest.',
    command,
  };
  return figure(parts);
}

function finding(scenario: ScenarioFindings, told: Measured): string {
  const { p50, p99 } = told.shown.latencyMs;
  const direct = scenario.main === 'direct' ? undefined : scenario.beside('direct', told);
  if (direct === undefined || told.loop === 'closed') {
    return `Half of the answers came within ${time(p50)}, 99 of 100 within ${time(p99)}`;
  }
  const added = { p50: p50 - direct.shown.latencyMs.p50, p99: p99 - direct.shown.latencyMs.p99 };
  const more = (ms: number): string => (ms > 0 ? time(ms) : 'nothing that could be measured');
  return `The gateway adds ${more(added.p50)} to the median and ${more(added.p99)} to p99`;
}

/** The last percentile that so many answers tell anything of. */
function lastPercentile({ totalCount }: Histogram): number {
  return percentileOf(Math.min(MOST_NINES, Math.max(1, Math.log10(totalCount))));
}

/** Points at equal distances on the scale of nines, and at the percentiles that have names. */
export function curve(latencies: Histogram): Point[] {
  const end = ninesOf(lastPercentile(latencies));
  const places = Array.from({ length: Math.floor(end / STEP) + 1 }, (_, index) => percentileOf(index * STEP));
  const named = NAMED.filter((percentile) => ninesOf(percentile) <= end);
  return [...new Set([...places, ...named, percentileOf(end)])]
    .sort((a, b) => a - b)
    .map((percentile) => {
      const ms = latencies.getValueAtPercentile(percentile) / 1000;
      const point = { x: percentile, y: ms };
      return named.includes(percentile) ? { ...point, label: `p${percentile}: ${time(ms)}` } : point;
    });
}
