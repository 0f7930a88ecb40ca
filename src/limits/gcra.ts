/**
 * The generic cell rate algorithm (ITU-T I.371, "virtual scheduling"): a rate and a burst without window edges, in one
 * number a key: the time at which nothing of what was taken would be left. Exact in every thread that has the table.
 *
 * Numbers are whole, so nothing is rounded: time counts in units of 1/requests of a millisecond, in which one request
 * takes exactly `periodMs` units. A `now` between two units counts as the nearer one.
 */

import type { Limiter, Rate, Taken } from './limiter.ts';
import type { SharedTable } from './shared-table.ts';
import { type Hash, type HashKey, sipHash } from './sip-hash.ts';

/** A refusal that no table entry stands behind: a bucket full of keys that are being refused. */
const OVERFLOW_RETRY_MS = 1000;

/** A limiter over a shared table; different rates need different keys. */
export function gcra(table: SharedTable): Limiter {
  const hashKey: HashKey = table.hashKey;
  const hash: Hash = { hi: 0, lo: 0 };

  // Times in the table are milliseconds, so that keys of different rates can be compared for eviction.
  return {
    take(key, rate, cost, now) {
      sipHash(hashKey, key, hash);
      table.lock(hash);
      try {
        const { index, found } = table.find(hash, now, true);
        if (index === -1)
          return { allowed: false, remaining: 0, retryAfterMs: OVERFLOW_RETRY_MS, resetMs: OVERFLOW_RETRY_MS };
        const taken = judge(rate, cost, now, found ? table.value(index) : 0);
        if (!taken.allowed) table.set(index, Math.max(table.value(index), now), now + taken.retryAfterMs);
        // The next request would be refused: held from here on, or who stops in time could have it evicted.
        else if (taken.remaining === 0) table.set(index, now + taken.resetMs, heldUntil(now + taken.resetMs, rate));
        else table.set(index, now + taken.resetMs, 0);
        return taken;
      } finally {
        table.unlock(hash);
      }
    },
    peek(key, rate, cost, now) {
      sipHash(hashKey, key, hash);
      table.lock(hash);
      try {
        const { index } = table.find(hash, now, false);
        return judge(rate, cost, now, index === -1 ? 0 : table.value(index));
      } finally {
        table.unlock(hash);
      }
    },
    // Never below `now`: no key becomes better than one that never asked. What leaked while the reservation stood is given
    // back as well, and without it that might have been lost to an idle key. So the key may get more at once than its
    // burst, by no more than what leaks between the oldest take and its return; in the long run the rate holds. How long
    // that may be is for whoever gives back to say.
    giveBack(key, rate, cost, now) {
      sipHash(hashKey, key, hash);
      table.lock(hash);
      try {
        const { index } = table.find(hash, now, false);
        if (index === -1) return;
        const back = (cost * rate.periodMs) / rate.requests;
        // A key that is refused all the same stays held: its hold ends so much earlier as the refusal does.
        table.set(index, Math.max(now, table.value(index) - back), Math.max(0, table.heldUntil(index) - back));
      } finally {
        table.unlock(hash);
      }
    },
    raise(key, rate, leftMs, now) {
      sipHash(hashKey, key, hash);
      table.lock(hash);
      try {
        const { index } = table.find(hash, now, true);
        if (index === -1) return;
        const until = Math.max(table.value(index), now + leftMs);
        // Held for as long as it is refused, like one that was refused here.
        table.set(index, until, heldUntil(until, rate));
      } finally {
        table.unlock(hash);
      }
    },
    forget(key) {
      sipHash(hashKey, key, hash);
      table.lock(hash);
      try {
        const { index } = table.find(hash, 0, false);
        if (index !== -1) table.free(index);
      } finally {
        table.unlock(hash);
      }
    },
  };
}

/** When one request passes again with a key whose number is `until`. */
function heldUntil(until: number, { requests, periodMs, burst }: Rate): number {
  return until - ((burst - 1) * periodMs) / requests;
}

/** The arithmetic; `until` is the number of the key, in milliseconds. */
function judge({ requests, periodMs, burst }: Rate, cost: number, now: number, until: number): Taken {
  const level = Math.max(0, Math.round((until - now) * requests)); // what was taken and is not over yet, in units
  const most = burst * periodMs;
  const wanted = level + cost * periodMs;
  if (wanted > most) {
    return {
      allowed: false,
      remaining: Math.floor((most - level) / periodMs),
      retryAfterMs: cost > burst ? Number.POSITIVE_INFINITY : Math.ceil((wanted - most) / requests),
      resetMs: level / requests,
    };
  }
  return {
    allowed: true,
    remaining: Math.floor((most - wanted) / periodMs),
    retryAfterMs: 0,
    resetMs: wanted / requests,
  };
}
