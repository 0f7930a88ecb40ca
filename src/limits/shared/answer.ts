/** What the script TAKE is asked and what it answers, in the terms of the tier. */

import type { Taken } from '../limiter.ts';
import type { Charge, Outcome } from '../tier.ts';

/** An answer. */
export interface Answer {
  /** Which life of the server's memory this is: another number, and all counts began anew. */
  readonly epoch: number;
  readonly outcome: Outcome;
  /** The refused key is banned for so much longer; 0 where it is not. */
  readonly banMs: number;
  /** Which ban in a row began now; 0 where none did. */
  readonly strike: number;
}

/** Nobody could count, and `on_error` is `deny`. */
export const UNAVAILABLE: Outcome = {
  refused: 0,
  banned: false,
  taken: [{ allowed: false, remaining: 0, retryAfterMs: Number.POSITIVE_INFINITY, resetMs: 0 }],
  exceeded: [],
  unavailable: true,
};

/** The numbers of the charges. */
export function takeArguments(charges: readonly Charge[]): string[] {
  const out: string[] = [];
  for (const { limit, enforce } of charges) {
    const { rate, cost, ban } = limit;
    out.push(String(rate.requests), String(rate.periodMs), String(rate.burst), String(cost), enforce ? '1' : '0');
    if (ban === undefined) out.push('0', '0', '0', '0');
    else out.push(String(ban.after), String(ban.withinMs), String(ban.forMs), String(ban.maxMs));
  }
  return out;
}

/** Reads an answer; throws where it is none. */
export function readAnswer(charges: readonly Charge[], reply: unknown): Answer {
  if (!Array.isArray(reply) || reply.length < 5 || !reply.every(Number.isSafeInteger)) {
    throw new Error('the server did not answer as the script does');
  }
  const [epoch, number, ban, banMs, strike, ...pairs] = reply as [number, number, number, number, number, ...number[]];
  if (number < 0 || (ban === 1 && number === 0)) throw new Error('the server did not answer as the script does');
  const refused = number === 0 ? undefined : number - 1;
  const banned = ban === 1;
  const taken: Taken[] = [];
  const exceeded: number[] = [];
  const counted = banned ? refused! : refused === undefined ? charges.length : refused + 1;
  if (counted > charges.length || pairs.length < counted * 2) {
    throw new Error('the server did not answer for each charge');
  }
  for (let i = 0; i < counted; i += 1) {
    const allowed = pairs[i * 2] === 1;
    if (!allowed && i !== refused) exceeded.push(i);
    taken.push(takenOf(charges[i]!, allowed, pairs[i * 2 + 1]!));
  }
  if (banned) taken.push({ allowed: false, remaining: 0, retryAfterMs: banMs, resetMs: banMs });
  return { epoch, outcome: { refused, banned, taken, exceeded }, banMs, strike };
}

/** As the local arithmetic says it; `level` is after taking. */
function takenOf({ limit: { rate, cost } }: Charge, allowed: boolean, level: number): Taken {
  const { requests, periodMs, burst } = rate;
  const most = burst * periodMs;
  const missing = level + cost * periodMs - most;
  return {
    allowed,
    remaining: Math.floor(Math.max(0, most - level) / periodMs),
    retryAfterMs: allowed ? 0 : cost > burst ? Number.POSITIVE_INFINITY : Math.ceil(missing / requests),
    resetMs: level / requests,
  };
}
