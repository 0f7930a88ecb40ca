/** The config, declared once: types, checks, the editor's schema and docs/config.md follow from here. */

import { z } from 'zod';
import { ipRulesOptions } from '../policies/ip-rules.ts';
import { host } from './host.ts';
import { network } from './network.ts';
import { admin } from './schema/admin.ts';
import { cache } from './schema/cache.ts';
import { clientAddress } from './schema/client-address.ts';
import { limiter } from './schema/limiter.ts';
import { limits } from './schema/limits.ts';
import { listener } from './schema/listener.ts';
import { log } from './schema/log.ts';
import { name } from './schema/name.ts';
import { namedList } from './schema/networks.ts';
import { overload } from './schema/overload.ts';
import { policySettings } from './schema/policies.ts';
import { preset } from './schema/preset.ts';
import { reload } from './schema/reload.ts';
import { route } from './schema/route.ts';
import { shutdown } from './schema/shutdown.ts';
import { tls } from './schema/tls.ts';
import { upstream } from './schema/upstream.ts';
import { workerHangMs, workerHeapBytes, workers } from './schema/workers.ts';

/** The whole YAML file. What spans several keys is checked in `checks/`. */
export const configSchema = z.strictObject({
  preset: preset.describe('Route table that ships with the gateway: a name, or a map with options.'),
  listeners: z.array(listener).min(1).describe('Sockets that clients connect to; at least one.'),
  tls: tls.prefault({}).describe('What all listeners with TLS share. Changes need a restart.'),
  workers: workers.describe(
    'Threads that serve requests: `auto` for one per core that the process may use, none on a machine with one; 0 for none: then all runs in the main thread. Changes need a restart.',
  ),
  worker_heap_bytes: workerHeapBytes.describe(
    'The most that the JavaScript heap of one worker may grow to, in bytes; a worker beyond it ends and is replaced. By default what the memory that the process may use allows, less the cache.',
  ),
  worker_hang_ms: workerHangMs.describe(
    'How long the event loop of a worker may stand still before it is ended and replaced, in milliseconds; at least 1000, or 0 for never. Not for the main thread.',
  ),
  limits: limits.prefault({}).describe("Limits of the client's side, the same for all listeners."),
  networks: z.record(name, namedList).default({}).describe('Lists of addresses by name; rules take them as `@name`.'),
  ip_rules: ipRulesOptions
    .prefault({})
    .describe('Which client addresses may come at all; the policy `ip_rules` of a route comes on top.'),
  limiter: limiter.prefault({}).describe('What all `rate_limit` and `concurrency_limit` policies share.'),
  overload: overload.prefault({}).describe('Who is refused first when there is more to do than can be done.'),
  cache: cache.prefault({}).describe('What all `cache` policies share: memory, and a place on disk.'),
  trusted_proxies: z
    .array(network)
    .default([])
    .describe(
      'Load balancers whose X-Forwarded-For, X-Forwarded-Proto and X-Request-ID are believed, and that may speak the PROXY protocol.',
    ),
  client_address: clientAddress
    .prefault({})
    .describe('Where peers in `trusted_proxies` say who the client is; everybody else is the client.'),
  trace_context: z
    .enum(['pass', 'drop'])
    .default('pass')
    .describe('Whether traceparent, tracestate and baggage of clients go on to the upstream.'),
  hosts: z
    .array(host)
    .default([])
    .describe('Hosts that are served, exact or `*.example.com`; others get 404. Empty for any.'),
  upstreams: z.record(name, upstream).describe('Groups of endpoints by name. The preset expects one called `zitadel`.'),
  routes: z
    .array(route)
    .default([])
    .describe('Own routes. The most specific match wins whatever the order; among equal matches the earlier wins.'),
  classes: z
    .record(name, policySettings)
    .default({})
    .describe('Policies by limit class, over those that the preset gives the class.'),
  policies: policySettings
    .prefault({})
    .describe('Policies of every route; classes of the preset, `classes` and routes say more.'),
  admin: admin.prefault({}).describe('Listener for operators: /live, /ready, /metrics, /config, /upstreams.'),
  ready_requires_upstream: z
    .boolean()
    .default(false)
    .describe('Whether /ready also fails while an upstream has no endpoint that may be used.'),
  ready_timeout_ms: z
    .int()
    .min(0)
    .max(600_000)
    .default(10_000)
    .describe('How long /ready waits for the first check of the upstreams, in milliseconds; then it is ready anyway.'),
  reload: reload
    .prefault({})
    .describe('How a changed config comes into force; what is wrong with one changes nothing.'),
  shutdown: shutdown.prefault({}).describe('How the process ends.'),
  log: log.prefault({}).describe('Logs.'),
  hints: z
    .boolean()
    .default(true)
    .describe(
      "Whether the gateway compares ZITADEL's issuer with `hosts` at start, and explains mismatches in the log.",
    ),
});

/** The config, complete: nothing is undefined that has a default. */
export type Config = z.output<typeof configSchema>;

/** A listener of the config. */
export type ListenerConfig = Config['listeners'][number];

/** An upstream of the config. */
export type UpstreamConfig = Config['upstreams'][string];
