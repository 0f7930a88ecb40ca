/** Hit-for-miss: keys whose answers cannot be stored, so that their requests need not wait for one another. */

import { LRUCache } from 'lru-cache';
import type { Clock } from '../core/clock.ts';
import { type CacheKey, keyText } from './stored.ts';

/** The most memory that marks take, in bytes: targets are long where somebody wants to fill it. */
const MAX_BYTES = 4_194_304;
/** What one mark costs beside its text. */
const OVERHEAD = 150;

/** Marks of keys with an end each; bounded in bytes, the ones not asked for longest go first. */
export class UncacheableMarks {
  readonly #clock: Clock;
  readonly #untilByKey = new LRUCache<string, number>({
    maxSize: MAX_BYTES,
    sizeCalculation: (_until, text) => OVERHEAD + text.length,
  });

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#untilByKey.size;
  }

  /** `ttlS` in seconds. `among`: only for requests that say the same of themselves. */
  mark(key: CacheKey, ttlS: number, among = ''): void {
    if (ttlS > 0) this.#untilByKey.set(markText(key, among), this.#clock.now() + ttlS * 1000);
  }

  has(key: CacheKey, among = ''): boolean {
    const text = markText(key, among);
    const until = this.#untilByKey.get(text);
    if (until === undefined) return false;
    if (until > this.#clock.now()) return true;
    this.#untilByKey.delete(text);
    return false;
  }

  /** The mark for requests that say nothing of themselves; the others end by themselves. */
  delete(key: CacheKey): void {
    this.#untilByKey.delete(markText(key, ''));
  }

  clear(): void {
    this.#untilByKey.clear();
  }
}

function markText(key: CacheKey, among: string): string {
  return `${keyText(key)} ${among}`;
}
