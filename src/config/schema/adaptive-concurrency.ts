import { z } from 'zod';

/** How many requests an upstream may work at, by how it does. */
export const adaptiveConcurrency = z
  .strictObject({
    mode: z
      .enum(['on', 'shadow', 'off'])
      .default('on')
      .describe(
        '`on`: while answers are slow, requests beyond the limit get 503, the least important first; `shadow`: they are only counted and logged; `off`: nothing is measured.',
      ),
    min_limit: z
      .int()
      .min(1)
      .max(100_000)
      .default(50)
      .describe(
        'Requests that may wait for their answer however slow it is, shared by the workers. With fewer nobody is refused.',
      ),
    max_limit: z
      .int()
      .min(1)
      .max(1_000_000)
      .default(2000)
      .describe('The limit while answers come as fast as usual, shared by the workers.'),
    slow_factor: z
      .number()
      .min(1.2)
      .max(20)
      .default(2)
      .describe('Answers that take so many times what is usual for their route, in the mean, lower the limit.'),
  })
  .refine(({ min_limit, max_limit }) => min_limit <= max_limit, {
    path: ['max_limit'],
    message: 'expected min_limit at least',
  });
