/** What a scenario is, and what it finds. */

import type { Tally } from './tally.ts';

/** How long and how hard a scenario runs. Times in milliseconds. */
export interface Pace {
  /** Calls a second. */
  readonly rate: number;
  readonly seed: number;
  /** How long a phase lasts. */
  readonly phaseMs: number;
  /** From a pod's SIGTERM to its end. */
  readonly shutdownMs: number;
  /** Time between two checks of an endpoint. */
  readonly checkMs: number;
  /** How long answers are counted before endpoints are compared. */
  readonly windowMs: number;
  /** How long an endpoint is ejected. */
  readonly ejectMs: number;
  /** `shutdown.drain_delay_ms`. */
  readonly drainMs: number;
  readonly workers: number;
  /** What speaks HTTP/2 to the pods: `upstreams.zitadel.http2_engine`. */
  readonly upstreamEngine: 'node' | 'frames';
  /** Whether the gateway sheds load when its event loop is late (`overload`); where others use the machine, it is. */
  readonly sheds: boolean;
  /** How long the mixed load with faults lasts. */
  readonly mixedMs: number;
  /** How many configs, and how many certificates, are swapped. */
  readonly swaps: number;
}

/** One thing that was asked for. */
export interface Claim {
  readonly what: string;
  readonly found: string;
  readonly holds: boolean;
  /** It compares times of answers, which a busy machine of continuous integration decides. */
  readonly timing?: true;
}

/** What a scenario found. */
export interface Finding {
  readonly tally: Tally;
  /** Ids of requests that came more than once, though they must not. */
  readonly doubled: readonly string[];
  readonly claims: readonly Claim[];
  /** Further numbers, by what they are. */
  readonly numbers?: Readonly<Record<string, number | string>>;
}

/** A scenario. */
export interface Scenario {
  readonly name: string;
  readonly what: string;
  run(pace: Pace): Promise<Finding>;
}

/** What continuous integration has time for. */
export const SHORT: Pace = {
  rate: 60,
  seed: 20_260_101,
  phaseMs: 1500,
  shutdownMs: 1500,
  checkMs: 300,
  windowMs: 1000,
  ejectMs: 4000,
  drainMs: 800,
  workers: 0,
  upstreamEngine: 'node',
  sheds: false,
  mixedMs: 60_000,
  swaps: 10,
};

/** ZITADEL's times and the gateway's defaults. */
export const LONG: Pace = {
  rate: 200,
  seed: 20_260_101,
  phaseMs: 10_000,
  shutdownMs: 5000,
  checkMs: 2000,
  windowMs: 5000,
  ejectMs: 10_000,
  drainMs: 5000,
  workers: 0,
  upstreamEngine: 'node',
  sheds: true,
  mixedMs: 30 * 60_000,
  swaps: 50,
};

/** A claim that a number is zero. */
export function none(what: string, found: number): Claim {
  return { what, found: String(found), holds: found === 0 };
}

/** A claim that a number is at most another. */
export function atMost(what: string, found: number, limit: number, unit = ''): Claim {
  const text = (value: number): string => (Number.isInteger(value) ? String(value) : value.toFixed(1));
  return { what, found: `${text(found)}${unit} (limit ${text(limit)}${unit})`, holds: found <= limit };
}
