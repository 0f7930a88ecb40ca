import rateLimit, { normalizeIP } from '@fastify/rate-limit';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Clock } from '../core/clock.ts';
import type { TokenLimit } from './access.ts';
import { WrongTokens } from './wrong-tokens.ts';

/** How many wrong tokens one address may send. */
export interface TokenLimitOptions {
  readonly max: number;
  readonly windowMs: number;
  readonly clock: Clock;
}

/** The address a token comes from: an IPv4 address or a /64 of IPv6, whose owner has all addresses in it. */
function addressOf(request: FastifyRequest): string {
  const address = request.socket.remoteAddress ?? '::';
  const zone = address.indexOf('%');
  return normalizeIP(zone < 0 ? address : address.slice(0, zone));
}

/**
 * Limits wrong tokens by @fastify/rate-limit 11.2.0, whose parts that do not hold are left out:
 * - its hook runs once in a request, and a second one returns without a word and lets everything through; so there is
 *   no hook (`global: false`), but one call where a token is looked at;
 * - its store has fixed windows, so that twice as many pass around the end of one, and forgets blocked addresses when
 *   5000 others come; so the store is ours;
 * - a `groupId` shares no count between routes, since each route gets a store of its own; so ours has one count for all.
 */
export async function limitTokens(app: FastifyInstance, options: TokenLimitOptions): Promise<TokenLimit> {
  const { max, windowMs, clock } = options;
  const wrong = new WrongTokens(clock);
  class Store {
    incr(key: string, callback: (error: null, taken: { current: number; ttl: number }) => void): void {
      callback(null, wrong.take(key, windowMs, max));
    }
    child(): Store {
      return this;
    }
  }
  await app.register(rateLimit, {
    global: false,
    max,
    timeWindow: windowMs,
    keyGenerator: addressOf,
    store: Store as never, // its type wants the callback's wider form
  });
  const take = app.createRateLimit();
  return {
    async take(request) {
      const taken = await take(request);
      return !taken.isAllowed && taken.isExceeded ? Math.max(1, taken.ttlInSeconds) : undefined;
    },
    giveBack: (request) => wrong.giveBack(addressOf(request), windowMs, max),
  };
}
