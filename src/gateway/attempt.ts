/** One attempt of an exchange: what becomes of it, and what its endpoint is told of that. */

import type { Clock } from '../core/clock.ts';
import type { GatewayError } from '../core/errors.ts';
import type { Exchange } from '../core/exchange.ts';
import type { Fields, Reset } from '../core/raw.ts';
import type { Endpoint } from '../upstream/endpoint.ts';
import { endOutcome, headOutcome } from '../upstream/health/outcome.ts';
import { countsAgainst } from '../upstream/node-error.ts';
import { saysTimeout } from './caller-timeout.ts';

/** The head of an upstream's answer. */
export interface AnswerHead {
  readonly status: number;
  readonly fields: Fields;
  readonly ended: boolean;
}

/** How an attempt ended that had no answer. */
export type Ending =
  /** There was no session, or no room: nothing was sent. */
  | 'unsent'
  /** It was certainly not processed. */
  | 'unprocessed'
  /** The connection was lost: it may have been processed. */
  | 'connection_lost'
  /** It was given up for another attempt, and may be in the middle of its work. */
  | 'timeout'
  /** It was answered by something that is none, was reset, or the exchange is over. */
  | 'other';

/** An attempt that failed before an answer. */
export interface AttemptFailure {
  readonly error: GatewayError;
  readonly ending: Ending;
}

/** A time after which an attempt is given up, if another may follow. */
export interface PerTryTimeout {
  readonly ms: number;
  /** Asked once, when the time is over. */
  readonly mayGiveUp: () => boolean;
}

/** How a reset before an answer leaves the request. */
export function endingOf(error: GatewayError, reset: Reset): Ending {
  if (error.code === 'UPSTREAM_PROTOCOL') return 'other';
  if (reset.unprocessed) return 'unprocessed';
  return reset.by === 'connection' ? 'connection_lost' : 'other';
}

/** One attempt on its way: until it is settled it can be given up. */
export class Attempt {
  readonly #endpoint: Endpoint;
  readonly #clock: Clock;
  readonly #sent: number;
  /** The caller itself said how long it may take. */
  readonly #callersDeadline: boolean;
  #settle: ((outcome: AnswerHead | AttemptFailure) => void) | undefined;
  /** Nothing of it counts any more. */
  failed = false;
  /** The end of the answer says how it went, and its head did not. */
  #untold = false;
  #cancelTimeout: (() => void) | undefined;

  /** `settle` is called once, with an answer's head or with why there is none. */
  constructor(
    endpoint: Endpoint,
    { head }: Exchange,
    clock: Clock,
    settle: (outcome: AnswerHead | AttemptFailure) => void,
  ) {
    this.#endpoint = endpoint;
    this.#clock = clock;
    this.#sent = clock.now();
    this.#settle = settle;
    this.#callersDeadline = saysTimeout(head);
  }

  /** It has neither failed nor an answer. */
  get pending(): boolean {
    return this.#settle !== undefined;
  }

  /** Calls back where it is still pending after so long. */
  limit(ms: number, callback: () => void): void {
    this.#cancelTimeout = this.#clock.after(ms, callback);
  }

  /** The head of an answer is here. */
  answered(head: AnswerHead): void {
    const outcome = headOutcome(head.fields, head.ended, this.#callersDeadline);
    this.#untold = outcome === undefined;
    this.#endpoint.answered(outcome, this.#clock.now() - this.#sent);
    this.#settled()?.(head);
  }

  /** The answer is complete. */
  concluded(trailers: Fields | undefined): void {
    const outcome = this.#untold ? endOutcome(trailers, this.#callersDeadline) : undefined;
    if (outcome !== undefined) this.#endpoint.concluded(outcome);
  }

  /** It failed: nothing of it counts any more. */
  fail(failure: AttemptFailure): void {
    this.failed = true;
    this.#settled()?.(failure);
  }

  /**
   * Tells the endpoint what went wrong, and whether that speaks against it: not what a client may have caused.
   * `session`: the one that a reset took with it, where it was the connection and not the stream.
   */
  blame(error: GatewayError, reset?: Reset, session?: number): void {
    const counts = error.row.countsAgainstHealth && (reset === undefined || countsAgainst(reset));
    this.#endpoint.failed(error, counts, this.#clock.wall(), reset?.by === 'connection' ? session : undefined);
  }

  #settled(): ((outcome: AnswerHead | AttemptFailure) => void) | undefined {
    const settle = this.#settle;
    this.#settle = undefined;
    this.#cancelTimeout?.();
    this.#cancelTimeout = undefined;
    return settle;
  }
}
