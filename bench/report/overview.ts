/** All scenarios beside each other: the knee, the latencies, the cost. */

import { barChart } from './bar-chart.ts';
import { figure } from './figure.ts';
import type { Markup } from './markup.ts';
import { html } from './markup.ts';
import type { ScenarioFindings } from './measured.ts';
import { digits, perSecond, tickMillis, tickText, time } from './numerals.ts';
import { rangeChart } from './range-chart.ts';
import type { ReportSubject } from './subject.ts';
import { atQuarter } from './summary.ts';

/** The figures; none of a single scenario, which has its own. */
export function overview(subject: ReportSubject): Markup | undefined {
  const { scenarios } = subject;
  if (scenarios.length < 2) return undefined;
  const figures = [kneeFigure(subject), latencyFigure(subject), cpuFigure(subject)].filter((one) => one !== undefined);
  return html`<section id="overview"><h2>All scenarios beside each other</h2><div class="cards">${figures}</div></section>`;
}

function kneeFigure(subject: ReportSubject): Markup | undefined {
  const known = subject.scenarios
    .filter(({ knee }) => knee !== undefined)
    .toSorted((a, b) => b.knee!.shown.rps - a.knee!.shown.rps);
  if (known.length < 2) return undefined;
  return figure({
    kind: 'knees',
    about: 'The knee · closed loop',
    finding: `From ${perSecond(known.at(-1)!.knee!.shown.rps)} (${known.at(-1)!.name}) to ${perSecond(known[0]!.knee!.shown.rps)} (${known[0]!.name})`,
    picture: barChart({
      about: 'Requests a second at the knee, by scenario',
      title: 'right answers a second',
      text: tickText,
      bars: known.map((scenario) =>
        bar(
          subject,
          scenario,
          scenario.knee!.rounds.map(({ rps }) => rps),
          scenario.knee!.shown.rps,
        ),
      ),
    }),
    reading:
      'The most that was answered, with all clients asking again at once. Scenarios differ in what one request is, and some have only few clients by design: compare a scenario with itself in another run.',
    command: subject.file.command,
  });
}

function cpuFigure(subject: ReportSubject): Markup | undefined {
  const cpu = ({ knee }: ScenarioFindings): number => knee?.shown.serverCost?.cpuSPer1000 ?? 0;
  const known = subject.scenarios.filter((one) => cpu(one) > 0).toSorted((a, b) => cpu(b) - cpu(a));
  if (known.length < 2) return undefined;
  return figure({
    kind: 'cpu',
    about: 'Processor time · closed loop',
    finding: `${known[0]!.name} costs most: ${digits(cpu(known[0]!))} CPU seconds for a thousand requests`,
    picture: barChart({
      about: 'CPU seconds for a thousand requests, by scenario',
      title: 'CPU seconds for 1,000 requests, less is better',
      text: tickText,
      bars: known.map((scenario) =>
        bar(
          subject,
          scenario,
          scenario.knee!.rounds.flatMap(({ serverCost }) => serverCost?.cpuSPer1000 ?? []),
          cpu(scenario),
        ),
      ),
    }),
    reading:
      'What the gateway spent itself, upstream and load left out. 0.2 seconds for a thousand are 5,000 requests a second for a core.',
    command: subject.file.command,
  });
}

function bar(subject: ReportSubject, { name, main }: ScenarioFindings, rounds: readonly number[], value: number) {
  const spread = rounds.length > 1 ? ([Math.min(...rounds), Math.max(...rounds)] as const) : undefined;
  return { name, look: subject.look(main), value, spread, text: digits(value) };
}

function latencyFigure(subject: ReportSubject): Markup | undefined {
  const known = subject.scenarios.filter(({ usual }) => usual !== undefined);
  if (known.length < 2) return undefined;
  const servers = [
    ...new Set(known.flatMap((scenario) => scenario.servers.filter((name) => scenario.beside(name, scenario.usual!)))),
  ];
  const rows = known.map((scenario) => {
    const ranges = scenario.servers.flatMap((server) => {
      const measured = scenario.beside(server, scenario.usual!);
      if (measured === undefined) return [];
      const { p50, p99 } = measured.shown.latencyMs;
      return [{ server, look: subject.look(server), p50, p99 }];
    });
    const { p50, p99 } = scenario.usual!.shown.latencyMs;
    return { name: scenario.name, text: `${time(p50)} – ${time(p99)}`, ranges };
  });
  const slowest = known.toSorted((a, b) => b.usual!.shown.latencyMs.p99 - a.usual!.shown.latencyMs.p99)[0]!;
  const legend = servers.map(
    (server) =>
      html`<li><svg class="swatch" viewBox="0 0 26 10" aria-hidden="true"><g class="range ${subject.look(server)}"><path d="M5 5H21"/><circle cx="5" cy="5" r="3.5" class="hollow"/><circle cx="21" cy="5" r="3.5"/></g></svg>${server}</li>`,
  );
  return figure({
    kind: 'latencies',
    about: `Latency · open loop${atQuarter(known)}`,
    finding: `The slowest p99 is that of ${slowest.name}: ${time(slowest.usual!.shown.latencyMs.p99)}`,
    picture: html`<ul class="legend">${legend}</ul>${rangeChart('Latency from p50 to p99, by scenario', rows, tickMillis)}`,
    reading: `From the median (ring) to the 99th percentile (dot); the numbers are those of ${known[0]!.main}. Short lines far to the left are good. The distance between two rings is what a gateway adds.`,
    command: subject.file.command,
  });
}
