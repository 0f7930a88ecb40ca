/** Rate limits that replicas share on Redis or Valkey, over the counts of the process, which go on without it. */

import type { Clock } from '../../core/clock.ts';
import type { Taken } from '../limiter.ts';
import type { LocalTier } from '../local-tier.ts';
import type { Charge, Outcome, Tier } from '../tier.ts';
import { Connection, type ConnectionEvents } from './connection.ts';
import { Delta } from './delta.ts';
import { FORGET } from './script.ts';
import type { SharedTierSettings, SharedTierStatus } from './settings.ts';
import { Sync } from './sync.ts';

/** The tier of one thread. */
export class SharedTier implements Tier, Disposable {
  readonly #local: LocalTier;
  readonly #settings: SharedTierSettings;
  readonly #connection: Connection;
  readonly #sync: Sync;
  readonly #delta: Delta;

  /** Begins to connect; throws where the settings cannot be used. */
  constructor(local: LocalTier, settings: SharedTierSettings, clock: Clock, events: ConnectionEvents) {
    this.#local = local;
    this.#settings = settings;
    this.#connection = new Connection(settings, settings.prefix, clock, {
      onDown: events.onDown,
      onUp: () => {
        this.#sync.bind();
        events.onUp();
      },
    });
    this.#sync = new Sync(local, this.#connection, clock, settings);
    this.#delta = new Delta(local, this.#connection, clock, settings.interval_ms, settings.prefix);
  }

  take(charges: readonly Charge[], done: (outcome: Outcome) => void): void {
    if (charges.length === 0) done(this.#local.takeNow(charges));
    else if (this.#settings.mode === 'delta') done(this.#takeHere(charges));
    else this.#sync.take(charges, done);
  }

  giveBack(charges: readonly Charge[]): void {
    this.#local.giveBack(charges);
    if (this.#settings.mode === 'sync') this.#sync.giveBack(charges);
    else for (const charge of charges) this.#delta.add(charge, -charge.limit.cost);
  }

  /** What is known here, without asking: what other replicas took is not in it. */
  peek(charge: Charge): Taken & { readonly bannedForMs: number } {
    return { ...this.#local.peek(charge), ...this.#sync.refusalOf(charge) };
  }

  /** Lifts a ban by its id, here and at the server. Another replica that knows of it keeps it until it is lifted there. */
  lift(id: string): boolean {
    const lifted = this.#local.lift(id);
    if (!/^[\w-]{16}$/.test(id)) return lifted;
    const name = `${this.#settings.prefix}:${id}`;
    this.#connection
      .run(FORGET, [`${name}:ban`, `${name}:strikes`, `${name}:refusals`], [])
      .catch((error: unknown) => this.#connection.failed(error instanceof Error ? error.message : String(error)));
    return lifted;
  }

  /** How the first try to connect ended: with a reason, or undefined where all is well. Never rejects. */
  get firstTry(): Promise<string | undefined> {
    return this.#connection.firstTry;
  }

  status(): SharedTierStatus {
    const { up, lastError, roundTrips } = this.#connection;
    return {
      connected: up,
      mode: this.#settings.mode,
      last_error: lastError,
      round_trips: roundTrips,
      timeouts: this.#sync.timeouts,
      fallbacks: this.#sync.fallbacks,
      dropped: this.#delta.dropped,
    };
  }

  /** In mode `delta`: tells the server now, and resolves when what came back is counted. Never rejects. */
  exchange(): Promise<void> {
    return this.#delta.exchange();
  }

  /** Ends the connection; whoever still waits is answered by `on_error`. */
  [Symbol.dispose](): void {
    this.#delta.close();
    this.#connection.close();
  }

  #takeHere(charges: readonly Charge[]): Outcome {
    const outcome = this.#local.takeNow(charges);
    if (outcome.refused === undefined) {
      charges.forEach((charge, index) => {
        if (!outcome.exceeded.includes(index)) this.#delta.add(charge, charge.limit.cost);
      });
    }
    return outcome;
  }
}
