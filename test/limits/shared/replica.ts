/** One replica of a test: a shared tier over a local tier of its own. */

import { EventEmitter, once } from 'node:events';
import { type Clock, systemClock } from '../../../src/core/clock.ts';
import type { Rate } from '../../../src/limits/limiter.ts';
import { LocalTier } from '../../../src/limits/local-tier.ts';
import type { SharedTierSettings } from '../../../src/limits/shared/settings.ts';
import { SharedTier } from '../../../src/limits/shared/shared-tier.ts';
import { SharedTable } from '../../../src/limits/shared-table.ts';
import type { Ban, Charge, Outcome } from '../../../src/limits/tier.ts';

export interface Replica extends Disposable {
  readonly tier: SharedTier;
  readonly local: LocalTier;
  /** Why it went down, each time. */
  readonly downs: readonly string[];
  /** The next time it goes up or down. */
  next(event: 'up' | 'down'): Promise<unknown>;
  take(charges: readonly Charge[]): Promise<Outcome>;
}

/** Times that do not matter on a busy machine. */
const UNHURRIED = 30_000;

/** Makes one; a deadline that is never met by accident, unless the test says otherwise. */
export function replica(url: string, settings: Partial<SharedTierSettings> = {}, clock: Clock = systemClock): Replica {
  const events = new EventEmitter();
  const downs: string[] = [];
  const table = new SharedTable(
    SharedTable.allocate(65_536, (words) => words.set([1, 2])),
    1,
  );
  const local = new LocalTier(table, clock);
  const all: SharedTierSettings = {
    url,
    mode: 'sync',
    deadline_ms: UNHURRIED,
    interval_ms: UNHURRIED,
    on_error: 'local',
    prefix: 'test',
    connect_timeout_ms: UNHURRIED,
    ...settings,
  };
  const tier = new SharedTier(local, all, clock, {
    onUp: () => events.emit('up'),
    onDown: (reason) => {
      downs.push(reason);
      events.emit('down', reason);
    },
  });
  return {
    tier,
    local,
    downs,
    next: (event) => once(events, event),
    take: (charges) => {
      const { promise, resolve } = Promise.withResolvers<Outcome>();
      tier.take(charges, resolve);
      return promise;
    },
    [Symbol.dispose]: () => tier[Symbol.dispose](),
  };
}

/** A day for a period: nothing comes back while a test runs. */
export const DAY_MS = 86_400_000;

export interface ChargeOptions {
  readonly rate?: Partial<Rate>;
  readonly cost?: number;
  readonly enforce?: boolean;
  readonly ban?: Ban;
  readonly rule?: string;
}

/** A charge of a key; by default 5 at once and one a day. */
export function chargeOf(
  key: string,
  { rate = {}, cost = 1, enforce = true, ban, rule = 'rule' }: ChargeOptions = {},
): Charge {
  const whole: Rate = { requests: 1, periodMs: DAY_MS, burst: 5, ...rate };
  const bucket = `${rule}\0${whole.requests}/${whole.periodMs}/${whole.burst}`;
  return { limit: { rule, bucket, rate: whole, cost, ban }, key: `${bucket}\0${key}`, enforce };
}
