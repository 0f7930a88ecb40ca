import type { CodingName } from '../coding.ts';

/** The body that variants are wanted of; a stored answer is one. */
export interface VariantSource {
  /** Uncoded. Must not change any more. Passed on without a copy where it is a view of a SharedArrayBuffer. */
  readonly body: Uint8Array;
  /** What the body is known by: equal digests mean equal bodies. */
  readonly digest: string;
}

/** Told once for each coding that was asked for; `coded` is undefined where it is not worth it, and after a failure. */
export type VariantDone = (coding: CodingName, coded: Uint8Array | undefined) => void;

/** One coding of one body, for all who asked for it. */
export interface VariantJob {
  readonly source: VariantSource;
  readonly coding: CodingName;
  /** Milliseconds on the queue's clock; the job with the smallest is the next. */
  readonly dueAt: number;
  readonly callers: Set<VariantDone>;
}
