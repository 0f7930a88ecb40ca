/** The counts of one measurement: latencies in HDR histograms, errors by what they were, and their course. */

import { build, decodeFromCompressedBase64, encodeIntoCompressedBase64, type Histogram } from 'hdr-histogram-js';

/** Three digits from 1 µs on; a minute is 40 KiB of counts. */
const newHistogram = (): Histogram => build({ bitBucketSize: 32, autoResize: true, numberOfSignificantValueDigits: 3 });

/** Lengths of interval that a course may have, in milliseconds. */
const INTERVALS_MS = [100, 200, 500, 1000, 2000, 5000, 10_000, 30_000, 60_000, 300_000];
const MOST_INTERVALS = 120;

/**
 * How long the intervals of a course are, in milliseconds: short enough that a stall of a tenth of a second is seen in a
 * short measurement, and at most 120 in a long one.
 */
export function intervalOf(durationMs: number): number {
  return INTERVALS_MS.find((length) => durationMs / length <= MOST_INTERVALS) ?? Math.ceil(durationMs / MOST_INTERVALS);
}

/** Counts as plain data, for the way between threads. Histograms are V2 compressed base64, in microseconds. */
export interface SentTally {
  readonly latency: string;
  readonly service: string;
  readonly late: string;
  readonly intervals: readonly { readonly answers: number; readonly errors: number; readonly latency: string }[];
  readonly errors: Readonly<Record<string, number>>;
  readonly answers: number;
  readonly bytes: number;
  readonly unmeasured: Readonly<Record<string, number>>;
}

interface Interval {
  answers: number;
  errors: number;
  readonly latency: Histogram;
}

/** Counts that grow. Times are milliseconds. */
export class Tally {
  /** From when the call was due to the end of the answer; right answers only. */
  readonly latency = newHistogram();
  /** From when it was written to the end of the answer. */
  readonly service = newHistogram();
  /** How long after its due time the generator itself came to a call: its own fault, in every latency. */
  readonly late = newHistogram();
  readonly errors = new Map<string, number>();
  /** Errors of warm-up. */
  readonly unmeasured = new Map<string, number>();
  readonly intervals: Interval[] = [];
  answers = 0;
  bytes = 0;
  readonly #intervalMs: number;

  /** `intervalMs`: how long each interval of the course is. */
  constructor(intervalMs: number) {
    this.#intervalMs = intervalMs;
  }

  /** A right answer. `at`: since the begin of what is measured. */
  answered(at: number, latencyMs: number, serviceMs: number, bytes: number): void {
    const micros = Math.max(1, Math.round(latencyMs * 1000));
    this.latency.recordValue(micros);
    this.service.recordValue(Math.max(1, Math.round(serviceMs * 1000)));
    const interval = this.#interval(at);
    interval.latency.recordValue(micros);
    interval.answers += 1;
    this.answers += 1;
    this.bytes += bytes;
  }

  failed(at: number, why: string): void {
    this.errors.set(why, (this.errors.get(why) ?? 0) + 1);
    this.#interval(at).errors += 1;
  }

  failedEarly(why: string): void {
    this.unmeasured.set(why, (this.unmeasured.get(why) ?? 0) + 1);
  }

  sentLate(ms: number): void {
    this.late.recordValue(Math.max(1, Math.round(ms * 1000)));
  }

  #interval(at: number): Interval {
    return this.#nthInterval(Math.max(0, Math.floor(at / this.#intervalMs)));
  }

  #nthInterval(index: number): Interval {
    while (this.intervals.length <= index) this.intervals.push({ answers: 0, errors: 0, latency: newHistogram() });
    return this.intervals[index]!;
  }

  toSend(): SentTally {
    return {
      latency: encodeIntoCompressedBase64(this.latency),
      service: encodeIntoCompressedBase64(this.service),
      late: encodeIntoCompressedBase64(this.late),
      intervals: this.intervals.map(({ answers, errors, latency }) => ({
        answers,
        errors,
        latency: encodeIntoCompressedBase64(latency),
      })),
      errors: Object.fromEntries(this.errors),
      unmeasured: Object.fromEntries(this.unmeasured),
      answers: this.answers,
      bytes: this.bytes,
    };
  }

  /** Adds what another generator counted in the same time. */
  add(other: SentTally): void {
    this.latency.add(decodeHistogram(other.latency));
    this.service.add(decodeHistogram(other.service));
    this.late.add(decodeHistogram(other.late));
    this.answers += other.answers;
    this.bytes += other.bytes;
    for (const [why, count] of Object.entries(other.errors)) this.errors.set(why, (this.errors.get(why) ?? 0) + count);
    for (const [why, count] of Object.entries(other.unmeasured)) {
      this.unmeasured.set(why, (this.unmeasured.get(why) ?? 0) + count);
    }
    other.intervals.forEach(({ answers, errors, latency }, index) => {
      const interval = this.#nthInterval(index);
      interval.answers += answers;
      interval.errors += errors;
      interval.latency.add(decodeHistogram(latency));
    });
  }

  get errorCount(): number {
    let sum = 0;
    for (const count of this.errors.values()) sum += count;
    return sum;
  }
}

/** Reads a histogram that was encoded as V2 compressed base64. Throws where it is none. */
export function decodeHistogram(text: string): Histogram {
  return decodeFromCompressedBase64(text, 32, false);
}
