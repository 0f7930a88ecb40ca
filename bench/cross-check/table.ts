/** What two generators found of the same server, beside each other. */

import { millis } from '../load/table.ts';
import type { Reading } from './tool.ts';

/** A number with its round-to-round spread. */
export interface Spread {
  readonly middle: number;
  readonly least: number;
  readonly most: number;
}

/** The middle, the least and the most of some numbers; there is one at least. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = (sorted[sorted.length >> 1]! + sorted[(sorted.length - 1) >> 1]!) / 2;
  return { middle, least: sorted[0]!, most: sorted.at(-1)! };
}

/** The first against the second, of the same rounds. */
export interface Agreement {
  /** Of one round each; the middle is the one of the middles. */
  readonly ratio: Spread;
  /** The values of the one reach into those of the other: the difference is no larger than that of two rounds of one. */
  readonly withinNoise: boolean;
}

/** Compares the rounds of two. There is one at least, and as many of both. */
export function agreementOf(ours: readonly number[], theirs: readonly number[]): Agreement {
  const [a, b] = [spreadOf(ours), spreadOf(theirs)];
  const { least, most } = spreadOf(ours.map((value, round) => value / theirs[round]!));
  const ratio = { middle: a.middle / b.middle, least, most };
  return { ratio, withinNoise: a.least <= b.most && b.least <= a.most };
}

/** What is compared, as columns call it. */
const COMPARED: readonly (readonly [
  name: string,
  of: (reading: Reading) => number,
  text: (value: number) => string,
])[] = [
  ['req/s', ({ rps }) => rps, (value) => value.toFixed(0)],
  ['mean ms', ({ meanMs }) => meanMs, millis],
  ['p50 ms', ({ p50Ms }) => p50Ms, millis],
  ['p99 ms', ({ p99Ms }) => p99Ms, millis],
  ['server CPU s/1k', ({ serverMicros }) => serverMicros / 1000, (value) => value.toFixed(4)],
];

/** Readings of one tool, a round each. */
export interface Readings {
  readonly tool: string;
  readonly rounds: readonly Reading[];
}

/** A line for each tool, and for each but the first one that says how the first compares with it. */
export function crossTable(all: readonly Readings[]): string {
  const rows = [['', ...COMPARED.map(([name]) => name), 'own CPU s/1k', 'errors']];
  for (const { tool, rounds } of all) {
    const cells = COMPARED.map(([, of, text]) => spreadText(spreadOf(rounds.map(of)), text));
    const cpu = spreadOf(rounds.map(({ cpuMicros }) => cpuMicros / 1000));
    const errors = rounds.reduce((sum, reading) => sum + reading.errors, 0);
    rows.push([tool, ...cells, Number.isNaN(cpu.middle) ? '-' : cpu.middle.toFixed(4), String(errors)]);
  }
  const [ours, ...others] = all;
  for (const { tool, rounds } of others) {
    const cells = COMPARED.map(([, of]) => {
      const { ratio, withinNoise } = agreementOf(ours!.rounds.map(of), rounds.map(of));
      return `${spreadText(ratio, (value) => value.toFixed(2))}${withinNoise ? ' =' : '  '}`;
    });
    rows.push([`${ours!.tool} / ${tool}`, ...cells, '', '']);
  }
  const widths = rows[0]!.map((_, index) => Math.max(...rows.map((row) => row[index]!.length)));
  return rows
    .map((row) => row.map((cell, index) => (index === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[index]!))))
    .map((cells) => `  ${cells.join('  ').trimEnd()}`)
    .join('\n');
}

function spreadText({ middle, least, most }: Spread, text: (value: number) => string): string {
  return `${text(middle)} (${text(least)}…${text(most)})`;
}
