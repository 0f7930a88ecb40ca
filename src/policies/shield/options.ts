import { z } from 'zod';
import { ipRulesOptions } from '../ip-rules.ts';
import { ruleName } from '../rate-limit/options.ts';
import { rpcMatch } from '../rpc-match.ts';

const MAX_STARS = 4;

/** Stars are bounded because names come from callers, and each star may try every place of a name. */
const match = rpcMatch.superRefine((text, context) => {
  if (text.split('*').length - 1 > MAX_STARS) {
    context.addIssue({ code: 'custom', message: `expected ${MAX_STARS} stars at most` });
  }
});

const mediaType = z.string().regex(/^[a-z0-9!#$&^_.+-]{1,64}\/(?:\*|[a-z0-9!#$&^_.+-]{1,64})$/, {
  error: 'expected a media type in lower case without parameters, such as application/json or multipart/*',
});

/** One rule for RPCs. */
const rpcRule = z.strictObject({
  match: z
    .array(match)
    .min(1)
    .describe('RPCs by name, in any case: `zitadel.admin.v1.AdminService/*`, `zitadel.system.*`; `*` is any text.'),
  allow: ipRulesOptions.shape.allow.describe(
    'Networks, addresses and `@name` of lists that may call them; nobody else may. Empty for everybody.',
  ),
  deny: z.boolean().default(false).describe('Nobody may call them, whatever `allow` says.'),
  enforce: z.boolean().default(true).describe('`false`: refuses nobody and reports who would have been.'),
});

/** A rule for RPCs with all of its options. */
export type RpcRuleOptions = z.output<typeof rpcRule>;

/** The options of the `shield` policy. */
export const options = z.strictObject({
  unknown_rpc: z
    .enum(['forward', 'refuse'])
    .default('forward')
    .describe(
      'An RPC inside `zitadel.*` that no service definition of the gateway has: forwarded, its name logged once, or refused with 404.',
    ),
  rpcs: z
    .record(ruleName, z.union([z.literal(false), rpcRule]))
    .default({})
    .describe(
      'Rules by name that refuse RPCs and their REST paths (403), always or by client address; `false` switches one off.',
    ),
  content_types: z
    .array(mediaType)
    .default([])
    .describe(
      'Media types that a body may have on paths that are no RPC; empty for any. RPCs take those of gRPC, gRPC-Web and Connect. 415.',
    ),
  frames: z
    .boolean()
    .default(true)
    .describe('Whether the frames of gRPC, gRPC-Web and Connect streams are checked while they pass.'),
  max_message_bytes: z
    .int()
    .min(1024)
    .max(2 ** 31)
    .optional()
    .describe('The largest message of such a body, in bytes; without it the `max_bytes` of `body_limit` decides.'),
  enforce: z.boolean().default(true).describe('`false`: refuses nothing and reports what would have been.'),
});

/** The options of the policy. */
export type ShieldOptions = z.output<typeof options>;
