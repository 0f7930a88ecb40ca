import { z } from 'zod';
import { GrpcStatus } from '../../core/error-row.ts';
import { rpcMatch } from '../../policies/rpc-match.ts';
import { sparse } from './policies.ts';

/** The name of a gRPC status. */
export type GrpcStatusName = keyof typeof GrpcStatus;

const grpcStatus = z.enum(
  Object.keys(GrpcStatus).filter((name) => name !== 'OK') as [GrpcStatusName, ...GrpcStatusName[]],
);

/** When a request is sent again, complete. */
export const retry = z.strictObject({
  attempts: z
    .int()
    .min(1)
    .max(5)
    .default(3)
    .describe('How often a request is sent at most, the first time included; 1 never sends one again.'),
  methods: z
    .array(z.enum(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE']))
    .default(['GET', 'HEAD', 'OPTIONS'])
    .describe(
      'Methods that change nothing more when a request comes twice. What may have been processed is sent again only if its method is here, or its RPC in `rpcs`.',
    ),
  rpcs: z
    .array(rpcMatch)
    .max(100)
    .default([])
    .describe(
      'RPCs that may be called twice, as `zitadel.user.v2.UserService/List*`, also by their REST paths. ZITADEL marks none, so none is here.',
    ),
  statuses: z
    .array(z.int().min(400).max(599))
    .default([502, 503, 504])
    .describe('Statuses of an answer for which such a request is sent to another endpoint.'),
  grpc_statuses: z
    .array(grpcStatus)
    .default(['UNAVAILABLE'])
    .describe('The same for `grpc-status`, where nothing came before it.'),
  per_try_timeout_ms: z
    .int()
    .min(0)
    .max(600_000)
    .default(0)
    .describe(
      'How long one attempt of such a request may wait for its answer while another is possible, in milliseconds; 0 for as long as its deadline.',
    ),
  backoff_base_ms: z
    .int()
    .min(1)
    .max(60_000)
    .default(25)
    .describe(
      'The longest wait before the first retry on an endpoint that was asked before, in milliseconds; doubled with each.',
    ),
  backoff_max_ms: z
    .int()
    .min(1)
    .max(60_000)
    .default(250)
    .describe(
      'The longest wait before a retry, in milliseconds; an answer that asks for a longer one (Retry-After, grpc-retry-pushback-ms) goes to the client.',
    ),
  body_bytes: z
    .int()
    .min(0)
    .max(1_048_576)
    .default(65_536)
    .describe('How much of a body is kept for a retry, in bytes; a request with a longer one is not sent again.'),
});

/** When a request is sent again. */
export type RetryOptions = z.output<typeof retry>;

/** What one level says of retries. */
export type RetryGiven = false | { readonly [K in keyof RetryOptions]?: RetryOptions[K] | undefined };

/** The same of a route: any key may be missing. */
export const routeRetry = z.union([z.literal(false), sparse(retry)]) as unknown as z.ZodType<RetryGiven, RetryGiven>;

/** Retries over what they cost. */
export const retryBudget = z.strictObject({
  share_percent: z
    .int()
    .min(0)
    .max(100)
    .default(20)
    .describe('Retries for a hundred requests of the last ten seconds.'),
  min_per_s: z.int().min(0).max(1000).default(3).describe('Retries a second that are free in any case.'),
});

/** Later levels over earlier ones. */
export function mergeRetry(below: RetryOptions, ...levels: readonly (RetryGiven | undefined)[]): RetryOptions {
  let merged = below;
  for (const level of levels) {
    if (level === undefined) continue;
    const given = level === false ? { attempts: 1 } : Object.entries(level).filter(([, value]) => value !== undefined);
    merged = { ...merged, ...(Array.isArray(given) ? Object.fromEntries(given) : given) };
  }
  return merged;
}
