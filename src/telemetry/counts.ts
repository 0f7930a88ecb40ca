import type { Counter, Registry } from 'prom-client';

/** One number of a counter, for one value of each label; whoever holds it adds to `value`. */
export interface Count {
  readonly labels: Readonly<Record<string, string>>;
  value: number;
}

/**
 * A counter of the registry whose numbers are plain fields. A Counter of prom-client 15.1 looks the series up by a text
 * that it makes of all labels, at each addition; whoever counts at each request holds its series instead.
 */
export class Counts {
  readonly name: string;
  readonly help: string;
  readonly type = 'counter';
  readonly aggregator = 'sum';
  readonly #labelNames: readonly string[];
  readonly #all: Count[] = [];

  constructor(registry: Registry, name: string, help: string, labelNames: readonly string[]) {
    this.name = name;
    this.help = help;
    this.#labelNames = labelNames;
    // A registry asks its metrics for `get` alone, and so does its own code register what was merged.
    registry.registerMetric(this as unknown as Counter);
  }

  /** A new series, at 0. The caller makes one for the same values only once, and bounds how many there are. */
  series(...values: readonly string[]): Count {
    const made = { labels: labelled(this.#labelNames, values), value: 0 };
    this.#all.push(made);
    return made;
  }

  /** What prom-client asks for: all that was counted, now. */
  async get() {
    const { name, help, type, aggregator } = this;
    return { name, help, type, aggregator, values: this.#all.map(({ labels, value }) => ({ labels, value })) };
  }
}

/** Labels by their names. */
export function labelled(names: readonly string[], values: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map((name, i) => [name, values[i]!]));
}
