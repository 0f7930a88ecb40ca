import { z } from 'zod';
import { listenAddress } from '../address.ts';
import { network } from '../network.ts';

/** The operators' listener. */
export const admin = z.strictObject({
  enabled: z.boolean().default(true).describe('Whether there is an admin listener.'),
  address: listenAddress
    .default('127.0.0.1:9090')
    .describe('Address and port. Wider than loopback it needs a `token`; /live and /ready never do.'),
  token: z
    .string()
    .min(16)
    .max(512)
    .regex(/^[\x21-\x7e]*$/, { error: 'expected visible ASCII characters without spaces' })
    .optional()
    .meta({ secret: true })
    .describe(
      'Bearer token for everything but /live and /ready, at least 16 characters; `file:PATH` reads it from a file.',
    ),
  metrics_allow: z.array(network).default([]).describe('Networks that may read /metrics without the token.'),
});
