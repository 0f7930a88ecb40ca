/** The results as tables for people, and what was asked for as pass or fail. */

import type { Case, Entrant } from './contest.ts';
import type { Measure } from './load.ts';
import type { LoopDelay } from './loop-delay.ts';

export type Results = ReadonlyMap<Case, ReadonlyMap<string, Measure>>;

/** One thing that was asked for. `passed` is undefined where it was not measured. */
export interface Requirement {
  readonly what: string;
  readonly wanted: string;
  readonly found: string;
  readonly passed: boolean | undefined;
}

const number = (value: number): string =>
  value >= 100 ? Math.round(value).toLocaleString('en-US') : value.toFixed(value >= 10 ? 1 : 2);

/** A table with aligned columns; the first column stands left. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows
    .map((row) => row.map((cell, at) => (at === 0 ? cell.padEnd(widths[at]!) : cell.padStart(widths[at]!))).join('  '))
    .join('\n');
}

/** The table of one case, with ratios against nginx as it is usually set up. */
export function caseTable(what: Case, entrants: readonly Entrant[], measures: ReadonlyMap<string, Measure>): string {
  const usual = measures.get('nginx');
  const rows = entrants.map(({ peer, bytes, coding }) => {
    const measure = measures.get(peer.name)!;
    const { answersPerS, answersPerCpuS, busy, p50Ms, p99Ms, failed } = measure;
    return [
      peer.name,
      number(answersPerS),
      usual ? `${number(answersPerS / usual.answersPerS)}×` : '-',
      number(answersPerCpuS),
      `${Math.round(busy * 100)} %`,
      bytes[what].toLocaleString('en-US'),
      what === 'bundle' ? coding : '',
      number(p50Ms),
      number(p99Ms),
      String(failed),
    ];
  });
  const head = ['', 'answers/s', 'vs nginx', 'per CPU s', 'busy', 'bytes', 'coding', 'p50 ms', 'p99 ms', 'failed'];
  return table([head, ...rows]);
}

/** Fields that the gateway sends of the small file and the bare server does not: it would be given less to do. */
export function lacking(entrants: readonly Entrant[]): readonly string[] {
  const of = (name: string) => entrants.find(({ peer }) => peer.name === name)?.fields;
  const bare = of('node');
  return bare === undefined ? [] : (of('gatehouse') ?? []).filter((name) => !bare.includes(name));
}

/** Everything that was asked for, checked on answers for each second of processor time: that is what a core gives. */
export function requirements(
  entrants: readonly Entrant[],
  results: Results,
  delays: readonly LoopDelay[],
): Requirement[] {
  const rate = (what: Case, name: string): number | undefined => results.get(what)?.get(name)?.answersPerCpuS;
  const bytes = (name: string): number | undefined => entrants.find(({ peer }) => peer.name === name)?.bytes.bundle;
  const best = Math.max(
    0,
    ...entrants
      .filter(({ peer }) => /^nginx-.*(?:cached|static)/.test(peer.name))
      .map(({ peer }) => rate('bundle', peer.name) ?? 0),
  );
  const own = rate('bundle', 'gatehouse');
  const ratio = (what: string, a: number | undefined, b: number | undefined, wanted: number): Requirement => {
    const found = a !== undefined && b ? a / b : undefined;
    return {
      what,
      wanted: `at least ${number(wanted)}×`,
      found: found === undefined ? 'not measured' : `${number(found)}×`,
      passed: found === undefined ? undefined : found >= wanted,
    };
  };
  const fewer = (name: string): Requirement => {
    const [mine, theirs] = [bytes('gatehouse'), bytes(name)];
    const known = mine !== undefined && theirs !== undefined;
    return {
      what: `bundle: bytes against ${name}`,
      wanted: 'fewer',
      found: known ? `${mine.toLocaleString('en-US')} : ${theirs.toLocaleString('en-US')}` : 'not measured',
      passed: known ? mine < theirs : undefined,
    };
  };
  return [
    ratio('bundle: answers of a core against nginx (cache, gzip)', own, rate('bundle', 'nginx'), 50),
    ratio('bundle: answers of a core against HAProxy', own, rate('bundle', 'haproxy'), 10),
    ...['nginx', 'caddy', 'haproxy'].map(fewer),
    ratio("bundle: answers of a core against nginx's best", own, best || undefined, 1 / 1.5),
    ratio(
      'small file: answers of a core against bare Node',
      rate('small', 'gatehouse'),
      rate('small', 'node'),
      1 / 1.5,
    ),
    ...delays.map(({ cores, p99Ms, made }) => ({
      what: `event loop delay while variants are made, core ${cores}, 99th percentile`,
      wanted: 'below 10 ms',
      found: made ? `${number(p99Ms)} ms` : 'variants were not made',
      passed: made ? p99Ms < 10 : undefined,
    })),
  ];
}
