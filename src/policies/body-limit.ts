import { z } from 'zod';
import { GatewayError } from '../core/errors.ts';
import { definePolicy } from '../core/policy.ts';

/** Refuses bodies that are too large: by Content-Length before anything is sent on, by count while the body passes. */
export const bodyLimit = definePolicy({
  name: 'body_limit',
  summary: 'Refuses request bodies above a size.',
  options: z.strictObject({
    max_bytes: z
      .int()
      .min(0)
      .max(2 ** 40)
      .default(16_777_216)
      .describe('The largest request body, in bytes; 0 sets no limit.'),
  }),
  hooks({ max_bytes }) {
    if (max_bytes === 0) return {};
    return {
      onRequest: function bodyLimit(request, _reply, done) {
        const { exchange } = request;
        const length = exchange.head.headers['content-length'];
        if (typeof length === 'string' && Number(length) > max_bytes) {
          return done(
            new GatewayError('BODY_TOO_LARGE', { detail: `content-length ${length}, max_bytes ${max_bytes}` }),
          );
        }
        exchange.bodyLimit = max_bytes;
        done();
      },
    };
  },
});
