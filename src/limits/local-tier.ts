/** Rate limits counted in this process, exact over all of its threads. */

import type { Clock } from '../core/clock.ts';
import { type BanEntry, Bans, type ListedBan } from './bans.ts';
import { gcra } from './gcra.ts';
import { type HotKey, Hottest } from './hottest.ts';
import type { Limiter, Taken } from './limiter.ts';
import type { SharedTable } from './shared-table.ts';
import type { Charge, Outcome, Tier } from './tier.ts';

/** Nothing is over its limit: the usual case, made once. */
const NONE: readonly number[] = [];

/** The tier of one process. */
export class LocalTier implements Tier {
  readonly #table: SharedTable;
  readonly #limiter: Limiter;
  readonly #clock: Clock;
  readonly #bans: Bans;
  readonly #hottest = new Hottest();

  /** `onBan`: a ban began in this thread. */
  constructor(table: SharedTable, clock: Clock, onBan?: (ban: ListedBan) => void) {
    this.#table = table;
    this.#limiter = gcra(table);
    this.#clock = clock;
    this.#bans = new Bans(this.#limiter, table, clock, onBan);
  }

  take(charges: readonly Charge[], done: (outcome: Outcome) => void): void {
    done(this.takeNow(charges));
  }

  /** As `take`, with the outcome as its value: here it is known at once. */
  takeNow(charges: readonly Charge[]): Outcome {
    const now = this.#clock.now();
    // Of their number: an array that is pushed to has room for seventeen.
    const taken = new Array<Taken>(charges.length);
    let exceeded = NONE;
    for (let i = 0; i < charges.length; i += 1) {
      const charge = charges[i]!;
      const { limit, key, enforce } = charge;
      const bannedForMs = enforce && limit.ban !== undefined ? this.#bans.bannedFor(key, now) : 0;
      if (bannedForMs > 0) {
        this.#giveBack(charges, i, exceeded, now);
        taken[i] = { allowed: false, remaining: 0, retryAfterMs: bannedForMs, resetMs: bannedForMs };
        return { refused: i, banned: true, taken: first(taken, i + 1), exceeded };
      }
      const one = this.#limiter.take(key, limit.rate, limit.cost, now);
      taken[i] = one;
      this.#hottest.saw(limit.rule, key, one.allowed);
      if (one.allowed) continue;
      if (enforce) {
        this.#giveBack(charges, i, exceeded, now);
        if (limit.ban !== undefined) this.#bans.refused(charge, now);
        return { refused: i, banned: false, taken: first(taken, i + 1), exceeded };
      }
      exceeded = [...exceeded, i];
    }
    return { refused: undefined, banned: false, taken, exceeded };
  }

  giveBack(charges: readonly Charge[]): void {
    this.#giveBack(charges, charges.length, NONE, this.#clock.now());
  }

  peek({ key, limit }: Charge): Taken & { readonly bannedForMs: number } {
    const now = this.#clock.now();
    const bannedForMs = limit.ban === undefined ? 0 : this.#bans.bannedFor(key, now);
    return { ...this.#limiter.peek(key, limit.rate, limit.cost, now), bannedForMs };
  }

  /** Others took of the key too: counts at least as much as they do, in milliseconds until all of it is over. */
  raise({ limit, key }: Charge, leftMs: number): void {
    this.#limiter.raise(key, limit.rate, leftMs, this.#clock.now());
  }

  /** A charge was refused by counts that are not here. */
  refusedElsewhere({ limit, key }: Charge): void {
    this.#hottest.saw(limit.rule, key, false);
  }

  /** A key was banned by counts that are not here, for so much longer. */
  adoptBan(charge: Charge, lastsMs: number, strike: number): void {
    this.#bans.adopt(charge, lastsMs, strike, this.#clock.now());
  }

  /** The bans that are in force, longest first. */
  bans(): readonly BanEntry[] {
    return this.#bans.list(this.#clock.now());
  }

  /** Lifts a ban by its id; false where there is none. */
  lift(id: string): boolean {
    return this.#bans.lift(id);
  }

  /** Another thread banned a key: it is listed and lifted here too. */
  noteBan(ban: ListedBan): void {
    this.#bans.note(ban);
  }

  /** The keys that ask most, as estimates. */
  hottest(most: number): readonly HotKey[] {
    return this.#hottest.list(most);
  }

  /** How full the table is. */
  get occupancy(): { readonly used: number; readonly capacity: number; readonly overflows: number } {
    const { used, capacity, overflows } = this.#table;
    return { used, capacity, overflows };
  }

  /** Gives back the first `count` charges, without those that took nothing. */
  #giveBack(charges: readonly Charge[], count: number, exceeded: readonly number[], now: number): void {
    for (let i = 0; i < count; i += 1) {
      if (exceeded.includes(i)) continue;
      const { limit, key } = charges[i]!;
      this.#limiter.giveBack(key, limit.rate, limit.cost, now);
    }
  }
}

/** Leaves the first `count`. To set a length costs, even where it is that already. */
function first(taken: Taken[], count: number): readonly Taken[] {
  if (taken.length > count) taken.length = count;
  return taken;
}
