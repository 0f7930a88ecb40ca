import { z } from 'zod';
import { endpoint } from '../address.ts';
import { file } from './name.ts';

/** TLS towards the endpoints of an upstream. Certificates are verified unless that is switched off by name. */
export const upstreamTls = z.strictObject({
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
      .array(endpoint)
      .min(1)
      .describe('Addresses as host:port; more than one share the load. Names are resolved anew for each connection.'),
    balancer: z.enum(['round_robin']).default('round_robin').describe('How an endpoint is picked for a request.'),
    connect_timeout_ms: z
      .int()
      .min(10)
      .max(120_000)
      .default(2000)
      .describe('How long TCP, TLS and HTTP/2 may take to be ready, in milliseconds.'),
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
    max_sessions: z.int().min(1).max(1024).default(64).describe('HTTP/2 sessions to one endpoint.'),
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
  .transform(({ tls, ...rest }): typeof rest & { tls?: UpstreamTls } => {
    const encrypted = rest.protocol === 'h2' || rest.protocol === 'https';
    const settings = tls ?? (encrypted ? upstreamTls.parse({}) : undefined);
    return settings === undefined ? rest : { ...rest, tls: settings };
  })
  .meta({ id: 'upstream', title: 'Upstream' });
