import { z } from 'zod';

/** How the process ends after SIGTERM or SIGINT. */
export const shutdown = z.strictObject({
  drain_delay_ms: z
    .int()
    .min(0)
    .max(600_000)
    .default(5000)
    .describe(
      'How long requests are still taken after readiness is off, in milliseconds: until load balancers noticed.',
    ),
  timeout_ms: z
    .int()
    .min(0)
    .max(3_600_000)
    .default(30_000)
    .describe('How long open exchanges may then take to end, in milliseconds; what is left is cut.'),
});
