/** Passive health: endpoints that fail clients are left out for a while. */

import type { Clock } from '../../core/clock.ts';
import type { Endpoint } from '../endpoint.ts';
import type { Outcome } from './outcome.ts';
import type { PassiveSettings } from './settings.ts';

/** Why an endpoint is left out. */
export type EjectionReason = 'consecutive_failures' | 'success_rate';

/** With many answers a difference of one percent is certain too, and is nothing to leave an endpoint out for. */
const MIN_GAP = 0.1;
/** Where too little happens in a window it goes on, up to so many: what was a minute ago says nothing any more. */
const MAX_WINDOWS = 12;
/** Ejections that began together do not end together. */
const JITTER = 0.2;

/** What ejections need of the upstream around them. */
export interface EjectionContext {
  readonly clock: Clock;
  readonly random: () => number;
  /** All endpoints. */
  all(): readonly Endpoint[];
  /** Those that are used now. */
  usable(): readonly Endpoint[];
  onEjected(endpoint: Endpoint, reason: EjectionReason, detail: string, ms: number): void;
}

/** An endpoint that answers worse than the others. */
interface Outlier {
  readonly endpoint: Endpoint;
  /** Its share of good answers, and that of the others. */
  readonly rate: number;
  readonly others: number;
  readonly deviations: number;
}

/** Decides which endpoints of one upstream are ejected, and for how long. */
export class Ejections {
  readonly #settings: PassiveSettings;
  readonly #context: EjectionContext;
  #windowBegan: number;

  constructor(settings: PassiveSettings, context: EjectionContext) {
    this.#settings = settings;
    this.#context = context;
    this.#windowBegan = context.clock.now();
  }

  /** An endpoint answered, or failed to. What those have to say that are out already changes nothing. */
  heard(endpoint: Endpoint, outcome: Outcome): void {
    const { standing } = endpoint;
    if (standing.ejected || standing.checked === 'unhealthy') return;
    if (outcome === 'success') {
      standing.good += 1;
      standing.consecutive = 0;
      standing.probation = false;
    } else {
      standing.bad += 1;
      if (outcome === 'failure') this.#failedAgain(endpoint);
    }
    this.#compareWhenDue();
  }

  #failedAgain(endpoint: Endpoint): void {
    const { consecutiveFailures: limit } = this.#settings;
    const { standing } = endpoint;
    standing.consecutive += 1;
    if (limit === 0 || standing.consecutive < (standing.probation ? 1 : limit)) return;
    this.#eject(endpoint, 'consecutive_failures', `${standing.consecutive} failures in a row`);
  }

  #compareWhenDue(): void {
    const { windowMs, minRequests } = this.#settings.successRate;
    const now = this.#context.clock.now();
    const age = now - this.#windowBegan;
    if (windowMs === 0 || age < windowMs) return;
    let compared = this.#context.usable().filter(({ standing: { good, bad } }) => good + bad >= minRequests);
    if (compared.length < 2 && age < MAX_WINDOWS * windowMs) return;
    this.#windowBegan = now;
    for (let worst = this.#outlier(compared); worst !== undefined; worst = this.#outlier(compared)) {
      const { endpoint, rate, others } = worst;
      const said = `${percent(rate)} of its answers are good, ${percent(others)} of the others'`;
      if (!this.#eject(endpoint, 'success_rate', said)) break;
      compared = compared.filter((one) => one !== endpoint);
    }
    for (const { standing } of this.#context.all()) {
      standing.good = 0;
      standing.bad = 0;
    }
  }

  /**
   * The endpoint that is furthest below the others, if it is too far. Each is measured against all others together (two
   * proportions), not against the mean of all: among three endpoints none can be 1.5 deviations from a mean that it is in.
   */
  #outlier(compared: readonly Endpoint[]): Outlier | undefined {
    let good = 0;
    let total = 0;
    for (const { standing } of compared) {
      good += standing.good;
      total += standing.good + standing.bad;
    }
    let found: Outlier | undefined;
    for (const endpoint of compared) {
      const one = this.#apart(endpoint, good, total);
      if (one !== undefined && (found === undefined || one.deviations > found.deviations)) found = one;
    }
    return found;
  }

  /** How far an endpoint is below the rest of `good` of `total`; undefined where it is not far enough. */
  #apart(endpoint: Endpoint, good: number, total: number): Outlier | undefined {
    const { standing } = endpoint;
    const own = standing.good + standing.bad;
    const rest = total - own;
    if (rest === 0) return undefined;
    const rate = standing.good / own;
    const others = (good - standing.good) / rest;
    if (others - rate < MIN_GAP) return undefined;
    const all = good / total;
    const deviations = (others - rate) / Math.sqrt(all * (1 - all) * (1 / own + 1 / rest));
    return deviations < this.#settings.successRate.stdevFactor ? undefined : { endpoint, rate, others, deviations };
  }

  /** Leaves it out, unless too many are already or it is the last one that is used. */
  #eject(endpoint: Endpoint, reason: EjectionReason, detail: string): boolean {
    const { clock, random, all, usable, onEjected } = this.#context;
    const { ejectMs, maxEjectMs, maxEjectedPercent } = this.#settings;
    const allowed = Math.floor((all().length * maxEjectedPercent) / 100);
    if (!all().includes(endpoint)) return false; // it is gone, and had requests in flight
    if (all().filter(({ standing }) => standing.ejected).length >= allowed) return false;
    if (!usable().some((other) => other !== endpoint)) return false;
    const now = clock.now();
    const { standing } = endpoint;
    if (standing.ejections > 0 && now - standing.returnedAt > maxEjectMs) standing.ejections = 0;
    const grown = Math.min(maxEjectMs, ejectMs * 2 ** Math.min(standing.ejections, 20));
    const ms = Math.round(grown * (1 + random() * JITTER));
    standing.ejections += 1;
    standing.ejectedUntil = now + ms;
    standing.ejectedUntilWall = clock.wall() + ms;
    standing.since = clock.wall();
    standing.reason = detail;
    standing.probation = true;
    onEjected(endpoint, reason, detail, ms);
    return true;
  }
}

function percent(share: number): string {
  return `${Math.round(share * 100)}%`;
}
