/**
 * The generic cell rate algorithm (ITU-T I.371, "virtual scheduling"): a rate and a burst without window edges, in one
 * number a key: the time at which nothing of what was taken would be left. Exact in every thread that has the table.
 *
 * Numbers are whole, so nothing is rounded: time counts in units of 1/requests of a millisecond, in which one request
 * takes exactly `periodMs` units.
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

  /** Calls back with the slot while its bucket is locked. */
  function locked<T>(key: string, now: number, claim: boolean, work: (index: number, found: boolean) => T): T {
    sipHash(hashKey, key, hash);
    table.lock(hash);
    try {
      const { index, found } = table.find(hash, now, claim);
      return work(index, found);
    } finally {
      table.unlock(hash);
    }
  }

  return {
    take(key, rate, cost, now) {
      // Times in the table are milliseconds, so that keys of different rates can be compared for eviction.
      return locked(key, now, true, (index, found) => {
        if (index === -1)
          return { allowed: false, remaining: 0, retryAfterMs: OVERFLOW_RETRY_MS, resetMs: OVERFLOW_RETRY_MS };
        const taken = judge(rate, cost, now, found ? table.value(index) : 0);
        if (taken.allowed) table.set(index, now + taken.resetMs, 0);
        else table.set(index, Math.max(table.value(index), now), now + taken.retryAfterMs);
        return taken;
      });
    },
    peek(key, rate, cost, now) {
      return locked(key, now, false, (index) => judge(rate, cost, now, index === -1 ? 0 : table.value(index)));
    },
    giveBack(key, rate, cost, now) {
      locked(key, now, false, (index) => {
        if (index === -1) return;
        const back = (cost * rate.periodMs) / rate.requests;
        table.set(index, Math.max(now, table.value(index) - back), 0);
      });
    },
    raise(key, { requests, periodMs, burst }, leftMs, now) {
      locked(key, now, true, (index) => {
        if (index === -1) return;
        const until = Math.max(table.value(index), now + leftMs);
        // Held for as long as it is refused, like one that was refused here.
        table.set(index, until, until - ((burst - 1) * periodMs) / requests);
      });
    },
    forget(key) {
      locked(key, 0, false, (index) => {
        if (index !== -1) table.free(index);
      });
    },
  };
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
