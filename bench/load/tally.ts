/** The counts of one measurement: latencies in HDR histograms, errors by what they were, a line for each second. */

import { build, decodeFromCompressedBase64, encodeIntoCompressedBase64, type Histogram } from 'hdr-histogram-js';

/** Three digits from 1 µs on; a minute is 40 KiB of counts. */
const newHistogram = (): Histogram => build({ bitBucketSize: 32, autoResize: true, numberOfSignificantValueDigits: 3 });

/** Counts as plain data, for the way between threads. Histograms are V2 compressed base64, in microseconds. */
export interface SentTally {
  readonly latency: string;
  readonly service: string;
  readonly late: string;
  readonly seconds: readonly { readonly answers: number; readonly errors: number; readonly latency: string }[];
  readonly errors: Readonly<Record<string, number>>;
  readonly answers: number;
  readonly bytes: number;
  readonly unmeasured: Readonly<Record<string, number>>;
}

interface Second {
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
  readonly seconds: Second[] = [];
  answers = 0;
  bytes = 0;

  /** A right answer. `at`: since the begin of what is measured. */
  answered(at: number, latencyMs: number, serviceMs: number, bytes: number): void {
    const micros = Math.max(1, Math.round(latencyMs * 1000));
    this.latency.recordValue(micros);
    this.service.recordValue(Math.max(1, Math.round(serviceMs * 1000)));
    const second = this.#second(at);
    second.latency.recordValue(micros);
    second.answers += 1;
    this.answers += 1;
    this.bytes += bytes;
  }

  failed(at: number, why: string): void {
    this.errors.set(why, (this.errors.get(why) ?? 0) + 1);
    this.#second(at).errors += 1;
  }

  failedEarly(why: string): void {
    this.unmeasured.set(why, (this.unmeasured.get(why) ?? 0) + 1);
  }

  sentLate(ms: number): void {
    this.late.recordValue(Math.max(1, Math.round(ms * 1000)));
  }

  #second(at: number): Second {
    const index = Math.max(0, Math.floor(at / 1000));
    while (this.seconds.length <= index) this.seconds.push({ answers: 0, errors: 0, latency: newHistogram() });
    return this.seconds[index]!;
  }

  toSend(): SentTally {
    return {
      latency: encodeIntoCompressedBase64(this.latency),
      service: encodeIntoCompressedBase64(this.service),
      late: encodeIntoCompressedBase64(this.late),
      seconds: this.seconds.map(({ answers, errors, latency }) => ({
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
    this.latency.add(read(other.latency));
    this.service.add(read(other.service));
    this.late.add(read(other.late));
    this.answers += other.answers;
    this.bytes += other.bytes;
    for (const [why, count] of Object.entries(other.errors)) this.errors.set(why, (this.errors.get(why) ?? 0) + count);
    for (const [why, count] of Object.entries(other.unmeasured)) {
      this.unmeasured.set(why, (this.unmeasured.get(why) ?? 0) + count);
    }
    other.seconds.forEach(({ answers, errors, latency }, index) => {
      const second = this.#second(index * 1000);
      second.answers += answers;
      second.errors += errors;
      second.latency.add(read(latency));
    });
  }

  get errorCount(): number {
    let sum = 0;
    for (const count of this.errors.values()) sum += count;
    return sum;
  }
}

function read(text: string): Histogram {
  return decodeFromCompressedBase64(text, 32, false);
}
