/**
 * Keys that were refused again and again, and are refused for a while without being counted. What decides stands in the
 * shared table, so that it holds in every thread and no flood of other keys can lift it; what is listed for people is
 * kept beside it in this thread.
 */

import { createHash } from 'node:crypto';
import type { Clock } from '../core/clock.ts';
import type { Limiter } from './limiter.ts';
import type { SharedTable } from './shared-table.ts';
import { type Hash, type HashKey, sipHash } from './sip-hash.ts';
import type { Charge } from './tier.ts';

/** How many bans can be listed and lifted; more are in force all the same. */
const LISTED = 10_000;

/** A ban as people see it. */
export interface BanEntry {
  /** What `lift` takes. */
  readonly id: string;
  readonly rule: string;
  /** The parts of the key; secrets only as hashes. */
  readonly key: string;
  /** How much longer it lasts, in milliseconds. */
  readonly leftMs: number;
  /** Which ban in a row it is. */
  readonly strike: number;
}

/** A ban as threads tell each other of it; `until` in milliseconds of the clock that all threads have. */
export interface ListedBan {
  readonly rule: string;
  readonly key: string;
  readonly until: number;
  readonly strike: number;
}

/** The bans of one tier. */
export class Bans {
  readonly #limiter: Limiter;
  readonly #table: SharedTable;
  readonly #clock: Clock;
  readonly #hash: Hash = { hi: 0, lo: 0 };
  readonly #hashKey: HashKey;
  readonly #listed = new Map<string, ListedBan>();
  readonly #onListed: ((ban: ListedBan) => void) | undefined;

  /** `onListed`: a ban began here, for the thread that lists those of all. */
  constructor(limiter: Limiter, table: SharedTable, clock: Clock, onListed?: (ban: ListedBan) => void) {
    this.#onListed = onListed;
    this.#limiter = limiter;
    this.#table = table;
    this.#hashKey = table.hashKey;
    this.#clock = clock;
  }

  /** How long a key is still banned, in milliseconds; 0 where it is not. */
  bannedFor(key: string, now: number): number {
    return Math.max(0, this.#untilOf(key, now) - now);
  }

  /** A charge was refused: counts it, and bans its key when there were enough of them. */
  refused({ limit, key }: Charge, now: number): void {
    const { after, withinMs, forMs, maxMs } = limit.ban!;
    const rate = { requests: after, periodMs: withinMs, burst: after };
    const counted = this.#limiter.take(`refusals\0${key}`, rate, 1, now);
    if (counted.allowed && counted.remaining > 0) return;
    // Of threads that come here at once one makes the ban, and only that one counts a strike.
    if (!this.#remember(key, now + forMs, now, false)) return;
    this.#limiter.forget(`refusals\0${key}`);
    const strike = this.#strike(key, maxMs, now);
    const lastsMs = Math.min(maxMs, forMs * 2 ** Math.min(strike - 1, 30));
    this.#remember(key, now + lastsMs, now, true);
    this.#list({ rule: limit.rule, key, until: now + lastsMs, strike });
  }

  /** Another replica banned the key, for so much longer. */
  adopt({ limit, key }: Charge, lastsMs: number, strike: number, now: number): void {
    this.#remember(key, now + lastsMs, now, true);
    this.#list({ rule: limit.rule, key, until: now + lastsMs, strike });
  }

  /** The bans in force, longest first. */
  list(now: number): BanEntry[] {
    const out: BanEntry[] = [];
    for (const [id, { rule, key, until, strike }] of this.#listed) {
      if (until <= now) this.#listed.delete(id);
      else out.push({ id, rule, key: shown(key), leftMs: Math.ceil(until - now), strike });
    }
    return out.sort((a, b) => b.leftMs - a.leftMs);
  }

  /** Lifts a ban, and forgets that there was one; false where none has the id. */
  lift(id: string): boolean {
    const found = this.#listed.get(id);
    if (found === undefined) return false;
    this.#listed.delete(id);
    this.#forget(found.key);
    for (const kind of ['strikes', 'refusals']) this.#limiter.forget(`${kind}\0${found.key}`);
    return found.until > this.#clock.now();
  }

  /**
   * Which ban in a row this one is, from 1. It is counted as GCRA counts, one being forgotten in twice the longest ban. It
   * is not held: whoever floods the table may begin with the shortest ban again, and is banned no later for that.
   */
  #strike(key: string, maxMs: number, now: number): number {
    const rate = { requests: 1, periodMs: 2 * maxMs, burst: 32 };
    return 32 - this.#limiter.take(`strikes\0${key}`, rate, 1, now).remaining;
  }

  #untilOf(key: string, now: number): number {
    const hash = this.#hashOf(key);
    this.#table.lock(hash);
    try {
      const { index } = this.#table.find(hash, now, false);
      return index === -1 ? 0 : this.#table.value(index);
    } finally {
      this.#table.unlock(hash);
    }
  }

  /** Bans a key; where it is banned already only with `anew`. False where nothing was done. */
  #remember(key: string, until: number, now: number, anew: boolean): boolean {
    const hash = this.#hashOf(key);
    this.#table.lock(hash);
    try {
      const { index, found } = this.#table.find(hash, now, true);
      // A bucket full of held slots takes no new ban; the limit refuses the key all the same.
      if (index === -1 || (found && !anew && this.#table.value(index) > now)) return false;
      // Held for as long as it lasts: other keys cannot push it out.
      this.#table.set(index, until, until);
      return true;
    } finally {
      this.#table.unlock(hash);
    }
  }

  #forget(key: string): void {
    const hash = this.#hashOf(key);
    this.#table.lock(hash);
    try {
      const { index } = this.#table.find(hash, 0, false);
      if (index !== -1) this.#table.free(index);
    } finally {
      this.#table.unlock(hash);
    }
  }

  /** Where the ban of a key stands: its hash turned, in another bucket. A text of its own would be put together anew. */
  #hashOf(key: string): Hash {
    const { hi, lo } = sipHash(this.#hashKey, key, this.#hash);
    this.#hash.lo = hi;
    this.#hash.hi = ~lo;
    return this.#hash;
  }

  /** Keeps a ban for people to see; where there are too many, the one that is there longest goes, and stays in force. */
  #list(ban: ListedBan): void {
    this.note(ban);
    this.#onListed?.(ban);
  }

  /** Another thread banned a key: it is in force already, and is listed and lifted here. */
  note(ban: ListedBan): void {
    const id = createHash('sha256').update(ban.key).digest('base64url').slice(0, 16);
    this.#listed.delete(id);
    if (this.#listed.size >= LISTED) this.#listed.delete(this.#listed.keys().next().value!);
    this.#listed.set(id, ban);
  }
}

/** The parts of a key as people read them: without the bucket, which is rule and rate. */
export function shown(key: string): string {
  return key.split('\0').slice(2).join(' ');
}
