/** What became of the requests of a run. */

/** One request. Times are in milliseconds, by the clock of `performance`. */
export interface Outcome {
  readonly kind: string;
  /** Whether it may be sent twice. */
  readonly safe: boolean;
  /** Of one that may not. */
  readonly id: string | undefined;
  readonly phase: string;
  readonly at: number;
  readonly ms: number;
  /** Why it failed; undefined where it was answered as it should. */
  readonly failure: string | undefined;
}

/** A row of the report. */
export interface Row {
  readonly phase: string;
  readonly sent: number;
  readonly answered: number;
  readonly failed: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** All outcomes of one run. */
export class Tally {
  readonly outcomes: Outcome[] = [];
  sent = 0;
  /** Requests that a client sent again because the gateway had said that it did not process them. */
  resent = 0;

  get failures(): readonly Outcome[] {
    return this.outcomes.filter(({ failure }) => failure !== undefined);
  }

  /** Rows by phase in the order in which they came, or by kind. */
  rows(by: 'phase' | 'kind' = 'phase'): readonly Row[] {
    return [...Map.groupBy(this.outcomes, (outcome) => outcome[by])].map(([phase, outcomes]) => {
      const good = outcomes.filter(({ failure }) => failure === undefined);
      // How long a stream lasts is what its caller asked for.
      const times = good
        .filter(({ kind }) => by === 'kind' || kind !== 'grpc-stream')
        .map(({ ms }) => ms)
        .toSorted((a, b) => a - b);
      return {
        phase,
        sent: outcomes.length,
        answered: good.length,
        failed: outcomes.length - good.length,
        p50Ms: percentile(times, 0.5),
        p99Ms: percentile(times, 0.99),
      };
    });
  }

  /** The row of one phase; of no requests where there were none. */
  row(phase: string): Row {
    const none = { phase, sent: 0, answered: 0, failed: 0, p50Ms: 0, p99Ms: 0 };
    return this.rows().find((row) => row.phase === phase) ?? none;
  }

  /** Failures as lines, the most frequent first. */
  reasons(outcomes: readonly Outcome[] = this.failures): readonly string[] {
    const groups = Map.groupBy(outcomes, ({ phase, kind, failure }) => `${phase}, ${kind}: ${failure}`);
    return [...groups]
      .toSorted(([, a], [, b]) => b.length - a.length)
      .map(([reason, { length }]) => `${length} × ${reason}`);
  }
}

function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
