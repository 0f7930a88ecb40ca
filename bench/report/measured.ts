/** Results in the order a report tells them: the rounds of one measurement are one thing. */

import type { Histogram } from 'hdr-histogram-js';
import type { Rate } from '../load/plan.ts';
import type { Result } from '../load/result.ts';
import { decodeHistogram } from '../load/tally.ts';
import { digits, percent, perSecond } from './numerals.ts';

/** Of the knee: there latencies are those that users have. */
const QUARTER = 0.25;

/** One server under one load, in one or several rounds. */
export interface Measured {
  readonly scenario: string;
  readonly server: string;
  readonly loop: 'closed' | 'open';
  /** Of the round that is shown. */
  readonly rate: Rate | undefined;
  readonly rounds: readonly Result[];
  /** The round in the middle: by answers in a closed loop, by p99 in an open one. */
  readonly shown: Result;
}

/** By scenario, server and load, in the order in which they came. */
export function measuredOf(results: readonly Result[]): Measured[] {
  const groups = Map.groupBy(results, ({ scenario, server, loop, rate }) =>
    JSON.stringify([scenario, server, loop, rate && (rate.share ?? [rate.from, rate.to])]),
  );
  return [...groups.values()].map((rounds) => {
    const { scenario, server, loop } = rounds[0]!;
    const sorted = rounds.toSorted((a, b) => (loop === 'closed' ? a.rps - b.rps : a.latencyMs.p99 - b.latencyMs.p99));
    const shown = sorted[(sorted.length - 1) >> 1]!;
    return { scenario, server, loop, rate: shown.rate, rounds, shown };
  });
}

/** The latencies of all rounds together, in microseconds; undefined where a file has no histogram that can be read. */
export function latenciesOf({ rounds }: Measured): Histogram | undefined {
  try {
    const [first, ...rest] = rounds.map(({ histogram }) => decodeHistogram(histogram));
    for (const one of rest) first!.add(one);
    return first!.totalCount > 0 ? first : undefined;
  } catch {
    return undefined;
  }
}

/** How a load is called: `as much as it takes`, `open, 300 req/s (25%)`. */
export function loadText({ loop, rate }: Pick<Measured, 'loop' | 'rate'>): string {
  if (loop === 'closed' || rate === undefined) return 'closed loop';
  if (isRamp(rate)) return `open, ${digits(rate.from)} to ${perSecond(rate.to)}`;
  return `open, ${perSecond(rate.from)}${rate.share === undefined ? '' : ` (${percent(rate.share)})`}`;
}

/** Whether a rate rises or falls. */
export function isRamp({ from, to }: Rate): boolean {
  return from !== to;
}

/** What was measured of one scenario. */
export class ScenarioFindings {
  readonly name: string;
  readonly all: readonly Measured[];
  /** The server that it is about: the gateway, where it was measured. */
  readonly main: string;

  constructor(name: string, all: readonly Measured[]) {
    this.name = name;
    this.all = all;
    this.main = all.some(({ server }) => server === 'gatehouse') ? 'gatehouse' : all[0]!.server;
  }

  /** The server it is about comes first, then the direct way, then the others. */
  get servers(): readonly string[] {
    const names = [...new Set(this.all.map(({ server }) => server))];
    const place = (name: string): number => (name === this.main ? 0 : name === 'direct' ? 1 : 2);
    return names.toSorted((a, b) => place(a) - place(b));
  }

  get knee(): Measured | undefined {
    return this.closed(this.main);
  }

  closed(server: string): Measured | undefined {
    return this.all.find((one) => one.server === server && one.loop === 'closed');
  }

  /** Open loops at constant rates, the lowest first. */
  steady(server: string): readonly Measured[] {
    return this.all
      .filter((one) => one.server === server && one.rate !== undefined && !isRamp(one.rate))
      .toSorted((a, b) => a.rate!.from - b.rate!.from);
  }

  /** The open loop whose rate is nearest to a quarter of the knee, or else a ramp; undefined where there is none. */
  get usual(): Measured | undefined {
    const steady = this.steady(this.main);
    const distance = (one: Measured): number => Math.abs(Math.log(this.#shareOf(one) ?? QUARTER) - Math.log(QUARTER));
    return steady.toSorted((a, b) => distance(a) - distance(b))[0] ?? this.ramp;
  }

  /** Whether the usual open loop is near a quarter of the knee. */
  get isAtQuarter(): boolean {
    const share = this.usual && this.#shareOf(this.usual);
    return share !== undefined && share > QUARTER / 1.5 && share < QUARTER * 1.5;
  }

  #shareOf({ rate }: Measured): number | undefined {
    const knee = this.knee?.shown.rps;
    return rate!.share ?? (knee ? rate!.from / knee : undefined);
  }

  get ramp(): Measured | undefined {
    return this.all.find((one) => one.server === this.main && one.rate !== undefined && isRamp(one.rate));
  }

  /** What latencies are told of: the usual open loop, or the closed one where no other was measured. */
  get told(): Measured {
    return this.usual ?? this.knee ?? this.all[0]!;
  }

  /** The same load at another server. */
  beside(server: string, { loop, rate }: Measured): Measured | undefined {
    return this.all.find(
      (one) =>
        one.server === server &&
        one.loop === loop &&
        (rate === undefined || rate.share === undefined || one.rate?.share === undefined
          ? one.rate?.from === rate?.from && one.rate?.to === rate?.to
          : one.rate.share === rate.share),
    );
  }
}

/** Scenarios in the order in which they were measured. */
export function scenariosOf(results: readonly Result[]): ScenarioFindings[] {
  return [...Map.groupBy(measuredOf(results), ({ scenario }) => scenario)].map(
    ([name, all]) => new ScenarioFindings(name, all),
  );
}
