/** Which endpoints of an upstream are used now. */

import type { Clock } from '../core/clock.ts';
import type { Endpoint } from './endpoint.ts';

/** What a roster tells. */
export interface RosterObserver {
  onReturned(endpoint: Endpoint): void;
  onPanic(on: boolean, usable: number, total: number): void;
}

/** The endpoints, and those of them that are used: worked out anew when something has changed, not for each request. */
export class Roster {
  readonly #clock: Clock;
  readonly #panicPercent: number;
  readonly #observer: RosterObserver;
  #all: readonly Endpoint[] = [];
  #usable: readonly Endpoint[] = [];
  /** The first ejection ends then. */
  #until = 0;
  #panic = false;

  constructor(clock: Clock, panicPercent: number, observer: RosterObserver) {
    this.#clock = clock;
    this.#panicPercent = panicPercent;
    this.#observer = observer;
  }

  get all(): readonly Endpoint[] {
    return this.#all;
  }

  set all(endpoints: readonly Endpoint[]) {
    this.#all = endpoints;
    this.changed();
  }

  /** Too few are usable: all are used. */
  get panic(): boolean {
    return this.#panic;
  }

  /** Those that may be asked; empty only where there is none at all. The same array until something changes. */
  get usable(): readonly Endpoint[] {
    if (this.#clock.now() >= this.#until) this.changed();
    return this.#usable;
  }

  /** An endpoint is in another state than before. */
  changed(): void {
    this.#endEjections();
    const known = this.#all.filter(({ standing }) => standing.checked !== 'unknown');
    const healthy = known.filter(({ standing }) => standing.checked === 'healthy');
    // Where nobody has passed a check yet, not being checked is no flaw; later it is: a pod that comes may not be ready.
    const counted = healthy.length === 0 && known.length < this.#all.length ? this.#all : known;
    const fit = counted.filter(({ standing }) => standing.checked !== 'unhealthy' && !standing.ejected);
    const panic = fit.length === 0 || fit.length * 100 < counted.length * this.#panicPercent;
    this.#usable = panic ? this.#all : fit;
    if (panic === this.#panic || this.#all.length === 0) return;
    this.#panic = panic;
    this.#observer.onPanic(panic, fit.length, this.#all.length);
  }

  #endEjections(): void {
    const now = this.#clock.now();
    this.#until = Number.POSITIVE_INFINITY;
    for (const endpoint of this.#all) {
      const { standing } = endpoint;
      if (!standing.ejected) continue;
      if (standing.ejectedUntil > now) this.#until = Math.min(this.#until, standing.ejectedUntil);
      else {
        standing.endEjection(now, this.#clock.wall());
        this.#observer.onReturned(endpoint);
      }
    }
  }
}
