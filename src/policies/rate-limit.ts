import { GatewayError } from '../core/errors.ts';
import type { Exchange, PeekedBody } from '../core/exchange.ts';
import { definePolicy, type InwardHook, type PolicyContext } from '../core/policy.ts';
import { legacyQuotaFields, quotaFields } from '../core/quota-fields.ts';
import { shown } from '../limits/bans.ts';
import type { Outcome } from '../limits/tier.ts';
import { peekForKeys } from './keys/message.ts';
import { type Charged, CompiledLimit } from './rate-limit/compiled-limit.ts';
import { options, type RateLimitOptions } from './rate-limit/options.ts';
import { quotaOf, refusal } from './rate-limit/refusal.ts';
import { askFor } from './rate-limit/store.ts';

/**
 * How long after its admission a request that was no failure still gets back what it took, in milliseconds. What leaks
 * while it is under way would come on top of what it gets back: whoever held requests open that are no failures, with slow
 * bodies or slow readers, would have that many guesses more (src/limits/gcra.ts). Nobody's login takes so long.
 */
const GIVEN_BACK_MS = 10_000;

const NOTHING: readonly Charged[] = [];

/** What was taken of one request so far. */
interface Taking {
  readonly charges: readonly Charged[];
  readonly outcome: Outcome;
}

/**
 * Refuses callers that ask too often: how often, and who is a caller, say limits by name. Those whose key is in the head
 * are taken first, in one call; those whose key is in the body, and those that count only what goes upstream, before the
 * request is sent. Nothing is counted of a request that one of them refuses.
 */
export const rateLimit = definePolicy({
  name: 'rate_limit',
  summary: 'Refuses callers that ask too often (429), by limits with names.',
  options,
  hooks(settings, context) {
    const limits = compiled(settings, context);
    if (limits.length === 0) return {};
    const early = limits.filter(({ late }) => !late);
    const late = limits.filter(({ late: isLate }) => isLate);
    const peeks = late.some(({ phase }) => phase === 'body');
    const taking = new WeakMap<Exchange, Taking>();
    const take = taker(settings, context);
    const tells = settings.headers === 'all';
    const keptEarly = late.length > 0 || tells ? taking : undefined;
    const keptLate = tells ? taking : undefined;
    return {
      ...(early.length > 0 && {
        onRequest: function rateLimit(request, _reply, done) {
          take(request.exchange, early, undefined, keptEarly, done);
        } satisfies InwardHook,
      }),
      ...(late.length > 0 && {
        preHandler: function rateLimit(request, _reply, done) {
          const { exchange } = request;
          const before = taking.get(exchange);
          const go = (body: PeekedBody | undefined): void =>
            take(exchange, late, body, keptLate, (error) => {
              if (error !== undefined && before !== undefined) giveBack(before, context);
              done(error);
            });
          if (!peeks) return go(undefined);
          peekForKeys(exchange, settings.peek_bytes, context.services, (error, body) =>
            error === undefined ? go(body) : done(error),
          );
        } satisfies InwardHook,
      }),
      ...(tells && {
        onAnswer(exchange, answer) {
          const taken = taking.get(exchange);
          if (taken === undefined || answer.source === 'gateway') return;
          const quotas = taken.charges.map((charge, index) => quotaOf(charge, taken.outcome.taken[index]!));
          const fields = { ...quotaFields(quotas), ...(settings.legacy_headers && legacyQuotaFields(quotas)) };
          for (const [name, value] of Object.entries(fields)) answer.fields.push(name, value);
        },
      }),
    };
  },
  explain(settings, context) {
    const limits = compiled(settings, context);
    return (exchange) => limits.map((limit) => explained(limit, exchange, context));
  },
});

function compiled({ limits }: RateLimitOptions, { services }: PolicyContext): CompiledLimit[] {
  return Object.entries(limits).flatMap(([rule, limit]) =>
    limit === false ? [] : [new CompiledLimit(rule, limit, services)],
  );
}

/**
 * Makes the function that charges a request by some limits, all or none. What it takes is put into `kept`, after what is
 * there of the request already.
 */
function taker(settings: RateLimitOptions, { app, clock, events, route, services }: PolicyContext) {
  const ask = app.createRateLimit({}) as unknown as (asked: ReturnType<typeof askFor>) => Promise<unknown>;
  const tell = (exchange: Exchange, rule: string, enforced: boolean): void => {
    if (!enforced) exchange.record.reported.push(rule);
    events.emit('refused', { policy: 'rate_limit', rule, route: route.name, enforced });
  };

  return (
    exchange: Exchange,
    limits: readonly CompiledLimit[],
    body: PeekedBody | undefined,
    kept: WeakMap<Exchange, Taking> | undefined,
    done: (error?: GatewayError) => void,
  ): void => {
    let charges: readonly Charged[] = NOTHING;
    const now = clock.now();
    for (const limit of limits) {
      const charged = limit.charge(exchange, body, now);
      if (charged !== 'refuse') {
        // Most requests have one charge or two: an array that is pushed to has room for seventeen.
        charges = charges.length === 0 ? charged : charges.concat(charged);
        continue;
      }
      const { rule } = limit.limit;
      const { enforce, key } = limit.options;
      tell(exchange, rule, enforce);
      if (!enforce) continue;
      const detail = `${rule}: the request has no ${key.join(' or ')}`;
      done(new GatewayError('TOO_MANY_REQUESTS', { rule, detail }));
      return;
    }
    if (charges.length === 0) {
      done();
      return;
    }
    const asked = askFor(charges);
    ask(asked).then(
      () => {
        const outcome = asked.outcome!;
        for (const index of outcome.exceeded) tell(exchange, charges[index]!.limit.rule, false);
        if (outcome.refused !== undefined) {
          tell(exchange, charges[outcome.refused]!.limit.rule, true);
          done(refusal(charges, outcome, exchange, body, settings));
          return;
        }
        const judged = charges.some(({ by, mark }) => mark !== undefined || by.options.count === 'failures');
        if (judged) exchange.hold({ [Symbol.dispose]: () => settle(exchange, charges, outcome, now) });
        kept?.set(exchange, joined(kept.get(exchange), { charges, outcome }));
        done();
      },
      (thrown: unknown) => done(GatewayError.from(thrown)),
    );
  };

  /** The exchange is over: what was no failure is given back, and a device that succeeded is known. */
  function settle({ record }: Exchange, charges: readonly Charged[], { exceeded }: Outcome, taken: number): void {
    const now = clock.now();
    const late = now - taken > GIVEN_BACK_MS;
    const back: Charged[] = [];
    charges.forEach((charge, index) => {
      const { by, mark } = charge;
      const ending = by.failed(record);
      const failed = ending === 'failure' || ending === 'unknown';
      // What was exceeded and only reports has taken nothing.
      if (by.options.count === 'failures' && !failed && !late && !exceeded.includes(index)) back.push(charge);
      if (ending === 'success' && mark !== undefined)
        services.marks.set(mark, now + by.options.known!.for_s * 1000, now);
    });
    if (back.length > 0) services.tier.giveBack(back);
  }
}

/** A later limit refused: what earlier ones took is given back, except what is judged when the exchange is over. */
function giveBack({ charges, outcome }: Taking, { services }: PolicyContext): void {
  services.tier.giveBack(
    charges.filter(({ by }, index) => by.options.count !== 'failures' && !outcome.exceeded.includes(index)),
  );
}

function joined(before: Taking | undefined, after: Taking): Taking {
  if (before === undefined) return after;
  return {
    charges: [...before.charges, ...after.charges],
    outcome: { ...after.outcome, taken: [...before.outcome.taken, ...after.outcome.taken] },
  };
}

/** A line on a limit: its rate, its key of this request, and what the key has left. */
function explained(limit: CompiledLimit, exchange: Exchange, { clock, services }: PolicyContext): string {
  const { rule, rate } = limit.limit;
  const { count, enforce, key } = limit.options;
  const said = `${rule}: ${rate.requests} in ${rate.periodMs / 1000} s, burst ${rate.burst}, ${count}, by ${key.join(' + ')}`;
  const mode = enforce ? '' : ' (only reports)';
  if (limit.phase === 'body') return `${said}${mode}; its key is in the body`;
  const charged = limit.charge(exchange, undefined, clock.now());
  if (charged === 'refuse') return `${said}${mode}; refused: no ${key.join(' or ')}`;
  const [charge] = charged;
  if (charge === undefined) return `${said}${mode}; ${notCounted(limit, exchange)}`;
  const { allowed, remaining, bannedForMs } = services.tier.peek(charge);
  const shadow = enforce && !charge.enforce ? ' (only reports: the address may be that of a proxy)' : mode;
  const left =
    bannedForMs > 0
      ? `banned for ${Math.ceil(bannedForMs / 1000)} s`
      : `${allowed ? remaining + limit.limit.cost : remaining} left`;
  return `${said}${shadow}; ${shown(charge.key)}: ${left}`;
}

function notCounted({ options: { key, methods } }: CompiledLimit, { head: { method } }: Exchange): string {
  const counts = methods.length === 0 || methods.includes(method);
  return counts ? `not counted: no ${key.join(' or ')}` : `not counted: only ${methods.join(', ')}`;
}
