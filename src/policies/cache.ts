import { invalidated } from '../cache/invalidation.ts';
import { SURROGATE_CONTROL } from '../cache/surrogate-control.ts';
import { setField } from '../core/headers.ts';
import { definePolicy, type InwardHook } from '../core/policy.ts';
import { explained } from './cache/explained.ts';
import { options } from './cache/options.ts';
import { RouteCache } from './cache/route-cache.ts';

/** Answers from the store what may be answered from it, and stores what may be stored. */
export const cache = definePolicy({
  name: 'cache',
  summary: 'Answers GET and HEAD from a shared store, by RFC 9111, and keeps what the origin lets it keep.',
  options,
  hooks(given, context) {
    const route = new RouteCache(given, context);
    const { store, mirror } = context.services.cache;
    const consumes = given.targeted_fields.includes(SURROGATE_CONTROL);
    return {
      onStart: (self) => route.start(self),
      preHandler: function cache(request, _reply, done) {
        route.enter(request.exchange, done);
      } satisfies InwardHook,
      onAnswer: function cache(exchange, answer) {
        if (consumes) setField(answer.fields, SURROGATE_CONTROL, undefined);
        if (answer.source === 'cache') return;
        route.label(exchange, answer);
        const { raw, client, head } = exchange;
        if (answer.source !== 'upstream' || head.method === 'GET' || head.method === 'HEAD') return;
        const changed = { method: head.method, scheme: client.scheme, host: raw.authority, target: raw.target };
        for (const target of invalidated(changed, answer)) {
          const url = { scheme: client.scheme, host: raw.authority, target };
          store.invalidate(url);
          mirror?.tell({ kind: 'invalidated', url });
        }
      },
    };
  },
  explain: explained,
});
