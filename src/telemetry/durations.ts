import type { Histogram, Registry } from 'prom-client';
import { labelled } from './counts.ts';

/** From a cached asset to a long poll, in seconds. */
const BOUNDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** The durations for one value of each label. */
export class DurationSeries {
  readonly labels: Readonly<Record<string, string>>;
  /** How many fell into each bucket and none before it; the last is of those above all bounds. */
  readonly buckets = new Float64Array(BOUNDS.length + 1);
  /** Seconds. */
  sum = 0;

  constructor(labels: Readonly<Record<string, string>>) {
    this.labels = labels;
  }

  observe(seconds: number): void {
    let at = 0;
    // Most are short: a search by halves would take longer.
    while (at < BOUNDS.length && seconds > BOUNDS[at]!) at += 1;
    this.buckets[at]! += 1;
    this.sum += seconds;
  }
}

/** One line of a histogram, as prom-client has it before it is text; it writes out what lines share only once. */
interface Line {
  readonly metricName: string;
  readonly labels: { readonly le?: number | string };
  readonly sharedLabels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A histogram of the registry whose numbers are plain, for the same reason as those of Counts. */
export class Durations {
  readonly name: string;
  readonly help: string;
  readonly type = 'histogram';
  readonly aggregator = 'sum';
  readonly #labelNames: readonly string[];
  readonly #all: DurationSeries[] = [];

  constructor(registry: Registry, name: string, help: string, labelNames: readonly string[]) {
    this.name = name;
    this.help = help;
    this.#labelNames = labelNames;
    registry.registerMetric(this as unknown as Histogram);
  }

  /** A new series. The caller makes one for the same values only once, and bounds how many there are. */
  series(...values: readonly string[]): DurationSeries {
    const made = new DurationSeries(labelled(this.#labelNames, values));
    this.#all.push(made);
    return made;
  }

  /** What prom-client asks for: buckets that hold those before them, sum and count of each series. */
  async get() {
    const { values, ...about } = await this.getForPromString();
    return {
      ...about,
      values: values.map(({ sharedLabels, labels, ...line }) => ({ ...line, labels: { ...labels, ...sharedLabels } })),
    };
  }

  /** The same as prom-client 15.1 asks for it where it writes text, which takes half as long. */
  async getForPromString() {
    const { name, help, type, aggregator } = this;
    return { name, help, type, aggregator, values: this.#all.flatMap((series) => this.#lines(series)) };
  }

  #lines({ labels: sharedLabels, buckets, sum }: DurationSeries): Line[] {
    const metricName = `${this.name}_bucket`;
    let count = 0;
    const lines: Line[] = [];
    for (const [i, inBucket] of buckets.entries()) {
      count += inBucket;
      lines.push({ metricName, labels: { le: BOUNDS[i] ?? '+Inf' }, sharedLabels, value: count });
    }
    lines.push({ metricName: `${this.name}_sum`, labels: {}, sharedLabels, value: sum });
    lines.push({ metricName: `${this.name}_count`, labels: {}, sharedLabels, value: count });
    return lines;
  }
}
