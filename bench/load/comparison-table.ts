/** Peers beside the gateway, for a terminal. */

import { comparisons, matches, middle } from './comparison.ts';
import type { Comparison, Result } from './result.ts';
import { columns, millis } from './table.ts';
import { MEASURES } from './threshold.ts';

const MIB = 1024 * 1024;
const SHOWN: readonly (readonly [Comparison['measure'], head: string, text: (value: number) => string])[] = [
  ['rps', 'req/s', (value) => value.toFixed(0)],
  ['p50', 'p50 ms', millis],
  ['p99', 'p99 ms', millis],
  ['cpu', 'CPU s/1k', (value) => value.toFixed(3)],
  ['rss', 'RSS MiB', (value) => (value / MIB).toFixed(0)],
];

/** How the table is read. */
export const LEGEND =
  'Medians with the least and the most of the rounds. N×: the gateway has N times what the peer has; ~: within noise.';

/** A block for each scenario and load: medians, spreads, ratios. A line is a server. */
export function comparisonTable(results: readonly Result[]): string {
  const compared = comparisons(results);
  const blocks = matches(results).map((match) => {
    const { scenario, loop, rate, servers } = match;
    const load =
      rate === undefined
        ? 'closed loop'
        : `open loop, ${[...new Set([rate.from, rate.to])].map(Math.round).join('..')} req/s`;
    const rows = [...servers].map(([server, rounds]) => {
      const cells = SHOWN.map(([measure, , text]) => {
        const values = rounds.map((one) => MEASURES[measure]!(one)).filter((value) => value !== undefined);
        if (values.length === 0) return '-';
        const spread = values.length > 1 ? ` (${text(Math.min(...values))}..${text(Math.max(...values))})` : '';
        const found = compared.find(
          (one) =>
            one.scenario === scenario &&
            one.loop === loop &&
            one.rate?.from === rate?.from &&
            one.rate?.to === rate?.to &&
            one.server === server &&
            one.measure === measure,
        );
        return `${text(middle(values))}${spread}${found === undefined ? '' : ` ${times(found)}`}`;
      });
      const errors = rounds.reduce((sum, one) => sum + one.errors, 0);
      return [server, ...cells, String(errors)];
    });
    const head = [`${scenario}, ${load}`, ...SHOWN.map(([, name]) => name), 'errors'];
    return columns([head, ...rows]);
  });
  return blocks.join('\n\n');
}

function times({ ratio, withinNoise }: Comparison): string {
  return `${ratio.toFixed(ratio >= 10 ? 1 : 2)}×${withinNoise ? '~' : ''}`;
}
