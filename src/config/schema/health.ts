import { z } from 'zod';
import { host } from '../host.ts';

const check = z.strictObject({
  type: z
    .enum(['http', 'grpc', 'tcp', 'none'])
    .optional()
    .describe(
      '`http`: GET in the protocol of the upstream; `grpc`: grpc.health.v1; `tcp`: a connection is enough; `none`. Without it `http` for the upstreams of the preset and `tcp` for others.',
    ),
  path: z
    .string()
    .regex(/^\/[\x21-\x7e]{0,1023}$/, { error: 'expected a path such as /debug/ready' })
    .optional()
    .describe('`http`: what is asked for; without it `/debug/ready`, and `/ui/v2/login/healthy` of Login v2.'),
  host: host
    .refine((text) => !text.startsWith('*'), { error: 'expected one host, without *' })
    .optional()
    .describe('Host of the checks; without it the first exact one of `hosts`, or `localhost`.'),
  statuses: z
    .array(z.int().min(100).max(599))
    .min(1)
    .default([200])
    .describe('`http`: statuses that say ready. ZITADEL answers 412 while it has no database.'),
  service: z
    .string()
    .max(127)
    .regex(/^[\x21-\x7e]*$/, { error: 'expected the name of a gRPC service' })
    .default('')
    .describe('`grpc`: the service that is asked about; empty for the whole server.'),
  interval_ms: z
    .int()
    .min(100)
    .max(3_600_000)
    .default(2000)
    .describe(
      'Time between two checks of an endpoint, a tenth more or less, in milliseconds. What contradicts is checked again after a quarter of it.',
    ),
  timeout_ms: z
    .int()
    .min(10)
    .max(60_000)
    .default(1000)
    .describe('How long a check may take with its connection, in milliseconds.'),
  healthy_after: z
    .int()
    .min(1)
    .max(100)
    .default(1)
    .describe('Checks in a row that make an unhealthy endpoint healthy. The first one counts at once.'),
  unhealthy_after: z
    .int()
    .min(1)
    .max(100)
    .default(2)
    .describe('Failed checks in a row that make a healthy endpoint unhealthy. The first one counts at once.'),
});

const successRate = z.strictObject({
  window_ms: z
    .int()
    .min(0)
    .max(3_600_000)
    .default(5000)
    .describe(
      'How long answers are counted before the endpoints are compared, in milliseconds, and up to twelve times as long where there are few; 0 to compare none.',
    ),
  min_requests: z
    .int()
    .min(1)
    .max(1_000_000)
    .default(20)
    .describe('Endpoints with fewer answers in a window are not compared.'),
  stdev_factor: z
    .number()
    .min(1)
    .max(10)
    .default(3)
    .describe(
      'How many standard deviations the share of good answers must be below that of the other endpoints; at least 10 percent in any case.',
    ),
});

const passive = z.strictObject({
  consecutive_failures: z
    .int()
    .min(0)
    .max(10_000)
    .default(5)
    .describe(
      'Failures in a row that eject an endpoint: no connection, a reset, 502, 503, 504 or grpc-status 14; 0 for none. What clients can cause does not count.',
    ),
  success_rate: successRate
    .prefault({})
    .describe('Ejects endpoints that break on more requests than the others: those failures, 500 and the like.'),
  eject_ms: z
    .int()
    .min(100)
    .max(3_600_000)
    .default(10_000)
    .describe('How long the first ejection is, up to a fifth longer, in milliseconds; each further one twice as long.'),
  max_eject_ms: z
    .int()
    .min(100)
    .max(86_400_000)
    .default(300_000)
    .describe('The longest ejection, in milliseconds; so long without one, and the next is short again.'),
  max_ejected_percent: z
    .int()
    .min(0)
    .max(100)
    .default(50)
    .describe('How many of the endpoints may be ejected at once, in percent, rounded down; never the last usable one.'),
});

/** How the gateway finds out which endpoints are well. */
export const health = z.strictObject({
  check: check.prefault({}).describe('What the gateway asks each endpoint.'),
  passive: passive.prefault({}).describe('What it concludes from the answers to clients.'),
  panic_threshold_percent: z
    .int()
    .min(0)
    .max(100)
    .default(30)
    .describe('With a smaller share of usable endpoints, in percent, all are used: the few would fall next.'),
});
