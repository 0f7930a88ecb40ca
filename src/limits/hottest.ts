/**
 * The keys that ask most, as estimates: the Space-Saving sketch (Metwally, Agrawal and El Abbadi, "Efficient computation
 * of frequent and top-k elements in data streams"), fed with every refusal and with a sample of what was admitted, so
 * that it costs next to nothing. Memory for a fixed number of keys.
 */

import { shown } from './bans.ts';

const ENTRIES = 1000;
/** One of so many admitted requests is counted, for that many. */
const SAMPLE = 16;
/** How many places a new key looks at. */
const LOOKS = 16;

/** A key that asks much. */
export interface HotKey {
  readonly rule: string;
  /** Secrets only as hashes. */
  readonly key: string;
  /** About how often it asked. */
  readonly asked: number;
  /** How often of these it was refused since it is in the list. */
  readonly refused: number;
}

interface Entry {
  rule: string;
  key: string;
  asked: number;
  refused: number;
}

/** A sketch of one thread. */
export class Hottest {
  readonly #entries: Entry[] = [];
  readonly #byKey = new Map<string, Entry>();
  #sinceSample = 0;
  /** Where the next key that is new looks for a place. */
  #next = 0;

  /** A key was charged. */
  saw(rule: string, key: string, allowed: boolean): void {
    let weight = 1;
    if (allowed) {
      this.#sinceSample += 1;
      if (this.#sinceSample < SAMPLE) return;
      this.#sinceSample = 0;
      weight = SAMPLE;
    }
    const entry = this.#byKey.get(key) ?? this.#enter(rule, key);
    entry.asked += weight;
    if (!allowed) entry.refused += 1;
  }

  /** At most so many, hottest first. */
  list(most: number): HotKey[] {
    return this.#entries
      .toSorted((a, b) => b.asked - a.asked)
      .slice(0, most)
      .map(({ rule, key, asked, refused }) => ({ rule, key: shown(key), asked, refused }));
  }

  /**
   * The new key takes the place, and the count, of one that asked little, as it may have asked as often before. Of some
   * the least will do: to look at all of them would cost an attacker nothing and us much.
   */
  #enter(rule: string, key: string): Entry {
    if (this.#entries.length < ENTRIES) {
      const entry = { rule, key, asked: 0, refused: 0 };
      this.#entries.push(entry);
      this.#byKey.set(key, entry);
      return entry;
    }
    let least = this.#entries[this.#next]!;
    for (let looked = 0; looked < LOOKS; looked += 1) {
      const entry = this.#entries[this.#next]!;
      if (entry.asked < least.asked) least = entry;
      this.#next = (this.#next + 1) % ENTRIES;
    }
    this.#byKey.delete(least.key);
    least.rule = rule;
    least.key = key;
    least.refused = 0;
    this.#byKey.set(key, least);
    return least;
  }
}
