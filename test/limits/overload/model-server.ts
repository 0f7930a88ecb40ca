/** A server of so many slots behind an adaptive limit, in time that is moved by hand: what a pod with few cores does. */

import { AdaptiveLimit, type AdaptiveLimitSettings } from '../../../src/limits/overload/adaptive-limit.ts';
import type { Rank } from '../../../src/limits/overload/priority.ts';
import type { UsualLatency } from '../../../src/limits/overload/usual-latency.ts';
import { HandClock } from '../../support/hand-clock.ts';

/** Requests of one kind. */
export interface Kind {
  readonly route: string;
  readonly rank: Rank;
  readonly serviceMs: number;
  /** How many come a second; evenly spread. */
  perS: number;
}

/** What became of one kind. */
export interface Told {
  offered: number;
  refused: number;
  answered: number;
  /** Gave up after the deadline. */
  late: number;
  readonly latencies: number[];
}

export interface ModelOptions {
  /** Requests that are worked at at the same time. */
  slots: number;
  /** Requests are given up after so long, in milliseconds; the server works on all the same, as ZITADEL does. */
  readonly deadlineMs?: number;
  /** Without it everything is let in. */
  readonly limit?: AdaptiveLimitSettings;
}

interface Waiting {
  readonly kind: Kind;
  readonly began: number;
  readonly usual: UsualLatency | undefined;
  over: boolean;
}

/** The server, its queue and what comes. */
export class Model {
  readonly clock = new HandClock();
  readonly limit: AdaptiveLimit | undefined;
  slots: number;
  /** Nothing is begun while it is true. */
  stalled = false;
  readonly #deadlineMs: number;
  readonly #queue: Waiting[] = [];
  readonly #due = new Map<Kind, number>();
  readonly #running: { readonly until: number; readonly one: Waiting }[] = [];
  #all: Waiting[] = [];

  constructor({ slots, deadlineMs = 30_000, limit }: ModelOptions) {
    this.slots = slots;
    this.#deadlineMs = deadlineMs;
    this.limit = limit && new AdaptiveLimit(limit, this.clock);
  }

  /** Lets so many seconds pass, a millisecond at a time. */
  run(seconds: number, kinds: readonly Kind[]): Map<string, Told> {
    const told = new Map<string, Told>();
    for (const { route } of kinds) told.set(route, { offered: 0, refused: 0, answered: 0, late: 0, latencies: [] });
    for (let left = seconds * 1000; left > 0; left -= 1) {
      this.clock.pass(1);
      this.#finish(told);
      for (const kind of kinds) {
        const due = (this.#due.get(kind) ?? 0) + kind.perS / 1000;
        this.#due.set(kind, due % 1);
        for (let come = Math.floor(due); come > 0; come -= 1) this.#come(kind, told.get(kind.route)!);
      }
      this.#begin();
    }
    return told;
  }

  #come(kind: Kind, told: Told): void {
    told.offered += 1;
    if (this.limit?.admits(kind.rank) === false) {
      told.refused += 1;
      return;
    }
    this.limit?.enter(kind.rank, true);
    const one: Waiting = { kind, began: this.clock.now(), usual: this.limit?.usual(kind.route), over: false };
    this.#queue.push(one);
    this.#all.push(one);
  }

  #begin(): void {
    while (!this.stalled && this.#running.length < this.slots) {
      const one = this.#queue.shift();
      if (one === undefined) return;
      this.#running.push({ until: this.clock.now() + one.kind.serviceMs, one });
    }
  }

  #finish(told: Map<string, Told>): void {
    const now = this.clock.now();
    for (let i = this.#running.length - 1; i >= 0; i -= 1) {
      const { until, one } = this.#running[i]!;
      if (until > now) continue;
      this.#running.splice(i, 1);
      if (one.over) continue;
      one.over = true;
      this.limit?.leave(one.kind.rank, true);
      this.limit?.answered(one.usual!, now - one.began);
      const of = told.get(one.kind.route);
      if (of === undefined) continue;
      of.answered += 1;
      of.latencies.push(now - one.began);
    }
    // Oldest first: all have the same deadline.
    while (this.#all.length > 0 && (this.#all[0]!.over || now - this.#all[0]!.began >= this.#deadlineMs)) {
      const one = this.#all.shift()!;
      if (one.over) continue;
      one.over = true;
      this.limit?.leave(one.kind.rank, true);
      this.limit?.dropped();
      const of = told.get(one.kind.route);
      if (of !== undefined) of.late += 1;
    }
  }
}

/** A quantile of latencies, in milliseconds; 0 where there are none. */
export function quantile(latencies: readonly number[], q: number): number {
  const sorted = [...latencies].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? 0;
}
