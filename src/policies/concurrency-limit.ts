import { z } from 'zod';
import { GatewayError } from '../core/errors.ts';
import type { Exchange, PeekedBody } from '../core/exchange.ts';
import { definePolicy, type InwardHook, type PolicyContext } from '../core/policy.ts';
import { type CompiledKey, compileKey } from './keys/compiled-key.ts';
import { peekForKeys } from './keys/message.ts';
import { key, missing, peekBytes, ruleName } from './rate-limit/options.ts';

const limit = z.strictObject({
  key,
  max_in_flight: z.int().min(1).max(100_000).describe('How many requests of one key may be in flight at once.'),
  missing,
  retry_after_s: z.int().min(1).max(3600).default(1).describe('What Retry-After tells a refused client, in seconds.'),
  enforce: z.boolean().default(true).describe('`false`: is counted and reported, and refuses nobody.'),
});

const options = z.strictObject({
  limits: z
    .record(ruleName, z.union([z.literal(false), limit]))
    .default({})
    .describe('Limits by name; `false` switches one off. Routes that name the same limit share its places.'),
  peek_bytes: peekBytes,
});

interface Compiled {
  readonly rule: string;
  readonly options: z.output<typeof limit>;
  readonly key: CompiledKey;
}

/** Refuses callers that have too much in flight. A place is held until the exchange is over, however it ends. */
export const concurrencyLimit = definePolicy({
  name: 'concurrency_limit',
  summary: 'Refuses callers that have too many requests in flight (429), by limits with names.',
  options,
  hooks(settings, context) {
    const limits = compiled(settings, context);
    const early = limits.filter((one) => one.key.phase === 'head');
    const late = limits.filter((one) => one.key.phase === 'body');
    return {
      ...(early.length > 0 && {
        onRequest: function concurrencyLimit({ exchange }, _reply, done) {
          done(takeAll(early, exchange, undefined, context));
        } satisfies InwardHook,
      }),
      ...(late.length > 0 && {
        preHandler: function concurrencyLimit({ exchange }, _reply, done) {
          peekForKeys(exchange, settings.peek_bytes, context.services, (error, body) =>
            done(error ?? takeAll(late, exchange, body, context)),
          );
        } satisfies InwardHook,
      }),
    };
  },
  explain(settings, context) {
    const limits = compiled(settings, context);
    return (exchange) => limits.map((one) => explained(one, exchange, context));
  },
});

function compiled({ limits }: z.output<typeof options>, { services }: PolicyContext): Compiled[] {
  return Object.entries(limits).flatMap(([rule, one]) =>
    one === false ? [] : [{ rule, options: one, key: compileKey(one.key, services) }],
  );
}

/** A place by each limit, held by the exchange; the error of the one that has none left. */
function takeAll(
  limits: readonly Compiled[],
  exchange: Exchange,
  body: PeekedBody | undefined,
  { services, events, route }: PolicyContext,
): GatewayError | undefined {
  for (const one of limits) {
    const { rule, options: set } = one;
    const text = keyOf(one, exchange, body);
    if (text === undefined) continue;
    const place = text === 'refuse' ? undefined : services.places.take(text, set.max_in_flight);
    if (place !== undefined) {
      exchange.hold(place);
      continue;
    }
    const doubtful = one.key.addressOnly && exchange.client.mayBeProxy && services.untrustedPrivatePeers === 'shadow';
    const enforced = set.enforce && !doubtful;
    events.emit('refused', { policy: 'concurrency_limit', rule, route: route.name, enforced });
    if (enforced) return new GatewayError('TOO_MANY_IN_FLIGHT', { rule, detail: rule, retryAfterS: set.retry_after_s });
    exchange.record.reported.push(rule);
  }
  return undefined;
}

/** What places are filed under; undefined where the request is not counted. */
function keyOf({ rule, options: set, key: compiledKey }: Compiled, exchange: Exchange, body: PeekedBody | undefined) {
  const parts = compiledKey.read(exchange, body);
  if (parts !== undefined) return `${rule}\0${parts}`;
  if (set.missing === 'skip') return undefined;
  return set.missing === 'refuse' ? 'refuse' : `${rule}\0${compiledKey.readShared(exchange, body)}`;
}

function explained(one: Compiled, exchange: Exchange, { services }: PolicyContext): string {
  const { rule, options: set } = one;
  const said = `${rule}: ${set.max_in_flight} in flight, by ${set.key.join(' + ')}${set.enforce ? '' : ' (only reports)'}`;
  if (one.key.phase === 'body') return `${said}; its key is in the body`;
  const text = keyOf(one, exchange, undefined);
  if (text === undefined) return `${said}; not counted: no ${set.key.join(' or ')}`;
  if (text === 'refuse') return `${said}; refused: no ${set.key.join(' or ')}`;
  return `${said}; ${services.places.taken(text)} in flight`;
}
