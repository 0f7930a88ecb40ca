import { z } from 'zod';
import { MISSING } from '../keys/compiled-key.ts';

/** The name of a rule: what callers, the log and metrics call it. */
export const ruleName = z.string().regex(/^[a-z][a-z0-9_-]{0,63}$/, {
  error: 'expected a name of lower-case letters, digits, - and _, beginning with a letter',
});

/** The parts of a key. */
export const key = z
  .array(z.string().min(1).max(256))
  .min(1)
  .max(8)
  .describe(
    'What tells callers apart, all parts together: `action:PROPERTY`, `address`, `bearer`, `client_id`, `cookie:NAME`, `form:FIELD`, `header:NAME`, `host`, `login_name`, `login_session`, `message:FIELD.PATH`, `organization`, `route`, `rpc`, `user_code`.',
  );

/** What becomes of a request that lacks a part of the key. */
export const missing = z
  .enum(MISSING)
  .default('skip')
  .describe('A request without a part of the key is not counted, counted together with all such, or refused.');

/** How much of a body is read for keys. */
export const peekBytes = z
  .int()
  .min(1024)
  .max(65_536)
  .default(16_384)
  .describe('How much of a body is looked at for keys, in bytes. What is larger counts as unreadable.');

/** Bans of a limit. */
const ban = z.strictObject({
  after: z.int().min(1).max(100_000).describe('So many refusals within `within_s` ban the key.'),
  within_s: z.int().min(1).max(86_400).default(60).describe('In which so many refusals make a ban, in seconds.'),
  for_s: z.int().min(1).max(86_400).default(60).describe('How long the first ban lasts, in seconds; the next twice.'),
  max_s: z.int().min(1).max(604_800).default(3600).describe('The longest ban, in seconds.'),
});

/** One rate limit. */
export const limit = z.strictObject({
  key,
  requests: z.int().min(1).max(1_000_000).describe('So many in a period, steadily.'),
  period_s: z.int().min(1).max(86_400).default(60).describe('The period, in seconds.'),
  burst: z
    .int()
    .min(1)
    .max(1_000_000)
    .optional()
    .describe('So many at once after a pause; by default as many as `requests`.'),
  methods: z
    .array(z.string().regex(/^[A-Z]{1,16}$/, { error: 'expected a method in capitals' }))
    .default([])
    .describe('Methods that are counted; empty for all.'),
  cost: z.int().min(1).max(1_000_000).default(1).describe('How many a request counts for.'),
  count: z
    .enum(['requests', 'failures', 'upstream'])
    .default('requests')
    .describe(
      '`requests`: every one. `failures`: those that fail; each is counted before it is sent and given back when it was none. `upstream`: those that the cache does not answer.',
    ),
  failures: z
    .strictObject({
      statuses: z
        .array(
          z.string().regex(/^[1-5](?:\d\d|xx)$/, { error: 'expected a status such as 401 or a class such as 4xx' }),
        )
        .default(['400', '401', '403', '404', '409', '412'])
        .describe('HTTP statuses of an answer that failed.'),
      grpc_statuses: z
        .array(z.int().min(1).max(16))
        .default([3, 5, 7, 9, 16])
        .describe('gRPC statuses of an answer that failed.'),
    })
    .prefault({})
    .describe('What `count: failures` takes for a failure. An answer that never came is one too.'),
  known: z
    .strictObject({
      by: z.array(z.string().min(1).max(256)).min(1).max(4).describe('Parts that tell devices apart.'),
      for_s: z.int().min(60).max(2_592_000).default(86_400).describe('How long a device stays known, in seconds.'),
      proof: z
        .array(z.string().min(1).max(256))
        .max(8)
        .default([])
        .describe('Only requests that carry one of these parts make a device known; empty for all that succeed.'),
      pool: z
        .int()
        .min(1)
        .max(100)
        .default(3)
        .describe(
          'All known devices of a key together have so many times its limit: the bound on guesses, whoever is known.',
        ),
    })
    .optional()
    .describe(
      'A device that succeeded lately has a count of its own with this key, so that strangers cannot lock its user out; a device that was never seen may be refused meanwhile.',
    ),
  missing,
  ban: ban.optional().describe('Refuses a key for a while that goes on after it was refused.'),
  enforce: z.boolean().default(true).describe('`false`: is counted and reported, and refuses nobody.'),
});

/** A rate limit with all of its options. */
export type LimitOptions = z.output<typeof limit>;

/** The options of the `rate_limit` policy. */
export const options = z.strictObject({
  limits: z
    .record(ruleName, z.union([z.literal(false), limit]))
    .default({})
    .describe(
      'Limits by name, taken in this order; `false` switches one off. Routes that name the same limit share it.',
    ),
  headers: z
    .enum(['refusals', 'all', 'none'])
    .default('refusals')
    .describe('Which answers say what is left, in `RateLimit` and `RateLimit-Policy`.'),
  legacy_headers: z
    .boolean()
    .default(false)
    .describe('Whether they also say it in `x-ratelimit-limit`, `-remaining` and `-reset`.'),
  peek_bytes: peekBytes,
});

/** The options of the policy. */
export type RateLimitOptions = z.output<typeof options>;
