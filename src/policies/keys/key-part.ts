/** The contract of a part of a key: what of a request tells callers apart. */

import type { Exchange, PeekedBody } from '../../core/exchange.ts';
import type { PolicyServices } from '../../core/policy.ts';

/** The part is there and cannot be read: too large, compressed beyond measure, malformed. All such requests share one key. */
export const UNREADABLE = Symbol('unreadable');

/**
 * Reads a part: its text, undefined where the request has none, UNREADABLE where it has one that cannot be read.
 * `body` is undefined for parts of the head. A list is of several texts that each count.
 */
export type KeyReader = (
  exchange: Exchange,
  body: PeekedBody | undefined,
) => string | readonly string[] | undefined | typeof UNREADABLE;

/** A kind of key part: one file here beside and one item in `index.ts`. Written as `name` or `name:argument`. */
export interface KeyPart {
  readonly name: string;
  /** One sentence for the reference. */
  readonly summary: string;
  /** What follows the colon, for messages; undefined where nothing may. */
  readonly argument: string | undefined;
  /** Where it is found; parts of the body are read after admission by the head. */
  readonly phase: 'head' | 'body';
  /** Whoever calls can say anything here: a limit by such parts alone limits nobody. */
  readonly chosenByClient: boolean;
  /** Shown as a hash only. */
  readonly secret: boolean;
  /** A request may have several of it. */
  readonly several?: true;
  /** Makes the reader once, when the config is compiled; throws an Error that says what is wrong with the argument. */
  compile(argument: string, services: PolicyServices): KeyReader;
}
