/** An answer as the store holds it, and what it costs there. */

import type { PooledBody } from './body-pool.ts';
import type { CacheKey, StoredAnswer } from './stored.ts';

/** What a key costs beside its text: rows in the tables of lru-cache, the list of its answers. Measured, rounded up. */
const KEY_OVERHEAD = 500;
/** What an answer costs beside its texts. */
const ANSWER_OVERHEAD = 500;
/** What a text costs beside its characters: the head of a string and its place in an array. */
const TEXT_OVERHEAD = 32;
/** An answer that is in the store. What is shared is shared: its `body` and `codings` may be those of another key too. */
export interface KeptAnswer extends StoredAnswer {
  /** How often it was used. */
  hits: number;
  /** When it was used last, or kept: milliseconds since the epoch. */
  usedAt: number;
}

/** All answers of one key: the newest, then the others as they were used. */
export interface Resource {
  readonly key: CacheKey;
  /** Replaced, never changed: a reader may hold it. */
  answers: readonly KeptAnswer[];
}

/** Whether two answers are for the same values of the same request fields. */
export function sameVary({ vary: a }: Pick<StoredAnswer, 'vary'>, { vary: b }: Pick<StoredAnswer, 'vary'>): boolean {
  return a.length === b.length && a.every(([name, value], i) => name === b[i]![0] && value === b[i]![1]);
}

/** What a key and its answers cost in memory without their bodies, in bytes. */
export function ownCost(text: string, answers: readonly StoredAnswer[]): number {
  let cost = KEY_OVERHEAD + 2 * text.length;
  for (const { fields, vary } of answers) {
    cost += ANSWER_OVERHEAD;
    for (const part of fields) cost += TEXT_OVERHEAD + part.length;
    for (const [name, value] of vary) cost += 2 * TEXT_OVERHEAD + name.length + value.length;
  }
  return cost;
}

/** Spelt out, so that all kept answers have one shape, whoever made them. */
export function kept(stored: StoredAnswer, body: PooledBody, usedAt: number): KeptAnswer {
  return {
    status: stored.status,
    fields: stored.fields,
    body: body.bytes,
    digest: stored.digest,
    codings: body.codings,
    vary: stored.vary,
    requestedAt: stored.requestedAt,
    receivedAt: stored.receivedAt,
    freshForS: stored.freshForS,
    initialAgeS: stored.initialAgeS,
    staleWhileRevalidateS: stored.staleWhileRevalidateS,
    staleIfErrorS: stored.staleIfErrorS,
    revalidate: stored.revalidate,
    release: stored.release,
    hits: 0,
    usedAt,
  };
}
