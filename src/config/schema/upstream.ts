import { z } from 'zod';
import { adaptiveConcurrency } from './adaptive-concurrency.ts';
import { balancer } from './balancer.ts';
import { discovery, listedEndpoint } from './discovery.ts';
import { health } from './health.ts';
import { file } from './name.ts';
import { retry, retryBudget } from './retry.ts';

/** TLS towards the endpoints of an upstream. Certificates are verified unless that is switched off by name. */
const upstreamTls = z.strictObject({
  ca_file: file
    .optional()
    .describe("PEM file with the CAs that sign the endpoints; without it the system's CAs count."),
  server_name: z
    .string()
    .min(1)
    .max(253)
    .optional()
    .describe('Name to ask for (SNI) and to verify, where it is not the host of the endpoint.'),
  certificate_file: file
    .optional()
    .describe('PEM file with a client certificate, for endpoints that ask for one (mutual TLS).'),
  key_file: file.optional().describe('PEM file with the key of the client certificate.'),
  insecure_skip_verify: z
    .boolean()
    .default(false)
    .describe('Accepts any certificate, so anybody in between can read and change everything. For tests.'),
});

/** How an upstream's TLS settings are written down. */
export type UpstreamTls = z.output<typeof upstreamTls>;

/** A named group of endpoints that serve the same. */
export const upstream = z
  .strictObject({
    protocol: z
      .enum(['h2c', 'h2', 'https', 'http/1.1'])
      .default('h2c')
      .describe(
        '`h2c`: HTTP/2 in the clear, for ZITADEL; `h2`: HTTP/2 over TLS; `https`: TLS, HTTP/2 or HTTP/1.1 by ALPN; `http/1.1`: in the clear, for Login v2.',
      ),
    endpoints: z
      .array(listedEndpoint)
      .min(1)
      .max(4096)
      .optional()
      .describe(
        'Addresses as host:port, or as {address, weight}; more than one share the load. Names are resolved anew for each connection. Needed where there is no `discovery`.',
      ),
    discovery: discovery.optional().describe('Finds the endpoints, in place of `endpoints`.'),
    balancer: balancer
      .prefault('least_requests')
      .describe(
        'How an endpoint is picked for a request: a name, or a map with options. `least_requests`: of two drawn by weight the one with fewer requests in flight; `round_robin`; `peak_ewma`: of two the one that is expected to answer first; `ring_hash`: the same one for the same client.',
      ),
    slow_start_ms: z
      .int()
      .min(0)
      .max(3_600_000)
      .default(10_000)
      .describe(
        'How long an endpoint that came or came back gets less than its share, growing from a tenth, in milliseconds; 0 for the whole at once. Not with `ring_hash`.',
      ),
    health: health.prefault({}).describe('How the gateway finds out which endpoints are well.'),
    connect_timeout_ms: z
      .int()
      .min(10)
      .max(120_000)
      .default(2000)
      .describe('How long TCP, TLS and HTTP/2 may take to be ready, in milliseconds.'),
    http2_engine: z
      .enum(['node', 'frames'])
      .default('node')
      .describe(
        'What speaks HTTP/2 to it: `node` is that of Node by http2-wrapper, `frames` the gateway’s own engine, with less work for each request.',
      ),
    ping_interval_ms: z
      .int()
      .min(1000)
      .max(3_600_000)
      .default(10_000)
      .describe('How often an HTTP/2 session is probed by a PING, in milliseconds.'),
    ping_timeout_ms: z
      .int()
      .min(100)
      .max(600_000)
      .default(5000)
      .describe('How long an answer to a PING may take before the session counts as dead, in milliseconds.'),
    idle_session_ms: z
      .int()
      .min(1000)
      .max(86_400_000)
      .default(300_000)
      .describe('How long a session or connection without streams is kept, in milliseconds.'),
    retry: retry.prefault({}).describe('When a request is sent again; routes may say otherwise.'),
    retry_budget: retryBudget
      .prefault({})
      .describe('How many requests may be sent again in all; what was never sent is not counted.'),
    adaptive_concurrency: adaptiveConcurrency
      .prefault({})
      .describe('How many requests all its endpoints may work at, by how fast they answer.'),
    max_sessions: z
      .int()
      .min(1)
      .max(1024)
      .default(64)
      .describe('HTTP/2 sessions or HTTP/1.1 connections to one endpoint.'),
    max_streams: z
      .int()
      .min(0)
      .max(1_000_000)
      .default(0)
      .describe(
        'Requests that one endpoint may have open; 0 for what `max_sessions` and `max_streams_per_session` allow.',
      ),
    max_pending: z
      .int()
      .min(0)
      .max(100_000)
      .default(1024)
      .describe('Requests that may wait for room or a connection at one endpoint; others go elsewhere or get 503.'),
    pending_timeout_ms: z
      .int()
      .min(0)
      .max(600_000)
      .default(2000)
      .describe('How long a request may wait for room at an endpoint, in milliseconds.'),
    max_streams_per_session: z
      .int()
      .min(1)
      .max(10_000)
      .default(100)
      .describe('Open streams of one session; the lower of this and what the endpoint allows counts.'),
    max_idle_connections: z
      .int()
      .min(0)
      .max(10_000)
      .default(64)
      .describe('Idle HTTP/1.1 connections kept to one endpoint.'),
    max_answer_header_bytes: z
      .int()
      .min(8192)
      .max(1_048_576)
      .default(65_536)
      .describe('Header fields of an answer, in bytes (502 beyond).'),
    stream_window_bytes: z
      .int()
      .min(65_535)
      .max(4_194_304)
      .default(1_048_576)
      .describe('HTTP/2 window of a stream: how much of an answer may wait in the gateway, in bytes.'),
    session_window_bytes: z
      .int()
      .min(65_535)
      .max(4_194_304)
      .default(4_194_304)
      .describe('HTTP/2 window of a session over all its streams, in bytes.'),
    tls: upstreamTls.optional().describe('TLS towards the endpoints; only with `h2` and `https`.'),
  })
  .superRefine(({ endpoints, discovery: found }, context) => {
    if (endpoints !== undefined && found !== undefined) {
      context.addIssue({
        code: 'custom',
        path: ['discovery'],
        message: 'expected either endpoints or discovery, not both',
      });
    }
    if (endpoints === undefined && found === undefined) {
      context.addIssue({
        code: 'custom',
        path: ['endpoints'],
        message: 'is missing: expected a list of endpoints such as ["zitadel:8080"], or discovery',
      });
    }
  })
  .transform(({ tls, ...rest }): typeof rest & { tls?: UpstreamTls } => {
    const encrypted = rest.protocol === 'h2' || rest.protocol === 'https';
    const settings = tls ?? (encrypted ? upstreamTls.parse({}) : undefined);
    return settings === undefined ? rest : { ...rest, tls: settings };
  })
  .meta({ id: 'upstream', title: 'Upstream' });
