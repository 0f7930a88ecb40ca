import { z } from 'zod';

const NAMES = ['least_requests', 'round_robin', 'peak_ewma', 'ring_hash'] as const;

/** `client`, `header:NAME` or `cookie:NAME`, with names as RFC 9110 section 5.1 has them. */
const SOURCE = /^(?:client|(?:header|cookie):[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256})$/;

/** How an endpoint is picked: a name, or a map with options. */
export const balancer = z
  .union([
    z.enum(NAMES),
    z.strictObject({
      type: z.enum(NAMES).describe('Its name.'),
      hash: z
        .string()
        .regex(SOURCE, { error: 'expected client, header:NAME or cookie:NAME' })
        .default('client')
        .describe(
          '`ring_hash`: requests with the same `client` (address), `header:NAME` or `cookie:NAME` go to the same endpoint.',
        ),
    }),
  ])
  .transform((given) => (typeof given === 'string' ? { type: given, hash: 'client' } : given));
