/** The gateway against its peers: the order of the rounds, medians, ratios, and what is no more than noise. */

import { COMPARED, type Comparison, type Percentiles, type Result } from './result.ts';
import { MEASURES } from './threshold.ts';

/** The one that all others are set against. */
const OURS = 'gatehouse';

/** Who is measured when: A B C, A B C. The round is 0 where there is one measurement of one server. */
export function turns<T>(entrants: readonly T[], rounds: number): { readonly entrant: T; readonly round: number }[] {
  const numbers = rounds === 1 ? [0] : Array.from({ length: rounds }, (_, index) => index + 1);
  return numbers.flatMap((round) => entrants.map((entrant) => ({ entrant, round })));
}

/** The median; of an even number the mean of the two in the middle. NaN of none. */
export function middle(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return (sorted[sorted.length >> 1]! + sorted[(sorted.length - 1) >> 1]!) / 2;
}

/** Results of one scenario at one load, by server, in the order in which they came. */
export interface Match {
  readonly scenario: string;
  readonly loop: 'closed' | 'open';
  readonly rate: Result['rate'];
  readonly servers: ReadonlyMap<string, readonly Result[]>;
}

/** Puts results together that belong together. */
export function matches(results: readonly Result[]): Match[] {
  const of = ({ scenario, loop, rate }: Result): string => `${scenario} ${loop} ${rate?.from} ${rate?.to}`;
  return [...Map.groupBy(results, of).values()].map((same) => {
    const { scenario, loop, rate } = same[0]!;
    return { scenario, loop, rate, servers: Map.groupBy(same, ({ server }) => server) };
  });
}

/** One result for all rounds of a server at one load: medians of what was measured, sums of what was counted. */
export function middles(results: readonly Result[]): Result[] {
  return matches(results).flatMap(({ servers }) => [...servers.values()].map(middleOf));
}

function middleOf(rounds: readonly Result[]): Result {
  const [first] = rounds as [Result];
  if (rounds.length === 1) return first;
  const of = (read: (result: Result) => number | undefined): number | undefined => {
    const values = rounds.map(read).filter((value) => value !== undefined);
    return values.length === 0 ? undefined : middle(values);
  };
  const sum = (read: (result: Result) => number): number => rounds.reduce((all, one) => all + read(one), 0);
  const kinds: Record<string, number> = {};
  for (const { errorKinds } of rounds) {
    for (const [kind, count] of Object.entries(errorKinds)) kinds[kind] = (kinds[kind] ?? 0) + count;
  }
  const latencies = (key: 'latencyMs' | 'serviceMs'): Percentiles => {
    const names = Object.keys(first[key]) as (keyof Percentiles)[];
    return Object.fromEntries(names.map((name) => [name, of((one) => one[key][name])])) as unknown as Percentiles;
  };
  return {
    ...first,
    round: 0,
    answers: sum(({ answers }) => answers),
    errors: sum(({ errors }) => errors),
    errorKinds: kinds,
    rps: of(({ rps }) => rps)!,
    bytesPerS: of(({ bytesPerS }) => bytesPerS)!,
    latencyMs: latencies('latencyMs'),
    serviceMs: latencies('serviceMs'),
    generator: {
      ...first.generator,
      busy: Math.max(...rounds.map(({ generator }) => generator.busy)),
      lateP99Ms: Math.max(...rounds.map(({ generator }) => generator.lateP99Ms)),
    },
    serverCost: first.serverCost && {
      cpuSPer1000: of(({ serverCost }) => serverCost?.cpuSPer1000),
      cores: of(({ serverCost }) => serverCost?.cores),
      rssBytes: of(({ serverCost }) => serverCost?.rssBytes),
      gcShare: of(({ serverCost }) => serverCost?.gcShare),
      loopP99Ms: of(({ serverCost }) => serverCost?.loopP99Ms),
      loopMaxMs: of(({ serverCost }) => serverCost?.loopMaxMs),
    },
  };
}

/** The knee that all can bear: the least of the servers' medians; who had no right answer has none. Undefined of none. */
export function commonKnee(results: readonly Result[]): number | undefined {
  const knees = [...Map.groupBy(results, ({ server }) => server).values()].map((one) =>
    middle(one.map(({ rps }) => rps)),
  );
  const found = knees.filter((knee) => knee > 0);
  return found.length === 0 ? undefined : Math.min(...found);
}

/** Every peer against the gateway, by scenario, load and measure. What one of the two did not tell is left out. */
export function comparisons(results: readonly Result[]): Comparison[] {
  return matches(results).flatMap(({ scenario, loop, rate, servers }) => {
    const ours = servers.get(OURS) ?? [];
    const peers = [...servers].filter(([server]) => server !== OURS && server !== 'direct');
    return peers.flatMap(([server, theirs]) =>
      COMPARED.flatMap((measure): Comparison[] => {
        const pairs = ours.flatMap((one): [number, number][] => {
          const other = theirs.find(({ round }) => round === one.round);
          const [a, b] = [MEASURES[measure]!(one), other && MEASURES[measure]!(other)];
          // A clock of 10 ms may say nothing, a server without right answers has no latency: no ratio either.
          return a !== undefined && b !== undefined && a > 0 && b > 0 ? [[a, b]] : [];
        });
        if (pairs.length === 0) return [];
        const [own, other] = [pairs.map(([a]) => a), pairs.map(([, b]) => b)];
        const ratios = pairs.map(([a, b]) => a / b);
        const meet = Math.max(...own) >= Math.min(...other) && Math.max(...other) >= Math.min(...own);
        return [
          {
            scenario,
            loop,
            ...(rate !== undefined && { rate }),
            server,
            against: OURS,
            measure,
            ratio: middle(own) / middle(other),
            spread: [Math.min(...ratios), Math.max(...ratios)],
            rounds: pairs.length,
            withinNoise: pairs.length === 1 || meet,
          },
        ];
      }),
    );
  });
}
