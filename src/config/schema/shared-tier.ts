import { z } from 'zod';
import { file } from './name.ts';

/** `redis://host:port/db`, `rediss://…` or `unix:/path`, without credentials and other parts. */
const URL_FORM =
  /^(?:rediss?:\/\/(?:\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,252}))(?::\d{1,5})?(?:\/\d{0,5})?|unix:\/[^?#\s]{1,255}(?:\?db=\d{1,5})?)$/;

/** Rate limits that replicas share on Redis or Valkey. */
export const sharedTier = z.strictObject({
  url: z
    .string()
    .regex(URL_FORM, {
      error:
        'expected redis://host:6379/0, rediss://host:6379/0 (TLS) or unix:/path, with username and password beside it',
    })
    .describe(
      'Where Redis (6 or newer) or Valkey is: `redis://host:6379/0`, `rediss://…` with TLS, `unix:/path`. One server or a primary with replicas; not Redis Cluster.',
    ),
  username: z.string().min(1).max(256).optional().describe('User of its ACL; without it, the default one.'),
  password: z
    .string()
    .min(1)
    .max(1024)
    .optional()
    .meta({ secret: true })
    .describe('Password; `file:PATH` reads it from a file.'),
  ca_file: file
    .optional()
    .describe("PEM file with the CAs that sign the server, with `rediss:`; without it the system's CAs count."),
  mode: z
    .enum(['sync', 'delta'])
    .default('sync')
    .describe(
      '`sync`: the server is asked for each request, exact over all replicas. `delta`: each replica decides at once and tells the others every `interval_ms`; more passes until they know (docs/shared-limits.md has the bound).',
    ),
  deadline_ms: z
    .int()
    .min(1)
    .max(1000)
    .default(5)
    .describe('`sync`: how long an answer may take before `on_error` decides, in milliseconds.'),
  interval_ms: z.int().min(10).max(10_000).default(100).describe('`delta`: time between exchanges, in milliseconds.'),
  on_error: z
    .enum(['local', 'allow', 'deny'])
    .default('local')
    .describe(
      '`sync`, while the server does not answer: `local` counts in each replica alone, `allow` admits everything that only rate limits would refuse, `deny` refuses every limited request with 503.',
    ),
  prefix: z
    .string()
    .regex(/^[A-Za-z0-9_.-]{1,64}$/, { error: 'expected 1 to 64 letters, digits, _, - and .' })
    .default('gatehouse')
    .describe('What its keys begin with; replicas with the same prefix share their limits.'),
  connect_timeout_ms: z
    .int()
    .min(10)
    .max(60_000)
    .default(2000)
    .describe('How long connecting, TLS and login may take, in milliseconds. No request waits for it.'),
});
