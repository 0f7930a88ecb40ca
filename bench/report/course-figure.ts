/** The figure of latency over time, in which a server that stands still now and then is seen. */

import type { Course } from '../load/result.ts';
import { figure } from './figure.ts';
import { ACROSS, type Line, lineChart, UP } from './line-chart.ts';
import type { Markup } from './markup.ts';
import { isRamp, loadText, type ScenarioFindings } from './measured.ts';
import { counted, digits, perSecond, tickMillis, tickText, time } from './numerals.ts';
import { exactScale, scaleOf } from './scale.ts';

/** So many times the usual p99 of an interval is a stall, if it is also this long in milliseconds. */
const STALL_TIMES = 4;
const STALL_MS = 10;
/** Up to so many times its usual p99 a server is called steady. */
const STEADY_TIMES = 2;

/** The figure; undefined where a file of old has no course. */
export function courseFigure(scenario: ScenarioFindings, command: string): Markup | undefined {
  const { told } = scenario;
  const course = told.shown.course as Course | undefined;
  if (course === undefined || course.intervals.every(({ answers }) => answers === 0)) return undefined;
  const { intervals, intervalMs } = course;
  const line = (name: string, look: string, value: 'p50Ms' | 'p99Ms' | 'maxMs'): Line => ({
    name,
    look,
    points: intervals.map((interval, index) =>
      interval.answers === 0 ? undefined : { x: ((index + 0.5) * intervalMs) / 1000, y: interval[value] },
    ),
  });
  const lines = [line('slowest', 'quiet', 'maxMs'), line('p99', 's0', 'p99Ms'), line('p50', 's0 thin dotted', 'p50Ms')];
  return figure({
    kind: 'course',
    about: `Latency over time · ${scenario.main}, ${loadText(told)}`,
    finding:
      told.rate !== undefined && isRamp(told.rate)
        ? `While the rate went from ${digits(told.rate.from)} to ${perSecond(told.rate.to)}`
        : courseText(course),
    picture: lineChart({
      about: `Latency of ${scenario.name} over time`,
      x: { title: 'seconds', scale: exactScale((intervals.length * intervalMs) / 1000, ACROSS), text: tickText },
      y: {
        title: 'latency in ms',
        scale: scaleOf(
          lines.flatMap(({ points }) => points.map((point) => point?.y ?? 0)),
          UP,
        ),
        text: tickMillis,
      },
      lines,
    }),
    reading: `Each point is ${time(intervalMs)}. Flat lines are good. Peaks at equal distances are a server that stands still now and then: they hide in an average, but somebody waits in each. A gap: nothing was answered.`,
    command,
  });
}

/** Whether it was steady, in a sentence. */
export function courseText({ intervals, intervalMs }: Course): string {
  const answered = intervals.filter(({ answers }) => answers > 0);
  const sorted = answered.map(({ p99Ms }) => p99Ms).sort((a, b) => a - b);
  const usual = sorted[(sorted.length - 1) >> 1] ?? 0;
  const bound = Math.max(STALL_MS, usual * STALL_TIMES);
  const begins = intervals.flatMap(({ p99Ms }, index) =>
    p99Ms > bound && !((intervals[index - 1]?.p99Ms ?? 0) > bound) ? [index] : [],
  );
  const most = sorted.at(-1) ?? 0;
  if (begins.length === 0)
    return `${most <= usual * STEADY_TIMES ? 'Steady' : 'Uneven, without single peaks'}: the p99 of an interval is usually ${time(usual)} and never above ${time(most)}`;
  const gaps = begins.slice(1).map((at, index) => at - begins[index]!);
  const even = gaps.length > 1 && Math.max(...gaps) - Math.min(...gaps) <= 2;
  const every = even
    ? `, about every ${digits(((gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length) * intervalMs) / 1000)} s`
    : '';
  const lasted = answered.filter(({ p99Ms }) => p99Ms > bound).length * intervalMs;
  return `${counted(begins.length, 'peak')}${every}, ${time(lasted)} in all: p99 went up to ${time(most)}, usually it is ${time(usual)}`;
}
