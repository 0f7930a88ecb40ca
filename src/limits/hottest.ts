/**
 * The keys that ask most, as estimates: the Space-Saving sketch (Metwally, Agrawal and El Abbadi, "Efficient computation
 * of frequent and top-k elements in data streams"), fed with every refusal and with a sample of what was admitted, so
 * that it costs next to nothing. Memory for a fixed number of keys.
 */

import { shown } from './bans.ts';

const ENTRIES = 1000;
/** One of so many admitted requests is counted, for that many. */
const SAMPLE = 16;

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
  readonly rule: string;
  asked: number;
  refused: number;
}

/** A sketch of one thread. */
export class Hottest {
  readonly #entries = new Map<string, Entry>();
  #sinceSample = 0;

  /** A key was charged. */
  saw(rule: string, key: string, allowed: boolean): void {
    let weight = 1;
    if (allowed) {
      this.#sinceSample += 1;
      if (this.#sinceSample < SAMPLE) return;
      this.#sinceSample = 0;
      weight = SAMPLE;
    }
    let entry = this.#entries.get(key);
    if (entry === undefined) {
      // The new key takes the place, and the count, of the one that asked least: an estimate is never too low.
      const least = this.#entries.size < ENTRIES ? undefined : this.#takeLeast();
      entry = { rule, asked: least?.asked ?? 0, refused: 0 };
      this.#entries.set(key, entry);
    }
    entry.asked += weight;
    if (!allowed) entry.refused += 1;
  }

  /** At most so many, hottest first. */
  list(most: number): HotKey[] {
    return [...this.#entries]
      .sort(([, a], [, b]) => b.asked - a.asked)
      .slice(0, most)
      .map(([key, { rule, asked, refused }]) => ({ rule, key: shown(key), asked, refused }));
  }

  #takeLeast(): Entry {
    let found: [string, Entry] | undefined;
    let looked = 0;
    // Of some old entries the least will do: to look at all of them would cost an attacker nothing and us much.
    const spared: [string, Entry][] = [];
    for (const one of this.#entries) {
      if (found === undefined || one[1].asked < found[1].asked) found = one;
      spared.push(one);
      looked += 1;
      if (looked === 16) break;
    }
    // Those that stay go to the end, so that the next look is at others.
    for (const [key, entry] of spared) {
      this.#entries.delete(key);
      if (key !== found![0]) this.#entries.set(key, entry);
    }
    return found![1];
  }
}
