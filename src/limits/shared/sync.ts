/**
 * Limits asked of the server, one request in one call. The local tier counts everything too, so that it can decide when
 * the server cannot; nothing ever waits longer than the deadline.
 *
 * What the server says holds. The local counts hold beside it after the server was gone or lost its memory, for as long
 * as the slowest limit seen remembers: so each replica on its own keeps each limit at all times, and N replicas together
 * admit at most N times what it allows, whatever happens to the server.
 */

import type { Clock } from '../../core/clock.ts';
import type { Taken } from '../limiter.ts';
import type { LocalTier } from '../local-tier.ts';
import type { Charge, Outcome } from '../tier.ts';
import { type Answer, readAnswer, takeArguments, UNAVAILABLE } from './answer.ts';
import type { Connection } from './connection.ts';
import { keyName } from './key-name.ts';
import { KnownRefusals } from './known-refusals.ts';
import { ADD, TAKE } from './script.ts';
import type { SharedTierSettings } from './settings.ts';

/** A request while the server is being asked. */
interface Asking {
  readonly charges: readonly Charge[];
  readonly names: readonly string[];
  readonly done: (outcome: Outcome) => void;
  readonly sentAt: number;
  /** What the local tier made of it; it holds when `binding`. */
  readonly local: Outcome;
  readonly binding: boolean;
  settled: boolean;
  /** Was admitted without an answer. */
  admitted: boolean;
}

/** The asking of one thread. */
export class Sync {
  readonly #local: LocalTier;
  readonly #clock: Clock;
  readonly #settings: SharedTierSettings;
  readonly #connection: Connection;
  readonly #known = new KnownRefusals();
  /** Charges that are counted here and, for all that is known, not at the server; true once they were given back. */
  readonly #onlyHere = new WeakMap<Charge, boolean>();
  #epoch: number | undefined;
  #slowestMs = 0;
  /** Up to then the local counts hold too. */
  #bindingUntil = 0;
  #timeouts = 0;
  #fallbacks = 0;

  constructor(local: LocalTier, connection: Connection, clock: Clock, settings: SharedTierSettings) {
    this.#local = local;
    this.#connection = connection;
    this.#clock = clock;
    this.#settings = settings;
  }

  get timeouts(): number {
    return this.#timeouts;
  }

  get fallbacks(): number {
    return this.#fallbacks;
  }

  /** As `Tier.take`, for at least one charge. */
  take(charges: readonly Charge[], done: (outcome: Outcome) => void): void {
    for (const { limit } of charges) {
      const { requests, periodMs, burst } = limit.rate;
      this.#slowestMs = Math.max(this.#slowestMs, (burst * periodMs) / requests, limit.ban?.maxMs ?? 0);
    }
    const asking = this.#begin(charges, done);
    if (asking !== undefined) this.#ask(asking);
  }

  /** Gives back at the server what was taken there; here it has been given back. */
  giveBack(charges: readonly Charge[]): void {
    const there = charges.filter((charge) => {
      if (!this.#onlyHere.has(charge)) return true;
      this.#onlyHere.set(charge, true);
      return false;
    });
    this.#giveBackThere(there);
  }

  /** The refusal of a key that is known without asking. */
  refusalOf(charge: Charge): Taken | undefined {
    return this.#known.find(charge, keyName(charge.key), this.#clock.now());
  }

  #failed(error: unknown): void {
    this.#connection.failed(error instanceof Error ? error.message : String(error));
  }

  /** From now on the local counts hold beside the server's, for as long as the slowest limit remembers. */
  bind(): void {
    this.#bindingUntil = this.#clock.now() + this.#slowestMs;
  }

  /** Decides what can be decided without the server; undefined where that was all. */
  #begin(charges: readonly Charge[], done: (outcome: Outcome) => void): Asking | undefined {
    if (!this.#connection.up) {
      this.#fallbacks += 1;
      this.#decide(charges, done);
      return undefined;
    }
    const names = charges.map(({ key }) => keyName(key));
    const sentAt = this.#clock.now();
    const known = this.#refusedLately(charges, names, sentAt);
    if (known !== undefined) {
      done(known);
      return undefined;
    }
    // Otherwise only reported: requests whose answers are under way must not refuse each other.
    const binding = sentAt < this.#bindingUntil || charges.some((charge) => this.#bannedHere(charge));
    const local = this.#local.takeNow(binding ? charges : charges.map(reported));
    if (binding && local.refused !== undefined) {
      done(local);
      return undefined;
    }
    return { charges, names, done, sentAt, local, binding, settled: false, admitted: false };
  }

  #bannedHere(charge: Charge): boolean {
    return charge.enforce && charge.limit.ban !== undefined && this.#local.peek(charge).bannedForMs > 0;
  }

  #refusedLately(charges: readonly Charge[], names: readonly string[], now: number): Outcome | undefined {
    for (let i = 0; i < charges.length; i += 1) {
      const refused = this.#known.find(charges[i]!, names[i]!, now);
      if (refused === undefined) continue;
      this.#local.refusedElsewhere(charges[i]!);
      const before = charges.slice(0, i).map((charge) => this.#local.peek(charge));
      const exceeded = before.flatMap(({ allowed }, index) => (allowed || charges[index]!.enforce ? [] : [index]));
      return { refused: i, banned: false, taken: [...before, refused], exceeded };
    }
    return undefined;
  }

  #ask(asking: Asking): void {
    const { prefix, deadline_ms } = this.#settings;
    const cancel = this.#clock.after(deadline_ms, () => {
      // An answer that lies in the socket already is read first: this thread may be what was late.
      setImmediate(() => {
        if (asking.settled) return;
        this.#timeouts += 1;
        this.#withoutAnswer(asking);
        this.#connection.failed(`no answer within ${deadline_ms} ms`);
      });
    });
    const keys = [`${prefix}:epoch`, ...asking.names.map((name) => `${prefix}:${name}`)];
    this.#connection
      .run(TAKE, keys, takeArguments(asking.charges))
      .then((reply) => readAnswer(asking.charges, reply))
      .then(
        (answer) => {
          cancel();
          this.#learn(asking, answer);
          if (asking.settled) this.#late(asking, answer);
          else this.#answered(asking, answer);
        },
        (error: unknown) => {
          cancel();
          if (!asking.settled) this.#withoutAnswer(asking);
          this.#failed(error);
        },
      );
  }

  /** What an answer says beyond the request. */
  #learn({ charges, names, sentAt }: Asking, { epoch, outcome, banMs, strike }: Answer): void {
    if (this.#epoch !== undefined && epoch !== this.#epoch) this.bind();
    this.#epoch = epoch;
    if (outcome.refused === undefined) return;
    const charge = charges[outcome.refused]!;
    this.#local.refusedElsewhere(charge);
    if (banMs > 0) this.#local.adoptBan(charge, banMs, Math.max(1, strike));
    else this.#known.add(charge, names[outcome.refused]!, outcome.taken[outcome.refused]!, sentAt);
  }

  #answered(asking: Asking, { outcome }: Answer): void {
    asking.settled = true;
    const { charges, local } = asking;
    const takenThere = (index: number): boolean => outcome.refused === undefined && !outcome.exceeded.includes(index);
    if (outcome.refused === undefined && !asking.binding && asking.sentAt < this.#bindingUntil) {
      // It has just come out that the server had forgotten: the local counts hold for this request, too.
      this.#giveBackHere(asking, () => true);
      const here = this.#local.takeNow(charges);
      if (here.refused !== undefined) this.#giveBackThere(charges.filter((_, i) => takenThere(i)));
      asking.done(here.refused === undefined ? outcome : here);
      return;
    }
    // What the server did not take is not to count here either.
    this.#giveBackHere({ charges, local }, (index) => !takenThere(index));
    asking.done(outcome);
  }

  #giveBackHere({ charges, local }: Pick<Asking, 'charges' | 'local'>, which: (index: number) => boolean): void {
    const back = charges.filter((_, index) => !local.exceeded.includes(index) && which(index));
    if (back.length > 0) this.#local.giveBack(back);
  }

  #withoutAnswer(asking: Asking): void {
    asking.settled = true;
    this.#fallbacks += 1;
    this.#giveBackHere(asking, () => true);
    this.#decide(asking.charges, (outcome) => {
      asking.admitted = outcome.refused === undefined;
      asking.done(outcome);
    });
  }

  /** An answer to what was decided already: what it took for nothing is given back, so that nothing counts twice. */
  #late({ charges, admitted }: Asking, { outcome }: Answer): void {
    if (outcome.refused !== undefined) return;
    const takenThere = charges.filter((_, i) => !outcome.exceeded.includes(i));
    this.#giveBackThere(takenThere.filter((charge) => !admitted || this.#onlyHere.get(charge) === true));
    for (const charge of takenThere) this.#onlyHere.delete(charge);
  }

  /** By `on_error`. */
  #decide(charges: readonly Charge[], done: (outcome: Outcome) => void): void {
    const { on_error } = this.#settings;
    if (on_error === 'deny') {
      done(UNAVAILABLE);
      return;
    }
    // With `allow` all is counted, and nothing refused but what would be by a limit that only reports.
    const outcome = this.#local.takeNow(on_error === 'allow' ? charges.map(reported) : charges);
    if (outcome.refused === undefined) for (const charge of charges) this.#onlyHere.set(charge, false);
    done(outcome);
  }

  #giveBackThere(charges: readonly Charge[]): void {
    if (charges.length === 0) return;
    const names = charges.map(({ key }) => keyName(key));
    for (const name of names) this.#known.forget(name);
    // Also while it does not answer: what waits there is done before a probe is answered.
    const args = charges.flatMap(({ limit: { rate, cost } }) =>
      [rate.requests, rate.periodMs, rate.burst, -cost].map(String),
    );
    this.#connection
      .run(
        ADD,
        names.map((name) => `${this.#settings.prefix}:${name}`),
        args,
      )
      .catch((error: unknown) => this.#failed(error));
  }
}

function reported(charge: Charge): Charge {
  return charge.enforce ? { ...charge, enforce: false } : charge;
}
