import { z } from 'zod';

/** What is logged and how. */
export const log = z.strictObject({
  level: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info').describe('Lowest level that is logged.'),
  format: z
    .enum(['auto', 'json', 'pretty'])
    .default('auto')
    .describe('One JSON object a line, or lines for people; `auto` is `pretty` on a terminal.'),
  access: z.boolean().default(true).describe('Whether every request gets a line.'),
  redact_query: z
    .array(z.string().min(1).max(128))
    .default([])
    .describe('Query parameters whose values are hidden, beside those that always are (code, state, token …).'),
  buffer_bytes: z
    .int()
    .min(65_536)
    .max(1_073_741_824)
    .default(1_048_576)
    .describe('How many bytes may wait for a slow log reader; beyond it lines are dropped and counted.'),
});
