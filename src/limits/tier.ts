/**
 * The contract of what counts: all limits of a request in one call, in this process or shared with other replicas.
 * Nothing here knows HTTP; keys are text, times are of the clock that the tier was made with.
 */

import type { Rate, Taken } from './limiter.ts';

/** Bans a key that goes on after it was refused. */
export interface Ban {
  /** So many refusals within `withinMs` make a ban. */
  readonly after: number;
  readonly withinMs: number;
  /** How long the first one lasts; each further one twice as long, up to `maxMs`. */
  readonly forMs: number;
  readonly maxMs: number;
}

/** A rate limit of the config, compiled. */
export interface Limit {
  /** The rule's name in config, header, log and metrics. */
  readonly rule: string;
  /** What its keys are filed under: rule and rate, so that a changed rate begins anew and an unchanged one lives on. */
  readonly bucket: string;
  readonly rate: Rate;
  readonly cost: number;
  readonly ban: Ban | undefined;
}

/** One limit as one request is charged for it. */
export interface Charge {
  readonly limit: Limit;
  /** What is counted: `limit.bucket` and the parts of the key, separated by NUL. Secrets are in it only as hashes. */
  readonly key: string;
  /** False: is counted, and only reported when exceeded. */
  readonly enforce: boolean;
}

/** What came of charging a request. */
export interface Outcome {
  /** Which charge refused; undefined where the request is admitted. What was taken before it has been given back. */
  readonly refused: number | undefined;
  /** The key of `refused` is banned: nothing was counted. */
  readonly banned: boolean;
  /** One for every charge up to and with the one that refused. */
  readonly taken: readonly Taken[];
  /** Charges that were exceeded and only report. */
  readonly exceeded: readonly number[];
  /** Refused because nobody could count, not because of what was counted. */
  readonly unavailable?: true;
}

/** Counts of rate limits. */
export interface Tier {
  /** Takes all charges in order, or none: calls back once, at once or later, and never throws. */
  take(charges: readonly Charge[], done: (outcome: Outcome) => void): void;
  /** Gives back what an admitted request was charged and is not to count. */
  giveBack(charges: readonly Charge[]): void;
  /** What taking would come to, here and now, without taking. */
  peek(charge: Charge): Taken & { readonly bannedForMs: number };
}
