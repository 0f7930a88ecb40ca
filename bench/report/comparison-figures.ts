/** The figures of the gateway beside other servers: bars, with whiskers from the least to the most of the rounds. */

import type { Comparison, Result } from '../load/result.ts';
import { type Bar, barChart } from './bar-chart.ts';
import { figure } from './figure.ts';
import type { Markup } from './markup.ts';
import { loadText, type ScenarioFindings } from './measured.ts';
import { digits, tickText } from './numerals.ts';
import type { ReportSubject } from './subject.ts';

interface Measure {
  readonly name: 'rps' | 'p99' | 'cpu';
  readonly loop: 'closed' | 'open';
  readonly about: string;
  readonly unit: string;
  readonly moreIsBetter: boolean;
  readonly of: (result: Result) => number | null | undefined;
}

const MEASURES: readonly Measure[] = [
  {
    name: 'rps',
    loop: 'closed',
    about: 'Throughput',
    unit: 'req/s',
    moreIsBetter: true,
    of: ({ rps }) => rps,
  },
  {
    name: 'p99',
    loop: 'open',
    about: 'p99 latency',
    unit: 'ms',
    moreIsBetter: false,
    of: ({ latencyMs }) => latencyMs.p99,
  },
  {
    name: 'cpu',
    loop: 'closed',
    about: 'Processor time',
    unit: 'CPU s for 1,000 requests',
    moreIsBetter: false,
    of: ({ serverCost }) => serverCost?.cpuSPer1000,
  },
];

/** A figure for each measure; none where no other server was measured under the same load. */
export function comparisonFigures(subject: ReportSubject, scenario: ScenarioFindings, command: string): Markup[] {
  const peers = scenario.servers.filter((server) => server !== scenario.main && server !== 'direct');
  if (peers.length === 0) return [];
  return MEASURES.flatMap((measure) => {
    const reference = measure.loop === 'closed' ? scenario.knee : scenario.usual;
    if (reference === undefined) return [];
    const compared = (server: string): Comparison | undefined =>
      subject.file.comparison?.find(
        (one) =>
          one.scenario === scenario.name &&
          one.server === server &&
          one.measure === measure.name &&
          one.loop === measure.loop &&
          // Rates of an open loop are the same for all who are compared.
          (one.rate == null || one.rate.from === reference.rate?.from),
      );
    const bars = scenario.servers.flatMap((server): Bar[] => {
      const rounds = scenario.beside(server, reference)?.rounds ?? [];
      const values = rounds.map(measure.of).filter((value) => value != null);
      if (values.length === 0) return [];
      const sorted = values.toSorted((a, b) => a - b);
      const value = (sorted[sorted.length >> 1]! + sorted[(sorted.length - 1) >> 1]!) / 2;
      const spread = sorted.length > 1 ? ([sorted[0]!, sorted.at(-1)!] as const) : undefined;
      return [
        {
          name: server,
          look: subject.look(server),
          value,
          spread,
          text: `${digits(value)}${ratioText(compared(server))}`,
        },
      ];
    });
    if (bars.length < 2) return [];
    const found = peers.map(compared).filter((one) => one !== undefined);
    return [
      figure({
        kind: `comparison-${measure.name}`,
        about: `${measure.about} · ${loadText(reference)}, ${reference.rounds.length > 1 ? `medians of ${reference.rounds.length} rounds` : 'one round'}`,
        finding: finding(scenario.main, found, measure),
        picture: barChart({
          about: `${measure.about} of ${scenario.name} by server`,
          title: `${measure.unit}, ${measure.moreIsBetter ? 'more' : 'less'} is better`,
          text: tickText,
          bars,
        }),
        reading: `Bars are medians, whiskers go from the least to the most of the rounds. The ratio is ${scenario.main} : that server, with its least and most over the rounds; “chance?” where the two cannot be told apart.`,
        command,
      }),
    ];
  });
}

function ratioText(compared: Comparison | undefined): string {
  if (compared === undefined) return '';
  const [least, most] = compared.spread;
  const chance = compared.withinNoise ? ' chance?' : '';
  return ` · ${compared.ratio.toFixed(2)}× (${least.toFixed(2)}–${most.toFixed(2)})${chance}`;
}

function finding(main: string, found: readonly Comparison[], { about }: Measure): string {
  const sure = found.filter(({ withinNoise }) => !withinNoise).toSorted((a, b) => b.ratio - a.ratio);
  if (sure.length > 0)
    return `${about} of ${main}: ${sure.map(({ ratio, server }) => `${ratio.toFixed(2)}× ${server}`).join(', ')}`;
  return found.length > 0 ? `${about}: no difference that is more than chance` : `${about}, by server`;
}
