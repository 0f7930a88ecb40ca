/** What flights are told, and what they tell: of the origin, of those who wait, and of the store. */

import type { FillReader, WholeBody } from '../../cache/fill.ts';
import type { AnswerHead, AnswerTimes } from '../../cache/freshness.ts';
import type { KeptAnswer } from '../../cache/kept-answer.ts';
import type { CacheRules } from '../../cache/rules.ts';
import type { Store } from '../../cache/store.ts';
import type { CacheKey, StoredAnswer } from '../../cache/stored.ts';
import type { Token } from '../../cache/tokens.ts';
import type { Clock } from '../../core/clock.ts';
import type { GatewayError } from '../../core/errors.ts';
import type { Exchange } from '../../core/exchange.ts';
import type { PolicyContext } from '../../core/policy.ts';
import type { Fields } from '../../core/raw.ts';
import type { Flight } from './flight.ts';
import type { Question } from './question.ts';
import type { Release } from './release.ts';

/** What a request that waits is told, once. */
export type Landing =
  /** Answer from this; it was confirmed by the origin, has just been stored, or the origin failed. */
  | { readonly kind: 'stored'; readonly answer: StoredAnswer; readonly how: 'validated' | 'filled' | 'failed' }
  /** Answer with this head, and the body as it comes. */
  | {
      readonly kind: 'stream';
      readonly head: AnswerHead;
      readonly body: FillReader | undefined;
      readonly stored: boolean;
      readonly why: string | undefined;
    }
  /** There is nothing here for it: it goes by itself. */
  | { readonly kind: 'alone' }
  /** Look again: the answer is for others than it. */
  | { readonly kind: 'again' }
  | { readonly kind: 'failed'; readonly error: GatewayError };

/** A request that waits. */
export interface Waiter {
  /** That of the flight itself where it is the one for whom it was begun. */
  readonly question: Question;
  /** What may be used where the origin fails. */
  readonly stale: KeptAnswer | undefined;
  /** Only a whole answer helps it. */
  readonly whole: boolean;
  /** A 1xx answer, before it lands. */
  inform(status: number, fields: Fields): void;
  land(landing: Landing): void;
}

/** On whose behalf a flight asks. */
export type Behalf = Pick<Exchange, 'client' | 'id'> & { readonly raw: Pick<Exchange['raw'], 'connection'> };

/** What an answer is stored from. */
export interface Arrived {
  readonly question: Question;
  /** As it came. */
  readonly head: AnswerHead;
  /** What is kept of its fields. */
  readonly fields: Fields;
  readonly times: AnswerTimes;
  readonly vary: StoredAnswer['vary'];
  readonly whole: WholeBody;
}

/** What flights of a route have in common, and who is told of them. */
export interface FlightSettings {
  readonly store: Store;
  readonly clock: Clock;
  readonly rules: CacheRules;
  readonly release: Release | undefined;
  readonly fetch: PolicyContext['fetch'];
  readonly timeoutMs: number;
  readonly uncacheableS: number;
  /** Fields that go upstream, and so may be in an answer, whether or not its Vary says so. */
  readonly keyedBy: readonly string[];
  /** The largest body that is stored. */
  readonly maxBytes: number;
  /** Stores what arrived, or what the origin confirmed; what is in the store then, or would be if there were room. */
  keep(arrived: Arrived, token: Token, endpoint: string | undefined): StoredAnswer;
  confirm(question: Question, answer: StoredAnswer, token: Token, endpoint: string | undefined): StoredAnswer;
  /** Throws away what the origin does not say any more. */
  outdated(key: CacheKey, answer: StoredAnswer): void;
  /** The flight is over. */
  landed(flight: Flight): void;
}
