/** The figure of latency against throughput: how much can be asked before answers get slow. */

import type { Course } from '../load/result.ts';
import { figure } from './figure.ts';
import { ACROSS, type Line, lineChart, type Point, UP } from './line-chart.ts';
import type { Markup } from './markup.ts';
import type { Measured, ScenarioFindings } from './measured.ts';
import { percent, perSecond, tickMillis, tickText, time } from './numerals.ts';
import { linearScale, scaleOf } from './scale.ts';
import type { ReportSubject } from './subject.ts';

/** As long as p99 is below so many times its least, the server has room. */
const ROOM = 2;

/** The figure; undefined where there was one rate only. */
export function loadFigure(subject: ReportSubject, scenario: ScenarioFindings, command: string): Markup | undefined {
  const lines = scenario.steady(scenario.main).length > 1 ? sweepLines(subject, scenario) : rampLines(scenario);
  if (lines === undefined) return undefined;
  const knee = scenario.knee?.shown.rps;
  const points = lines.flatMap((line) => line.points.filter((point) => point !== undefined));
  return figure({
    kind: 'load',
    about: `Latency against load · ${scenario.main}, open loop`,
    finding: scenario.steady(scenario.main).length > 1 ? sweepText(scenario) : 'How latency grew while the rate rose',
    picture: lineChart({
      about: `Latency of ${scenario.name} against requests a second`,
      x: {
        title: 'requests a second',
        scale: linearScale(Math.max(knee ?? 0, ...points.map(({ x }) => x)), ACROSS),
        text: tickText,
      },
      y: {
        title: 'latency in ms',
        scale: scaleOf(
          points.map(({ y }) => y),
          UP,
        ),
        text: tickMillis,
      },
      lines,
      mark: knee === undefined ? undefined : { x: knee, text: `knee ${perSecond(knee)}` },
    }),
    reading:
      'Further right is more load. Where a line turns up, requests begin to wait for each other: run a server well to the left of that. The knee is what the closed loop reached, the most it can do.',
    command,
  });
}

function sweepLines(subject: ReportSubject, scenario: ScenarioFindings): Line[] {
  const line = (server: string, name: string, look: string, key: 'p50' | 'p99'): Line[] => {
    const points = scenario.steady(server).map(({ shown, rate }) => {
      const { errors, latencyMs } = shown;
      const share = rate!.share === undefined ? '' : ` (${percent(rate!.share)} of the knee)`;
      const wrong = errors === 0 ? '' : `, ${errors} errors`;
      return {
        x: rate!.from,
        y: latencyMs[key],
        label: `${time(latencyMs[key])} at ${perSecond(rate!.from)}${share}${wrong}`,
      };
    });
    return points.length > 1 ? [{ name, look, points, dots: true }] : [];
  };
  const { main } = scenario;
  const others = scenario.servers.filter((server) => server !== main);
  return [
    ...others.flatMap((server) => line(server, `${server} p99`, `${subject.look(server)} thin`, 'p99')),
    ...line(main, `${main} p99`, subject.look(main), 'p99'),
    ...line(main, `${main} p50`, `${subject.look(main)} thin dotted`, 'p50'),
  ];
}

/** The intervals of a ramp, each at the rate it had in its middle. */
function rampLines({ ramp }: ScenarioFindings): Line[] | undefined {
  const course = ramp?.shown.course as Course | undefined;
  if (ramp === undefined || course === undefined) return undefined;
  const { from, to } = ramp.rate!;
  const { intervals } = course;
  const points = (key: 'p50Ms' | 'p99Ms'): (Point | undefined)[] =>
    intervals.map((interval, index) => {
      const x = from + ((index + 0.5) / intervals.length) * (to - from);
      return interval.answers === 0 ? undefined : { x, y: interval[key] };
    });
  return [
    { name: 'p99', look: 's0', points: points('p99Ms') },
    { name: 'p50', look: 's0 thin dotted', points: points('p50Ms') },
  ];
}

/** Up to which load there is room. */
function sweepText(scenario: ScenarioFindings): string {
  const steady = scenario.steady(scenario.main);
  const p99 = ({ shown }: Measured): number => shown.latencyMs.p99;
  const [least, most] = [Math.min(...steady.map(p99)), Math.max(...steady.map(p99))];
  const beyond = steady.findIndex((one) => p99(one) > least * ROOM);
  if (beyond === -1) return `p99 stays between ${time(least)} and ${time(most)} at every rate`;
  const last = steady[beyond - 1];
  // Slow at little load and fast at much is no property of a server.
  if (
    last === undefined ||
    p99(steady.at(-1)!) < most / ROOM ||
    steady.slice(beyond).some((one) => p99(one) <= least * ROOM)
  ) {
    return `p99 is ${time(least)} to ${time(most)} and does not follow the load: something disturbed this run`;
  }
  const share =
    scenario.knee && ` (${percent(last.rate!.share ?? last.rate!.from / scenario.knee.shown.rps)} of the knee)`;
  return `Up to ${perSecond(last.rate!.from)}${share ?? ''} p99 stays below ${time(least * ROOM)}; at ${perSecond(steady.at(-1)!.rate!.from)} it is ${time(p99(steady.at(-1)!))}`;
}
